"""Promptsheet's engine: from a sheet to images on disk, with or without a screen."""

__version__ = "0.1.0"
