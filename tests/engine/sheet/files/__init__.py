"""Small sheets as LibreOffice 7.4 writes them, so that no test needs it; `make.py` made them."""
