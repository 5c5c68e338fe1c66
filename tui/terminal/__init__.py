"""What the app asks of the terminal itself, beside drawing on it."""
