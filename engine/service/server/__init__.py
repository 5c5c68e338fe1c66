"""The engine process itself: the one writer of a library, and the renderers it keeps busy."""
