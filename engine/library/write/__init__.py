"""Every change to the library, made by the engine process alone."""
