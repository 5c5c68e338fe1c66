"""Talking to the engine process of a library from any other process, and starting it."""
