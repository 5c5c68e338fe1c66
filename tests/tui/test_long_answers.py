"""What is printed of a long session: in the memory of a short one, and without a traceback."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.bench.large import Cost, cost_of, fill
from tests.support.command import Promptsheet

pytestmark = pytest.mark.slow


_MOST_MORE_MIB = 25.0
"""Ten images are some 100 kB when they are all held at once: 10,000 of them would be 100 MiB."""


@pytest.fixture(scope="module")
def libraries(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """One of 100 finished images, one of 10,000."""
    home = tmp_path_factory.mktemp("long")
    fill(home / "short", 100, 1)
    fill(home / "long", 10_000, 1)
    return home / "short", home / "long"


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_a_long_session_is_shown_in_the_memory_of_a_short_one(
    promptsheet: Promptsheet, libraries: tuple[Path, Path], form: tuple[str, ...]
) -> None:
    def shown(library: Path) -> Cost:
        return cost_of(promptsheet.on(library), "show", "last", *form)

    short, long = map(shown, libraries)
    assert long.bytes > 20 * short.bytes
    assert long.mib - short.mib < _MOST_MORE_MIB


def test_a_long_session_as_json_is_one_object_with_all_of_it(
    promptsheet: Promptsheet, libraries: tuple[Path, Path]
) -> None:
    long = promptsheet.on(libraries[1])
    done = long("show", "last", "--json")
    assert done.stdout.count("\n") == 1
    shown = json.loads(done.stdout)
    assert shown["images"] == len(shown["rows"]) == len(shown["list"]) == 10_000
    assert [job["row"] for job in shown["rows"]] == [image["row"] for image in shown["list"]]
    assert shown["list"][9_999]["recipe"]["prompt"].startswith("9999 red circles")
    assert shown["list"][9_999]["conditions"]["device"] == "cuda:0"


@pytest.mark.parametrize("form", [("show", "last"), ("show", "last", "--json"), ("sessions",)])
def test_a_reader_that_has_enough_is_no_fault(
    promptsheet: Promptsheet, libraries: tuple[Path, Path], form: tuple[str, ...]
) -> None:
    for enough in (0, 100):  # it ends before the command writes, or in the midst of it
        reading, writing = os.pipe()
        long = promptsheet.on(libraries[1])
        running = long.start(*form, stdout=writing, stderr=subprocess.PIPE)
        os.close(writing)
        if enough:
            os.read(reading, enough)
        os.close(reading)
        _, said = running.communicate(timeout=120)
        assert (running.returncode, said) == (0, "")


@pytest.mark.parametrize("form", [("show", "last"), ("show", "last", "--json"), ("sessions",)])
def test_a_disk_without_room_for_the_answer_is_said_in_words(
    promptsheet: Promptsheet, libraries: tuple[Path, Path], form: tuple[str, ...]
) -> None:
    with Path("/dev/full").open("w") as full:
        long = promptsheet.on(libraries[1])
        running = long.start(*form, stdout=full, stderr=subprocess.PIPE)
        _, said = running.communicate(timeout=120)
    assert running.returncode == 2
    assert said.startswith("promptsheet: ") and said.endswith("he disk is full.\n")
    assert said.count("\n") == 1
