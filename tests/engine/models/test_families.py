"""The one table of families, and what a model's folder tells of its kind."""

import json
from pathlib import Path
from typing import Any

import pytest

from engine.models.catalog import Model, load_models
from engine.models.families import FAMILIES, family_of, is_known
from engine.models.family import Family
from engine.models.schedulers import SCHEDULERS


def model(config: Path, pipeline: str, *more: str, **files: Any) -> Model:
    """A model whose folder holds this, with more lines in its entry."""
    folder = config / "mine"
    folder.mkdir(exist_ok=True)
    index = {"_class_name": pipeline} | files.pop("index", {})
    (folder / "model_index.json").write_text(json.dumps(index))
    for name, body in files.items():
        part, _, kind = name.partition("_")
        (folder / part).mkdir(exist_ok=True)
        (folder / part / f"{kind}.json").write_text(json.dumps(body))
    entry = ["[[models]]", 'label = "mine"', 'source = "mine"', *more]
    (config / "models.toml").write_text("\n".join(entry))
    return load_models()["mine"]


TRAILING = {"_class_name": "EulerAncestralDiscreteScheduler", "timestep_spacing": "trailing"}


@pytest.mark.parametrize(
    ("pipeline", "files", "steps"),
    [
        ("FluxPipeline", {"transformer_config": {"guidance_embeds": False}}, 4),
        ("FluxPipeline", {"transformer_config": {"guidance_embeds": True}}, 28),
        ("Flux2KleinPipeline", {"index": {"is_distilled": True}}, 4),
        ("Flux2KleinPipeline", {"index": {"is_distilled": False}}, 50),
        ("StableDiffusionXLPipeline", {"scheduler_scheduler_config": TRAILING}, 2),
        ("StableDiffusionXLPipeline", {}, 30),
        ("ZImagePipeline", {}, 50),
        ("Krea2Pipeline", {"index": {"is_distilled": True}}, 8),
        ("HunyuanImagePipeline", {"transformer_config": {"guidance_embeds": True}}, 8),
        ("HunyuanImagePipeline", {}, 50),
    ],
)
def test_kin_that_were_distilled_are_told_by_their_folder(
    config: Path, pipeline: str, files: dict[str, Any], steps: int
) -> None:
    mine = model(config, pipeline, **files)
    assert mine.rendering["default"].steps == steps
    few = steps < 10
    assert mine.distilled is few
    assert mine.kind.guides is (not few or pipeline == "HunyuanImagePipeline")
    assert mine.heeds_negative("default") is (mine.kind.negative_prompt and not few)


def test_an_entry_says_what_its_folder_does_not(config: Path) -> None:
    turbo = model(
        config, "ZImagePipeline", "distilled = true", "rendering.turbo = {steps=3, guidance=0}"
    )
    assert [turbo.rendering[word].steps for word in ("turbo", "default", "quality")] == [3, 9, 9]
    assert not turbo.kind.guides
    dev = model(
        config,
        "FluxPipeline",
        "distilled = false",
        transformer_config={"guidance_embeds": False},
    )
    assert dev.rendering["default"].steps == 28


def test_no_familys_words_for_rendering_mean_what_it_was_not_made_for() -> None:
    for family in FAMILIES.values():
        for each in (family, family.as_distilled()):
            steps = [rendering.steps for rendering in each.renderings]
            assert [rendering.word for rendering in each.renderings] == [
                *("turbo", "default", "quality")
            ]
            assert steps == sorted(steps)
        if family.distilled is not None:
            few, all_steps = family.as_distilled().renderings, family.renderings
            assert max(r.steps for r in few) < all_steps[1].steps


def test_every_scheduler_that_is_offered_has_a_name_and_on_pictures_none_that_cannot() -> None:
    for family in FAMILIES.values():
        assert set(family.schedulers_for()) <= set(SCHEDULERS)
        on_pictures = family.schedulers_for(on_picture=True)
        assert set(on_pictures) <= set(family.schedulers_for())
        if family.flow and family.image_to_image:
            assert set(on_pictures) <= {"euler"}, "others cannot take a picture to its noise"


def test_sizes_are_multiples_of_what_the_kind_can_draw(config: Path) -> None:
    assert model(config, "SanaPipeline").size_multiple == 32, "others its call refuses"
    assert model(config, "FluxPipeline").size_multiple == 16
    assert model(config, "SanaPipeline", "size_multiple = 64").size_multiple == 64
    for family in FAMILIES.values():
        for _, size in family.named_sizes:
            assert all(side % family.multiple == 0 for side in size), (family.title, size)


def test_an_argument_is_left_to_the_call_where_it_knows_better() -> None:
    sprint = family_of("SanaSprintPipeline")
    assert sprint.fixed_for(2) == {"use_resolution_binning": False}
    assert sprint.fixed_for(3) == {
        "use_resolution_binning": False,
        "intermediate_timesteps": None,
    }


def test_a_kind_that_nobody_knows_promises_nothing() -> None:
    assert is_known("FluxPipeline") and not is_known("SomebodysPipeline")
    assert family_of("SomebodysPipeline").schedulers_for() == ()
    assert not family_of("SomebodysPipeline").tested


def row_of(family: Family) -> str:
    """A family's row in the guide."""
    drawn = "a tiny one, random weights" if family.tested else "not tested"
    if family.tested and family.helper:
        drawn += f", where {family.helper} is installed"
    if family is family_of("StableDiffusionPipeline"):
        drawn += "; the built-in model"
    by_words = "by words, and only so" if family.needs_picture else "by words"
    on = "by strength" if family.image_to_image else by_words if family.edits else "–"
    kin = " and its few-step kin" if family.distilled else ""
    able = (family.masks, family.negative_prompt, family.loras)
    masks, negative, loras = ("yes" if each else "–" for each in able)
    return f"| {family.title}{kin} | {drawn} | {on} | {masks} | {negative} | {loras} |"


def test_the_guide_has_a_row_for_every_family_as_the_table_says_it() -> None:
    page = Path(__file__).parents[3] / "assets" / "guide" / "models.md"
    guide = page.read_text(encoding="utf-8")
    rows = list(dict.fromkeys(row_of(family) for family in FAMILIES.values()))
    assert "\n".join(rows) in guide, "\n".join(rows)


def test_ideograms_presets_are_its_makers_and_any_other_length_is_like_the_nearest() -> None:
    family = family_of("Ideogram4Pipeline")
    told = {r.word: family.guided(r.steps, r.guidance) for r in family.renderings}
    makers = {
        "turbo": ([7.0] * 11 + [3.0], 0.5, 1.75),
        "default": ([7.0] * 18 + [3.0] * 2, 0.0, 1.75),
        "quality": ([7.0] * 45 + [3.0] * 3, 0.0, 1.5),
    }
    assert {w: (t["guidance_schedule"], t["mu"], t["std"]) for w, t in told.items()} == makers
    assert family.guided(34, 7.0)["std"] == 1.6875
    assert (family.guided(16, 7.0)["mu"], family.guided(16, 7.0)["std"]) == (0.25, 1.8375)
    own = family.guided(96, 4.0)
    assert own["guidance_schedule"] == [4.0] * 90 + [2.0] * 6 and own["std"] == 1.5
    for steps in (1, 2, 3, 7, 500):
        schedule = family.guided(steps, 1.0)["guidance_schedule"]
        assert schedule == [1.0] * steps
    assert family_of("FluxPipeline").guided(4, 3.5) == {"guidance_scale": 3.5}
