"""Pixels to files, with the recipe inside; and back."""
