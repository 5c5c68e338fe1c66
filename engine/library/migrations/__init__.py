"""Numbered SQL files: what each version of the schema adds to the one before."""
