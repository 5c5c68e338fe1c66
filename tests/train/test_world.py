"""The built-in model's world: what is drawn is what is said, and what is held out stays out."""

import random
from collections import Counter

import numpy as np
import pytest

from assets.train.captions import QUESTIONS, caption, vocabulary
from assets.train.glyphs import COLOURS, KINDS, apart
from assets.train.judge import look, sky
from assets.train.reading import LENGTH, new_tokenizer, picture_to_learn, tokens, with_unknown_words
from assets.train.world import (
    PICTURE_SIZES,
    Group,
    Picture,
    draw,
    is_held_out,
    one_thing,
    scene,
    several_things,
    two_things,
)

pytestmark = pytest.mark.slow


PLAIN = (one_thing, several_things, two_things)


@pytest.mark.parametrize("size", PICTURE_SIZES)
def test_every_picture_can_be_drawn_in_every_size(size: tuple[int, int]) -> None:
    rng = random.Random(1)
    for _ in range(60):
        maker = rng.choice(PLAIN)
        for picture in (maker(rng, KINDS), scene(rng)):
            assert draw(picture, *size, rng).size == size


@pytest.mark.parametrize("kind", KINDS)
def test_a_thing_is_seen_in_its_colour_on_its_background(kind: str) -> None:
    rng = random.Random(2)
    for colour, background in (("red", "teal"), ("blue", "yellow"), ("white", "purple")):
        picture = Picture((Group(kind, colour),), background)
        seen = look(np.asarray(draw(picture, 128, 128, rng)))
        assert (seen.background, seen.colour) == (background, colour)
        assert len(seen.boxes) == 1


def test_as_many_things_are_drawn_as_there_are() -> None:
    rng = random.Random(3)
    right = Counter[bool]()
    for _ in range(150):
        picture = several_things(rng, KINDS)
        seen = look(np.asarray(draw(picture, 128, 128, rng)))
        right[len(seen.boxes) == picture.groups[0].count] += 1
    assert right[True] >= 145


def test_the_sky_is_the_scene_s() -> None:
    rng = random.Random(4)
    for _ in range(60):
        picture = scene(rng)
        assert sky(np.asarray(draw(picture, 128, 128, rng))) == picture.sky


def test_things_stand_out_from_their_background() -> None:
    rng = random.Random(5)
    for _ in range(300):
        picture = rng.choice(PLAIN)(rng, KINDS)
        for group in picture.groups:
            assert apart(COLOURS[group.colour], COLOURS[picture.background])


def test_a_tenth_is_held_out_and_never_learned() -> None:
    rng = random.Random(6)
    share = sum(is_held_out(one_thing(rng, KINDS)) for _ in range(2000)) / 2000
    assert 0.07 < share < 0.13
    assert not any(is_held_out(picture_to_learn(rng, 0.5)) for _ in range(500))


def test_a_caption_says_only_what_is_there() -> None:
    rng = random.Random(7)
    for _ in range(1000):
        picture = picture_to_learn(rng, 0.5)
        text, facts = caption(picture, rng)
        assert len(facts.answers()) == len(QUESTIONS)
        said = facts.said
        assert said.get("background", picture.background) == picture.background
        assert said.get("sky", picture.sky) == picture.sky
        for name, group in zip(("first", "second"), picture.groups, strict=False):
            assert said.get(f"{name} kind", group.kind) == group.kind
            if colour := said.get(f"{name} colour"):
                assert colour == group.colour
                assert colour in text.replace("grey", "gray")


def test_a_known_word_is_one_token_and_an_unknown_one_breaks_nothing() -> None:
    tokenizer = new_tokenizer()
    assert all(len(tokenizer.tokenize(word)) == 1 for word in vocabulary())
    ids = tokens(tokenizer, ["a red zeppelin, 日本 🎈", "", "many " * 100])
    assert ids.shape == (3, LENGTH)
    rng = random.Random(8)
    for _ in range(50):
        row = with_unknown_words(ids[0], tokenizer.eos_token_id, rng)
        assert row.shape == (LENGTH,)
        assert row[-1] == tokenizer.eos_token_id
