"""The models there are."""

from importlib.resources import files
from pathlib import Path

BUILTIN = Path(str(files("assets") / "models" / "builtin"))


def draw_quickly(config: Path) -> None:
    """Have turbo and default draw in few steps, for tests of what becomes of images."""
    (config / "models.toml").write_text(
        f"""[[models]]
label = "builtin"
source = "{BUILTIN}"
base_resolution = 128
max_batch = 8
family = "builtin"

[models.rendering]
turbo = {{ steps = 2, guidance = 4.0 }}
default = {{ steps = 4, guidance = 4.0 }}
quality = {{ steps = 24, guidance = 4.0 }}

[models.expect]
seconds_per_image = 0.1
bytes_per_image = 24000
"""
    )
