"""What was done and can be undone, for as long as the app is open.

`stack` keeps the order, `actions` are what can be on it, `undoing` is how a screen gets at it.
Begin with `actions`.
"""
