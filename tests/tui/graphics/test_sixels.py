"""Sixels, drawn again by a terminal of our own."""

import re

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from tui.graphics.encode import quantise
from tui.graphics.sixels import sixels

_TOKEN = re.compile(
    r"#(?P<define>\d+);2;(\d+);(\d+);(\d+)|#(?P<select>\d+)|!(?P<times>\d+)(?P<many>[?-~])"
    r"|(?P<one>[?-~])|(?P<back>\$)|(?P<next>-)"
)


def drawn(text: str) -> npt.NDArray[np.int64]:
    """Height × width × 3 in percent, as a terminal shows it; -1 where nothing was drawn."""
    whole = re.fullmatch(r'\x1bP0;0;0q"1;1;(\d+);(\d+)(.*)\x1b\\', text)
    assert whole
    width, height = int(whole[1]), int(whole[2])
    picture = np.full((height + 12, width, 3), -1)
    palette: dict[int, list[int]] = {}
    x = y = at = colour = 0
    while at < len(whole[3]):
        token = _TOKEN.match(whole[3], at)
        assert token, whole[3][at : at + 20]
        at = token.end()
        if token["define"]:
            palette[int(token["define"])] = [int(token[n]) for n in (2, 3, 4)]
        elif token["select"]:
            colour = int(token["select"])
        elif token["back"]:
            x = 0
        elif token["next"]:
            x, y = 0, y + 6
        else:
            times = int(token["times"] or 1)
            bits = ord(token["many"] or token["one"]) - 63
            for row in range(6):
                if bits >> row & 1:
                    picture[y + row, x : x + times] = palette[colour]
            x += times
        assert x <= width
    assert (picture[height:] == -1).all(), "drawn below the picture"
    return picture[:height]


@settings(max_examples=60)
@given(
    st.integers(1, 40), st.integers(1, 30), st.integers(1, 256), st.integers(0, 3), st.integers()
)
def test_a_terminal_draws_every_pixel_in_its_colour(
    width: int, height: int, colours: int, blocks: int, seed: int
) -> None:
    rng = np.random.default_rng(abs(seed))
    coarse = rng.integers(0, 256, (1 + height // (1 + blocks), 1 + width // (1 + blocks), 3))
    image = Image.fromarray(coarse.astype(np.uint8)).resize((width, height), 0)
    indexed = quantise(image, colours)
    palette = np.asarray(indexed.getpalette()).reshape(-1, 3)
    wanted = np.round(palette[np.asarray(indexed)] * 100 / 255)
    assert (drawn(sixels(indexed)) == wanted).all()


@pytest.mark.parametrize("size", [(3, 3), (1000, 7), (4, 400)])
def test_one_colour_is_a_run_a_line(size: tuple[int, int]) -> None:
    text = sixels(Image.new("RGB", size, "red").quantize(4))
    assert len(text) < 60 + 8 * -(-size[1] // 6)
    assert (drawn(text) == [100, 0, 0]).all()
