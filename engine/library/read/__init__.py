"""What is in the library, read without disturbing the engine process."""
