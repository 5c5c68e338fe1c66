"""What was done and can be undone, for as long as the app is open.

`stack` keeps the order, `actions` are what can be on it. Begin with `actions`.
"""
