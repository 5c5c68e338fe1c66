"""Pictures in the terminal: which protocol it has, and pictures made ready for it off the loop.

Begin with `protocol` (what the terminal can) and `view` (the widget).
"""
