"""Talking to the engine process of a library from any other process, and starting it.

Begin with `connection`. Nothing here knows the server's modules.
"""
