"""What `doctor` concludes: whether it renders here, and what to do."""

from typing import Any

import pytest

from tui.verdict import advice, verdict_line, verdict_lines

MIB = 1 << 20


def found(**changed: Any) -> dict[str, Any]:
    return {
        "graphics": {"protocol": "kitty"},
        "devices": {"cuda:0": "NVIDIA H200, computes in bfloat16"},
        "memory": {"cuda:0": 1 << 37},
        "library": {"engine": "process 7", "free bytes": 1 << 40, "needed bytes": 0, "models": 3},
        "versions": {"torch": "2.13.0+cu130"},
        "helpers": {},
    } | changed


def library(**changed: Any) -> dict[str, Any]:
    return {"library": found()["library"] | changed}


def test_where_all_is_well_it_says_so_and_nothing_else() -> None:
    assert list(verdict_lines(found(), advice(found()))) == ["✓ Ready to render on cuda:0."]


@pytest.mark.parametrize(
    ("changed", "what", "do"),
    [
        ({"devices": {"none": "torch does not start: no libcudart"}}, "libcudart", "make setup"),
        (library(fault="The disk is read-only."), "read-only", "--library DIR"),
        (library(engine="The engine process is of another version."), "version", "engine stop"),
        (library(paused="by you"), "paused: by you", "engine resume"),
        (library(paused="not on vm", **{"renders here": False}), "not on vm", "by itself"),
        (library(**{"engine fault": "torch says nothing"}), "torch says", "engine stop"),
        (library(**{"free bytes": 100 * MIB}), "105 MB free", "trash empty"),
    ],
)
def test_what_keeps_from_rendering_comes_first_with_what_ends_it(
    changed: dict[str, Any], what: str, do: str
) -> None:
    there = found(graphics={"protocol": "half-cells"}, **changed)
    first, *others = given = advice(there, 512 * MIB)
    assert first.stops and what in first.what and do in first.do
    assert not any(each.stops for each in others) and others
    assert verdict_line(there, given) == "✗ Not ready to render. Fix this first:"


@pytest.mark.parametrize(
    ("changed", "what", "do"),
    [
        ({"devices": {"cpu": "cpu"}, "memory": {"cpu": 1 << 34}}, "no GPU", "nvidia-smi"),
        ({"devices": {"cpu": "cpu"}}, "1 GPU that torch 2.13.0+cu130", "+cpu"),
        ({"machine": {"GPUs": "CUDA_VISIBLE_DEVICES is empty"}}, "is empty", "--gres=gpu:1"),
        (library(models=1), "built-in", "models pull"),
        (library(**{"needed bytes": 1 << 41}), "2199 GB", "free some space"),
        ({"models and words": {"fault 1": "sdxl is not whole"}}, "sdxl is not whole", "rows"),
        ({"graphics": {"protocol": "none"}}, "coloured blocks", "kitty"),
    ],
)
def test_what_could_be_better_is_said_and_keeps_nothing_from_rendering(
    changed: dict[str, Any], what: str, do: str
) -> None:
    (one,) = given = advice(found(**changed), 512 * MIB)
    assert what in one.what and do in one.do and not one.stops
    assert verdict_line(found(**changed), given).startswith("✓ Ready to render on")


@pytest.mark.parametrize(
    ("ray", "what"),
    [
        ({"version": "not installed: pip"}, "Ray is not installed"),
        ({"fault": "no Ray cluster answers at auto: nothing"}, "no Ray cluster answers"),
        ({"token": "not asked for", "node a": "8 processors"}, "asks for no token"),
        ({}, "has no node"),
    ],
)
def test_a_ray_cluster_that_is_meant_to_render_is_there_and_asks_for_a_token(
    ray: dict[str, str], what: str
) -> None:
    told = {"version": "2.60.0", "address": "auto", "token": "asked for"} | ray
    assert any(what in each.what for each in advice(found(ray=told)))


def test_nodes_of_a_ray_cluster_are_among_what_it_renders_on() -> None:
    told = {"version": "2.60.0", "token": "asked for", "node a": "8 processors"}
    assert advice(found(ray=told)) == []
    assert verdict_line(found(ray=told), []).endswith("on cuda:0 and 1 node of a Ray cluster.")
