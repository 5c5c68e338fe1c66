import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.picture.oklab import from_oklab, to_oklab
from engine.plan.palettes import weighted
from engine.plan.words import load_words
from engine.render.recolour import recolour

pytestmark = pytest.mark.slow


Pixels = npt.NDArray[np.uint8]
PALETTES = load_words().palettes
HEX = st.from_regex(r"#[0-9A-F]{6}(:[1-9])?", fullmatch=True)


@pytest.fixture(scope="module")
def picture() -> Pixels:
    """Sky, ground and a disc, with a little noise."""
    rows, columns = np.mgrid[0:96, 0:128]
    pixels = np.where(rows[..., None] < 60, (120, 196, 244), (96, 180, 84)).astype(float)
    pixels[(rows - 30) ** 2 + (columns - 90) ** 2 < 300] = (214, 40, 40)
    noise = np.random.default_rng(0).normal(0, 4, pixels.shape)
    return (pixels + noise).clip(0, 255).astype(np.uint8)


def distance(pixels: Pixels, palette: tuple[str, ...]) -> float:
    wanted = to_oklab(np.array([colour for colour, _ in weighted(palette)]) / 255)
    lab = to_oklab(pixels.reshape(-1, 3) / 255)
    return float((((lab[:, None] - wanted) ** 2).sum(-1) ** 0.5).min(1).mean())


@given(st.lists(st.tuples(*[st.integers(0, 255)] * 3), min_size=1, max_size=20))
def test_oklab_goes_and_comes(colours: list[tuple[int, int, int]]) -> None:
    levels = np.array(colours) / 255
    assert np.abs(from_oklab(to_oklab(levels)) - levels).max() < 1e-4


@pytest.mark.parametrize("name", sorted(PALETTES))
def test_a_picture_comes_near_each_named_palette(picture: Pixels, name: str) -> None:
    moved = recolour(picture, PALETTES[name])
    assert distance(moved, PALETTES[name]) < 0.65 * distance(picture, PALETTES[name])


def test_what_was_apart_stays_apart_and_dark_stays_dark(picture: Pixels) -> None:
    moved = to_oklab(recolour(picture, PALETTES["ember"]).reshape(-1, 3) / 255).reshape(96, 128, 3)
    sky, ground, disc = moved[5, 5], moved[90, 5], moved[30, 90]
    for one, other in ((sky, ground), (sky, disc), (ground, disc)):
        assert np.linalg.norm(one - other) > 0.1
    assert sky[0] > disc[0], "the sky was lighter than the disc"


def test_without_a_palette_not_a_bit_changes(picture: Pixels) -> None:
    assert recolour(picture, ()) is picture


@settings(max_examples=25)
@given(st.lists(HEX, min_size=1, max_size=5), st.integers(0, 3))
def test_any_palette_on_any_picture_gives_the_same_picture_each_time(
    palette: list[str], kind: int
) -> None:
    rng = np.random.default_rng(kind)
    pictures = [
        np.zeros((16, 24, 3), np.uint8),
        np.full((1, 1, 3), 255, np.uint8),
        rng.integers(0, 256, (40, 30, 3), np.uint8),
        np.repeat(rng.integers(0, 256, (2, 2, 3), np.uint8), 30, axis=0),
    ]
    moved = recolour(pictures[kind], palette)
    assert moved.shape == pictures[kind].shape and moved.dtype == np.uint8
    assert np.array_equal(moved, recolour(pictures[kind], palette))
