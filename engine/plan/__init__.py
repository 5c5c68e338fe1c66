"""Pure: rows to recipes to batches.

What a row means in words, pixels and seeds, how images are put into batches, what that will take.
No process, no disk but the user's own word files. Begin with `recipes` and `batches`.
"""
