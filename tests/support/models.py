"""The models there are."""

from importlib.resources import files
from pathlib import Path

BUILTIN = Path(str(files("assets") / "models" / "builtin"))
