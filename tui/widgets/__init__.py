"""Widgets of the app; each knows its own data only, none knows a screen.

`virtual_table` draws any number of rows, `contact_sheet` pages of thumbnails. Begin with those.
"""
