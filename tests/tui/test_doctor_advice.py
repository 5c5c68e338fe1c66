"""What `doctor` concludes: whether it renders here, and what to do."""

from dataclasses import replace
from typing import Any

import pytest

from engine.api import Diagnosis, DiskUse, LibraryState, MachineState, RayState
from engine.protocol.cluster import Node
from tests.support.engine_states import engine_state
from tui.doctor_advice import advice, advice_lines, readiness
from tui.graphics.protocol import Terminal

MIB = 1 << 20
KITTY = Terminal("kitty", "kitty", None)
MACHINE = MachineState(
    devices={"cuda:0": "NVIDIA H200, computes in bfloat16"},
    torch_fault=None,
    cores=8,
    memory=1 << 36,
    whole_memory=1 << 36,
    hidden=None,
    device_memory={"cuda:0": 1 << 37},
    versions={"torch": "2.13.0+cu130"},
    helpers={},
    ray=None,
)


def disk(free: int = 1 << 40, needed: int = 0) -> DiskUse:
    return DiskUse(total=1 << 42, free=free, library=0, session=0, needed=needed)


def library(**changed: Any) -> LibraryState:
    sound = LibraryState("/l", exists=True, disk=disk(), engine=engine_state(), models=3)
    return replace(sound, **changed)


def machine(**changed: Any) -> MachineState:
    return replace(MACHINE, **changed)


def found(
    part: MachineState | LibraryState | None = None, faults: tuple[str, ...] = ()
) -> Diagnosis:
    if isinstance(part, MachineState):
        return Diagnosis(part, library(), faults)
    return Diagnosis(MACHINE, part or library(), faults)


def test_where_all_is_well_it_says_so_and_nothing_else() -> None:
    given = advice(found(), KITTY)
    assert list(advice_lines(found(), given)) == ["✓ Ready to render on cuda:0."]


NOT_ON_VM = engine_state(paused="not on vm", renders=False)


@pytest.mark.parametrize(
    ("part", "what", "do"),
    [
        (machine(devices={}, torch_fault="no libcudart"), "libcudart", "make setup"),
        (library(fault="The disk is read-only."), "read-only", "--library DIR"),
        (library(engine=engine_state("It is of another version.")), "version", "engine stop"),
        (library(engine=engine_state(paused="by you")), "paused: by you", "engine resume"),
        (library(engine=NOT_ON_VM), "not on vm", "until that command"),
        (library(engine=engine_state(fault="torch says nothing")), "torch says", "engine stop"),
        (library(disk=disk(100 * MIB)), "105 MB free", "trash empty"),
    ],
)
def test_what_keeps_from_rendering_comes_first_with_what_ends_it(
    part: MachineState | LibraryState, what: str, do: str
) -> None:
    there = found(part)
    first, *others = given = advice(there, replace(KITTY, protocol="half-cells"), 512 * MIB)
    assert first.stops and what in first.what and do in first.do
    assert not any(each.stops for each in others) and others
    assert readiness(there, given) == "✗ Not ready to render. Fix this first:"


@pytest.mark.parametrize(
    ("there", "what", "do"),
    [
        (found(machine(devices={"cpu": "cpu"}, device_memory={"cpu": 1})), "no GPU", "nvidia-smi"),
        (found(machine(devices={"cpu": "cpu"})), "1 GPU that torch 2.13.0+cu130", "+cpu"),
        (
            found(machine(devices={"cpu": "cpu"}, device_memory={}, hidden="it is empty")),
            "is empty",
            "--gres=gpu:1",
        ),
        (found(library(models=1)), "built-in", "models pull"),
        (found(library(disk=disk(needed=1 << 41))), "2199 GB", "free some space"),
        (found(faults=("sdxl is not whole",)), "sdxl is not whole", "rows"),
    ],
)
def test_what_could_be_better_is_said_and_keeps_nothing_from_rendering(
    there: Diagnosis, what: str, do: str
) -> None:
    (one,) = given = advice(there, KITTY, 512 * MIB)
    assert what in one.what and do in one.do and not one.stops
    assert readiness(there, given).startswith("✓ Ready to render on")


def test_a_terminal_that_shows_blocks_is_told_which_show_pictures_and_why_it_does_not() -> None:
    (one,) = advice(
        found(), replace(KITTY, protocol="none", why="tmux does not let pictures through")
    )
    assert "coloured blocks: tmux" in one.what and "kitty" in one.do and not one.stops


RAY = RayState(others=("auto",), version="2.60.0", address="auto", asks_for_token=True)
NODE = Node("1", "a", gpus=0, cpus=8)


def ray(**changed: Any) -> Diagnosis:
    return found(machine(ray=replace(RAY, **changed)))


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ({"version": None}, "Ray is not installed"),
        ({"fault": "no Ray cluster answers at auto: nothing"}, "no Ray cluster answers"),
        ({}, "has no node"),
    ],
)
def test_a_ray_cluster_that_is_not_there_stops_what_nothing_else_renders_and_else_is_told(
    changed: dict[str, Any], what: str
) -> None:
    (first,) = advice(ray(others=(), **changed), KITTY)
    assert what in first.what and first.stops

    beside = ray(**changed)
    (told,) = advice(beside, KITTY)
    assert what in told.what and not told.stops
    assert readiness(beside, [told]) == "✓ Ready to render on cuda:0. Good to know:"


def test_what_a_ray_cluster_lacks_is_told_of_the_cluster_alone() -> None:
    lacking = "the Ray cluster has no node"
    state = engine_state(fault=lacking, paused=lacking, nodes_fault=lacking)
    assert advice(found(library(engine=state)), KITTY) == []


def test_whoever_may_use_a_ray_cluster_without_a_token_is_told() -> None:
    (told,) = advice(ray(asks_for_token=False, nodes=[NODE]), KITTY)
    assert "asks for no token" in told.what and not told.stops


def test_what_it_renders_on_names_the_nodes_of_a_ray_cluster_and_only_devices_in_use() -> None:
    beside, alone = ray(nodes=[NODE]), ray(nodes=[NODE], others=())
    assert advice(beside, KITTY) == advice(alone, KITTY) == []
    assert readiness(beside, []).endswith("on cuda:0 and 1 node of a Ray cluster.")
    assert readiness(alone, []).endswith("on 1 node of a Ray cluster.")
    unused = found(replace(alone.machine, devices={"cpu": "cpu"}))
    assert advice(unused, KITTY) == []  # that it has no GPU is of no interest
