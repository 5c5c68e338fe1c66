"""What shows a picture that a row is drawn on: its copy in the library, and its pixels."""

from engine.library.sources import source_path
from engine.picture.sources import fitted, read_rgb

__all__ = ["fitted", "read_rgb", "source_path"]
