"""What is wrong with a model."""


class ModelError(Exception):
    """A model cannot be loaded; the message says why and what to do."""
