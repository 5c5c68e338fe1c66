"""Numbered SQL files: what each version of the schema adds to the one before.

1.sql is the first schema whole. New libraries take every step, old ones those they lack
(`engine.library.database`). A file that was released is never changed.
"""
