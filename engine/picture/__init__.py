"""Pixels to files, with the recipe inside; and back.

`recipe` says what determines an image, `metadata` how a file carries it, `foreign` reads what other
programs write. Begin with `recipe`.
"""
