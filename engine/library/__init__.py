"""The library on disk: its database, its files, and what holds them in step."""
