"""What the app asks of the terminal itself, beside drawing on it.

Text that must not reach it (`escape_filter`), files sent through it (`download`), its notice, its
going away. Begin with `escape_filter`.
"""
