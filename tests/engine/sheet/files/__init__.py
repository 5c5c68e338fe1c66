"""Small sheets as LibreOffice 7.4 writes them, so that no test needs it.

`make.py` made them; `template-typed.*` is what `promptsheet template` wrote, with three rows typed
below the example row.
"""
