"""Drawing on pictures: what stays, what follows the prompt, and that no companion shows."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from engine.library.files import digest_of
from engine.models.families import family_of
from engine.picture.recipe import Recipe
from engine.picture.source_files import SourceError
from engine.render import sources
from engine.render.calls import NoSourceError
from engine.render.drawing import InOneCall, method_for
from engine.render.pipelines import load_pipeline
from engine.render.ready_sources import Pixels, ReadySource
from engine.render.redrawing import draw_in_tiles, tiles_of
from engine.render.sources import SourceCache
from tests.bench.random_models import save_sd15, save_sdxl
from tests.support.families import save_tiny

RECIPE = Recipe(
    "a blue square on a yellow background",
    "",
    7,
    128,
    128,
    10,
    4.0,
    "S",
    "builtin",
    "h",
    image="d",
    strength=0.6,
)

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("one_thread")]


@pytest.fixture(scope="module")
def sd15(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("sd15")
    save_sd15(folder, full=False)
    return load_pipeline(folder, "float32", "cpu")


@pytest.fixture(scope="module")
def sdxl(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("sdxl")
    save_sdxl(folder, full=False)
    return load_pipeline(folder, "float32", "cpu")


@pytest.fixture(scope="module")
def kontext(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("kontext")
    save_tiny("FluxKontextPipeline", folder)
    return load_pipeline(folder, "float32", "cpu")


def disc(colour: str = "red", side: int = 128) -> Pixels:
    """A disc on white, as the built-in model draws them."""
    picture = Image.new("RGB", (side, side), "white")
    corners = (side // 4, side // 4, side * 3 // 4, side * 3 // 4)
    ImageDraw.Draw(picture).ellipse(corners, fill=colour)
    return np.asarray(picture)


def draw(
    pipeline: Any,
    recipes: Sequence[Recipe],
    sources: Sequence[ReadySource],
    way: Any = None,
    told: list[int] | None = None,
) -> list[Pixels]:
    chosen = way or method_for(pipeline)
    chosen.prepare(pipeline, recipes)
    steps = [] if told is None else told
    return list(chosen.draw(pipeline, recipes, lambda step, *_: steps.append(step), sources))


def apart(one: Pixels, other: Pixels) -> float:
    """Levels, on the average."""
    return float(np.abs(one.astype(float) - other.astype(float)).mean())


def share(pixels: Pixels, colour: tuple[int, int, int]) -> float:
    """How much of a picture is nearly of a colour."""
    far = np.abs(pixels.astype(int) - np.array(colour)).max(-1)
    return float((far < 60).mean())


RED, BLUE, YELLOW = (214, 40, 40), (50, 80, 200), (250, 210, 50)
"""As the built-in model draws them, about."""


def test_little_strength_keeps_the_picture_and_much_follows_the_prompt(builtin: Any) -> None:
    source = ReadySource(disc("#d62828"))
    little, half, much = (
        draw(builtin, [replace(RECIPE, strength=strength)], [source])[0]
        for strength in (0.2, 0.6, 0.95)
    )
    assert apart(little, source.pixels) < 20
    assert apart(little, source.pixels) < apart(half, source.pixels) < apart(much, source.pixels)
    assert share(little, RED) > 0.15 and share(little, (255, 255, 255)) > 0.6
    assert share(much, YELLOW) > 0.4, "as the prompt says"
    assert share(much, BLUE) > 0.03, "as the prompt says"
    assert share(much, RED) < 0.01 and share(much, (255, 255, 255)) < 0.01


@pytest.mark.parametrize("model", ["builtin", "sd15", "sdxl"])
@pytest.mark.parametrize("strength", [0.2, 0.5, 1.0])
def test_the_steps_that_are_told_are_those_that_are_taken(
    model: str, strength: float, request: pytest.FixtureRequest
) -> None:
    pipeline = request.getfixturevalue(model)
    recipe = replace(RECIPE, steps=10, width=64, height=64, strength=strength)
    told: list[int] = []
    draw(pipeline, [recipe], [ReadySource(disc(side=64))], told=told)
    family = family_of(type(pipeline).__name__)
    assert told == list(range(1, family.steps_taken(10, strength) + 1))
    assert len(told) == int(10 * strength)


@pytest.mark.parametrize("model", ["builtin", "sd15", "sdxl"])
def test_a_picture_does_not_hang_on_its_companions_their_order_or_padding(
    model: str, request: pytest.FixtureRequest
) -> None:
    pipeline = request.getfixturevalue(model)
    mine = replace(RECIPE, width=64, height=64, steps=4)
    others = [replace(mine, prompt=f"{n} circles", seed=n) for n in range(3)]
    source, second, third = (ReadySource(disc(c, 64)) for c in ("red", "green", "blue"))
    beside = draw(pipeline, [mine, *others], [source, second, third, second])
    padded = draw(pipeline, [mine] * 4, [source] * 4)
    strangers = draw(pipeline, [mine, *others[::-1]], [source, third, source, third])
    assert np.array_equal(beside[0], padded[0])
    assert np.array_equal(beside[0], strangers[0])
    turned = draw(pipeline, [*others, mine], [second, third, second, source])
    assert np.array_equal(turned[3], beside[0])
    assert apart(beside[0], beside[1]) > 1


@pytest.mark.parametrize("model", ["builtin", "sd15", "sdxl"])
def test_outside_the_mask_the_picture_is_pixel_for_pixel_what_it_was(
    model: str, request: pytest.FixtureRequest
) -> None:
    pipeline = request.getfixturevalue(model)
    pixels = disc(side=64)
    mask = np.zeros((64, 64), np.uint8)
    mask[:, 32:] = 255
    recipe = replace(RECIPE, width=64, height=64, steps=4, strength=0.9, mask="m")
    (drawn,) = draw(pipeline, [recipe], [ReadySource(pixels, mask)])
    assert np.array_equal(drawn[:, :32], pixels[:, :32])
    assert apart(drawn[:, 32:], pixels[:, 32:]) > 2
    (again,) = draw(pipeline, [recipe], [ReadySource(pixels, mask)])
    assert np.array_equal(drawn, again)


def test_inside_the_mask_the_prompt_is_followed(builtin: Any) -> None:
    mask = np.full((128, 128), 255, np.uint8)
    mask[:, :20] = 0
    recipe = replace(RECIPE, strength=1.0, mask="m")
    (drawn,) = draw(builtin, [recipe], [ReadySource(disc(), mask)])
    assert np.array_equal(drawn[:, :20], disc()[:, :20])
    assert drawn[64, 70, 2] > drawn[64, 70, 0], "blue"


@pytest.mark.parametrize("model", ["builtin", "sdxl"])
def test_in_stages_it_draws_what_one_call_draws(model: str, request: pytest.FixtureRequest) -> None:
    pipeline = request.getfixturevalue(model)
    recipes = [replace(RECIPE, width=64, height=64, steps=6, seed=seed) for seed in (1, 2)]
    sources = [ReadySource(disc(colour, 64)) for colour in ("red", "green")]
    staged = draw(pipeline, recipes, sources)
    whole = draw(pipeline, recipes, sources, InOneCall())
    for one, other in zip(staged, whole, strict=True):
        assert np.abs(one.astype(int) - other.astype(int)).max() <= 2


def test_drawing_on_a_picture_leaves_the_pipeline_as_it_was(builtin: Any) -> None:
    plain = replace(RECIPE, image="", strength=None, steps=4)
    before = draw(builtin, [plain], [])
    draw(builtin, [replace(RECIPE, steps=4)], [ReadySource(disc())])
    assert np.array_equal(draw(builtin, [plain], [])[0], before[0])


def test_a_kind_that_draws_on_no_picture_says_so() -> None:
    class CogView4Pipeline:
        pass

    with pytest.raises(NoSourceError, match="CogView4"):
        next(iter(InOneCall().draw(CogView4Pipeline(), [RECIPE], lambda *_: None, [_source()])))


def _source() -> ReadySource:
    return ReadySource(disc())


# -------------------------------------------------------------------- made ready


def test_a_source_is_made_ready_once_over_batches_and_only_what_was_taken_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a"
    Image.fromarray(disc()).save(path, "PNG")
    digest, files = digest_of(path.read_bytes()), {digest_of(path.read_bytes()): path}
    recipe = replace(RECIPE, image=digest, width=64, height=32)
    cache = SourceCache()
    ready = cache.ready(recipe, files)
    assert ready.pixels.shape == (32, 64, 3)
    with monkeypatch.context() as unread:
        unread.setattr(sources, "open_plain", lambda path: pytest.fail(f"{path} is read again"))
        assert cache.ready(replace(recipe, seed=9, prompt="another", strength=0.2), files) is ready
    assert cache.ready(replace(recipe, fit="pad"), files) is not ready
    assert cache.ready(replace(recipe, background="#123456"), files) is not ready
    path.write_bytes(path.read_bytes())  # by someone, the same
    assert cache.ready(recipe, files) is ready
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(SourceError, match="has been changed"):
        cache.ready(recipe, files)
    with pytest.raises(SourceError, match="not in the library"):
        cache.ready(recipe, {})
    path.unlink()
    with pytest.raises(SourceError, match="File not found"):
        cache.ready(recipe, files)


def test_of_many_sources_those_used_last_are_kept_and_the_rest_takes_no_memory(
    tmp_path: Path,
) -> None:
    files = {}
    for shade in range(5):
        Image.new("RGB", (8, 8), (shade, 0, 0)).save(tmp_path / str(shade), "PNG")
        files[digest_of((tmp_path / str(shade)).read_bytes())] = tmp_path / str(shade)
    recipes = [replace(RECIPE, image=digest, width=64, height=32) for digest in files]
    one = 64 * 32 * 3
    cache = SourceCache(room=3 * one)
    made = [cache.ready(recipe, files) for recipe in recipes[:3]]
    assert cache.ready(recipes[0], files) is made[0]
    for recipe in recipes[3:]:
        cache.ready(recipe, files)
        assert cache.bytes == 3 * one
    assert cache.ready(recipes[0], files) is made[0]
    again = cache.ready(recipes[1], files)
    assert again is not made[1] and np.array_equal(again.pixels, made[1].pixels)
    large = replace(recipes[2], width=640, height=320)
    assert cache.ready(large, files) is cache.ready(large, files), "a batch needs it whole"
    assert cache.bytes == 100 * one


def test_a_mask_and_its_picture_are_brought_to_the_same_place(tmp_path: Path) -> None:
    files = {}
    for name, mode in (("image", "RGB"), ("mask", "L")):
        picture = Image.new(mode, (60, 30))
        white: Any = (255, 255, 255) if mode == "RGB" else 255
        picture.paste(white, (30, 0, 60, 30))
        picture.save(tmp_path / name, "PNG")
        files[digest_of((tmp_path / name).read_bytes())] = tmp_path / name
    image, mask = files
    for fit in ("crop", "pad", "stretch"):
        recipe = replace(RECIPE, image=image, mask=mask, width=32, height=32, fit=fit)
        recipe = replace(recipe, background="#000000")
        ready = SourceCache().ready(recipe, files)
        assert ready.mask is not None
        assert np.array_equal(ready.pixels[..., 0], ready.mask)
    assert torch.get_num_threads() == 1


def test_a_model_that_is_told_what_to_change_draws_each_image_on_its_own_picture(
    kontext: Any,
) -> None:
    first = replace(RECIPE, strength=None, steps=4, guidance=2.5, width=64, height=96)
    second = replace(first, seed=9, prompt="make it a watercolour")
    red, blue = (ReadySource(np.resize(disc(colour), (96, 64, 3))) for colour in ("red", "blue"))
    told: list[int] = []
    mine, theirs = draw(kontext, [first, second], [red, blue], told=told)
    assert mine.shape == (96, 64, 3), "the recipe's size, not the model's usual one"
    assert told == [1, 2, 3, 4], "it takes all steps"
    swapped = draw(kontext, [second, first], [blue, red])
    assert np.array_equal(swapped[1], mine) and np.array_equal(swapped[0], theirs)
    assert np.array_equal(draw(kontext, [first, second], [red, red])[0], mine)
    assert not np.array_equal(draw(kontext, [first, second], [blue, blue])[0], mine)


def test_what_is_larger_than_the_model_draws_is_drawn_anew_in_tiles_nobody_sees(
    builtin: Any,
) -> None:
    large = np.asarray(Image.fromarray(disc("#d62828")).resize((256, 192)))
    recipe = replace(RECIPE, width=256, height=192, steps=8, strength=0.3, upscale=2, tile=128)
    way, told = method_for(builtin), list[int]()
    taken = family_of(type(builtin).__name__).steps_taken(recipe.steps, 0.3)

    def drawn(*recipes: Recipe) -> list[Pixels]:
        sources = [ReadySource(large)] * len(recipes)
        step = lambda done, *_: told.append(done)  # noqa: E731
        return list(draw_in_tiles(way, builtin, recipes, step, sources, taken))

    (first,) = drawn(recipe)
    assert told == list(range(1, 6 * taken + 1)) and len(tiles_of(recipe)) == 6
    assert first.shape == large.shape and apart(first, large) < 20
    # Where tiles meet the picture changes no more from column to column than elsewhere.
    across = np.abs(np.diff(first.astype(int), axis=1)).mean((0, 2))
    assert across[96:128].max() < 2 * np.sort(across)[-24:].mean()
    mixed = drawn(recipe, replace(recipe, seed=99))
    other = drawn(recipe, replace(recipe, seed=7))
    assert np.array_equal(mixed[0], other[0]) and not np.array_equal(mixed[1], other[1])
