"""Small sheets as LibreOffice 7 writes them, so that the tests need none; `make.py` made them."""
