"""The benchmark for a GPU keeps to its time, and its table says what was found and what was not."""

import time
from collections.abc import Iterator, Mapping
from typing import Any

from tests.bench.budget import Budget, Measurement, Record, carry_out, table
from tests.bench.gpu import (
    identity_words,
    memory_words,
    placement_words,
    scarce_words,
    throughput_words,
)

RATES: Mapping[str, Any] = {
    "pixels": 512,
    "steps": 30,
    "rounds": 2,
    "loop": 1.0,
    "best_loop": 3.0,
    "best_batch": 8,
    "promptsheet": 3.3,
    "gain": 3.3,
    "gain_over_best": 1.1,
    "no_model_computes": 0.01,
}


def measurement(name: str, run: Any, least: float = 0.0) -> Measurement:
    return Measurement(name, least, run, lambda records: f"{len(records)} figure(s)")


def test_what_takes_too_long_is_cut_off_keeps_its_figures_and_is_tidied_up() -> None:
    said: list[Record] = []
    tidied = []

    def slow() -> Iterator[Record]:
        try:
            yield {"figure": 1}
            time.sleep(60)
        finally:
            tidied.append(True)

    began = time.monotonic()
    budget = Budget(0.4, ending=0.2)
    plan = [measurement("slow", slow), measurement("later", slow, least=0.1)]
    outcomes = carry_out(plan, budget, said.append)
    assert time.monotonic() - began < 5
    assert [outcome.state for outcome in outcomes] == ["cut off", "skipped"]
    assert tidied == [True]
    assert said[0] == {"measurement": "slow", "figure": 1}, "said at once, not at the end"
    assert [record["measurement"] for record in said] == ["slow", "slow", "later"]
    cut, skipped = table(outcomes).splitlines()
    assert "CUT OFF: no time was left; 1 figure(s)" in cut
    assert "SKIPPED: 0 s left" in skipped


def test_tidying_up_that_takes_too_long_is_cut_off_too() -> None:
    def endless() -> Iterator[Record]:
        try:
            yield {}
            time.sleep(60)
        finally:
            time.sleep(60)

    began = time.monotonic()
    (outcome,) = carry_out([measurement("x", endless)], Budget(0.3, ending=0.2), lambda _: None)
    assert outcome.state == "cut off"
    assert time.monotonic() - began < 5


def test_a_fault_of_one_measurement_is_said_and_the_next_is_made() -> None:
    def faulty() -> Iterator[Record]:
        yield {"figure": 1}
        raise OSError("the device\nis lost")

    plan = [measurement("first", faulty), measurement("second", lambda: iter([{"figure": 2}]))]
    outcomes = carry_out(plan, Budget(60, ending=1), lambda _: None)
    assert [outcome.state for outcome in outcomes] == ["failed", "measured"]
    assert "FAILED: OSError: the device is lost; 1 figure(s)" in table(outcomes)


def test_throughput_is_held_to_what_is_wanted() -> None:
    assert throughput_words([RATES], (3.0, 1.0, 0.03)).endswith("3%: met")
    idle = dict(RATES, no_model_computes=0.04)
    assert throughput_words([RATES, idle], (3.0, 1.0, 0.03)).endswith("MISSED")
    assert "wanted" not in throughput_words([RATES])


def test_the_table_names_each_model_whose_pixels_hang_on_what_they_should_not() -> None:
    same = {"model": "A", "again": 0, "companions": 0, "slot": 0, "single": 1, "flat": False}
    alone = {"model": "C", "again": 0, "flat": True}
    broken = {"model": "D", "error": "ValueError: no"}
    words = identity_words([same, same | {"model": "B", "companions": 3}, alone, broken])
    assert "3 kind(s) drawn" in words
    assert "the same call again changes nothing (3 asked)" in words
    assert "other companions changes up to so many levels in B 3 (2 asked)" in words
    assert "too flat to tell: C" in words and "FAILED: D (ValueError: no)" in words


def test_memory_that_ran_out_is_said_and_so_is_a_lost_image() -> None:
    mib = 1 << 20
    first = {"size": 4, "taken": 400 * mib, "room": 8000 * mib, "held": 64}
    words = memory_words([first, {"size": 64, "ran_out": True, "room": 8000 * mib}])
    assert words == ("of 8000 MiB: 4 image(s) take 400 MiB: it holds 64; 64 image(s) ran out of it")
    halved = {
        "asked": 16,
        "drawn": [4, 8],
        "done": 16,
        "images": 16,
        "departed": 16,
        "departures": ["batch size: 16 → 8 (out of memory)"],
        "remembered_before": [256],
        "remembered": [4],
    }
    assert scarce_words([halved]).startswith("a batch of 16 was drawn in batches of [4, 8]; 16 of")
    assert scarce_words([halved | {"done": 15}]).startswith("IMAGES ARE MISSING")
    assert scarce_words([halved | {"drawn": [16]}]).startswith("NOTHING SHOWN")


def test_offloading_that_changed_pixels_is_said() -> None:
    mib = 1 << 20
    figures = {"taken": 9000 * mib, "estimated": 9500 * mib, "image_seconds": 1.5}
    whole = {"offload": "none", "levels": 0} | figures
    words = placement_words([whole, whole | {"offload": "text", "levels": 2}])
    assert words == (
        "none: 9000 MiB (estimated 9500), 1.50 s;"
        " text: 9000 MiB (estimated 9500), 1.50 s, OTHER PIXELS by up to 2 levels"
    )
