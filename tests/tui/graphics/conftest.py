from pathlib import Path

import pytest
from PIL import Image


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A picture with many colours, 160 × 120 pixels."""
    path = tmp_path / "photo.png"
    Image.linear_gradient("L").resize((160, 120)).convert("RGB").rotate(7).save(path)
    return path
