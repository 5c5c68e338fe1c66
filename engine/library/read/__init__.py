"""What is in the library, read without disturbing the engine process.

Short-lived read-only connections, everything fetched before they close: an open cursor would grow
the log. Lists come by the page, as quick for a million images as for ten. Begin with `reader`.
"""
