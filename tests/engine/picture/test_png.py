import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps
from PIL import Image

from engine.picture.png import PictureError, decode, encode_png, read_text

TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))


@given(nps.arrays(np.uint8, st.tuples(st.integers(1, 20), st.integers(1, 20), st.just(3))), TEXTS)
def test_pillow_reads_back_every_pixel_and_every_text(
    pixels: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], text: str
) -> None:
    data = encode_png(pixels, {"parameters": text})
    with Image.open(io.BytesIO(data)) as image:
        image.load()
        assert (np.asarray(image) == pixels).all()
        assert image.info["parameters"] == text  # as other programs find it


@given(TEXTS, TEXTS)
def test_text_survives_the_way_into_a_file_and_back(
    tmp_path_factory: pytest.TempPathFactory, one: str, two: str
) -> None:
    path = tmp_path_factory.mktemp("png") / "image.png"
    path.write_bytes(encode_png(np.zeros((2, 2, 3), np.uint8), {"one": one, "two": two}))
    assert read_text(path) == {"one": one, "two": two}


def test_the_same_pixels_give_the_same_bytes() -> None:
    pixels = np.arange(300, dtype=np.uint32).astype(np.uint8).reshape(10, 10, 3)
    assert encode_png(pixels, {"a": "b"}) == encode_png(pixels.copy(), {"a": "b"})


def test_every_cut_of_a_file_is_noticed(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (8, 8, 3), np.uint8)
    data = encode_png(pixels, {"key": "text"})
    path = tmp_path / "cut.png"
    for length in range(0, len(data) - 20, 7):
        path.write_bytes(data[:length])
        with pytest.raises(PictureError):
            decode(path)


def test_what_is_no_png_is_said_to_be_none(tmp_path: Path) -> None:
    path = tmp_path / "not.png"
    path.write_bytes(b"GIF89a" + bytes(100))
    with pytest.raises(PictureError, match="not a PNG"):
        read_text(path)
