"""What the judge measures on drawn pictures, crisp and blurred."""

import random

import numpy as np
import pytest
from PIL import Image, ImageFilter

from assets.train.glyphs import KINDS
from assets.train.judge import look, soft, strong_steps
from assets.train.world import Group, Picture, draw, two_things

pytestmark = pytest.mark.slow


def test_a_picture_of_eight_colours_is_not_soft_and_a_ninth_is() -> None:
    picture = np.zeros((9, 10, 3), np.uint8)
    picture[:] = (np.arange(9) * 28)[:, None, None]
    assert soft(picture[:8]) == 0
    assert soft(picture) == pytest.approx(1 / 9)


def test_a_colour_s_near_neighbours_are_that_colour() -> None:
    picture = np.full((8, 8, 3), 100, np.uint8)
    picture[0, :3] = (114, 86, 100)
    assert soft(picture) == 0
    assert strong_steps(picture) == 0


def test_strong_steps_are_a_share_of_the_visible_ones() -> None:
    picture = np.zeros((1, 5, 3), np.uint8)
    picture[0, :, 0] = (0, 100, 150, 154, 0)  # steps of 100, 50, 4 and 154
    assert strong_steps(picture) == pytest.approx(2 / 3)


def test_blurred_pictures_are_softer_and_their_steps_weaker() -> None:
    rng = random.Random(1)
    for kind in KINDS:
        image = draw(Picture((Group(kind, "red"),), "teal"), 128, 128, rng)
        blurred = image.filter(ImageFilter.GaussianBlur(1.5))
        assert soft(np.asarray(blurred)) > soft(np.asarray(image))
        assert strong_steps(np.asarray(blurred)) < strong_steps(np.asarray(image))


def test_each_of_two_things_is_seen_in_its_own_colour() -> None:
    rng = random.Random(2)
    right = 0
    for _ in range(100):
        pair = two_things(rng, KINDS)
        seen = look(np.asarray(draw(pair, 128, 128, rng)))
        right += sorted(seen.colours) == sorted(group.colour for group in pair.groups)
    assert right >= 95


def test_an_empty_picture_has_no_things() -> None:
    seen = look(np.asarray(Image.new("RGB", (64, 64), (40, 96, 210))))
    assert (seen.background, seen.colour, seen.boxes, seen.colours) == ("blue", "", [], [])
