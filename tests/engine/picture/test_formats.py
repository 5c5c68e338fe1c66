"""Every kind of file carries its recipe, and gives it back."""

from pathlib import Path

import numpy as np
import pytest

from engine.picture.formats import FORMATS, PNG, SUFFIXES, encode, is_available, read_texts
from engine.picture.metadata import ImageRecord, read_record
from engine.picture.png import PictureError, decode
from engine.picture.recipe import Conditions, Recipe

CONDITIONS = Conditions("cpu", "float32", 2, "sdpa", False, {"torch": "2.13.0"})
KINDS = [kind for kind in FORMATS if is_available(kind)]


def record(prompt: str) -> ImageRecord:
    recipe = Recipe(prompt, "blurry, 日本", 7, 64, 48, 12, 4.0, "S", "builtin", "h")
    return ImageRecord("k3f9x2-4-1", recipe, CONDITIONS, 8, 3, ("dtype: a → b",))


def smooth() -> np.ndarray:
    rise = np.linspace(0, 255, 64).astype(np.uint8)
    return np.stack([np.tile(rise, (48, 1))] * 3, axis=2)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "prompt",
    ["a red boat", 'a: "b", c\n', "赤い船 🚢", "x" * 10_000, "海" * 10_000],
    ids=lambda prompt: f"{prompt[:9]!r}-{len(prompt)}",
)
def test_the_recipe_comes_back_whole(kind: str, prompt: str, tmp_path: Path) -> None:
    mine = record(prompt)
    path = tmp_path / f"picture{SUFFIXES[kind]}"
    path.write_bytes(encode(smooth(), mine.to_text(), kind, 1 if kind == PNG else 90))
    assert read_record(path) == mine
    pixels = decode(path)
    assert pixels.shape == (48, 64, 3)
    assert np.abs(pixels.astype(int) - smooth().astype(int)).mean() < 3
    if len(prompt) < 100:
        assert read_texts(path)["parameters"].startswith(prompt)


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_picture_gives_the_same_bytes_and_less_quality_fewer(kind: str) -> None:
    text = record("p").to_text()
    noise = np.random.default_rng(0).integers(0, 255, (48, 64, 3), dtype=np.uint8)
    assert encode(noise, text, kind, 1) == encode(noise, text, kind, 1)
    if kind != PNG:
        assert len(encode(noise, text, kind, 30)) < len(encode(noise, text, kind, 95))


@pytest.mark.parametrize("kind", KINDS)
def test_a_stripped_picture_says_nothing(kind: str, tmp_path: Path) -> None:
    path = tmp_path / f"picture{SUFFIXES[kind]}"
    path.write_bytes(encode(smooth(), {}, kind, 1 if kind == PNG else 90))
    assert read_texts(path) == {}
    assert read_record(path) is None


@pytest.mark.parametrize("kind", KINDS)
def test_a_torn_file_is_no_picture(kind: str, tmp_path: Path) -> None:
    path = tmp_path / f"picture{SUFFIXES[kind]}"
    noise = np.random.default_rng(0).integers(0, 255, (48, 64, 3), dtype=np.uint8)
    whole = encode(noise, record("p").to_text(), kind, 1 if kind == PNG else 90)
    path.write_bytes(whole[: len(whole) * 3 // 4])
    with pytest.raises(PictureError):
        decode(path)
    path.write_bytes(b"")
    assert read_record(path) is None
