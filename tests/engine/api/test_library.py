"""The front door: one object, light to make, with one kind of error for all that can be mended."""

import subprocess
import sys
from pathlib import Path

import pytest

import engine.api
from engine.api import Library, PromptsheetError, Settings
from engine.library.write.writer import Writer
from tests.support.libraries import new_session

PARTS = ("sheets", "sessions", "images", "trash", "engine")


def test_making_one_reads_and_makes_nothing(library: Path) -> None:
    made = Library(Settings(library=library))
    for part in PARTS:
        assert getattr(made, part) is getattr(made, part), "each is made once"
    assert made.path == library and not library.exists()
    assert made.folder_fault() is None


def test_the_front_door_is_open_before_anything_else_is_loaded() -> None:
    code = (
        "import sys, engine.api; engine.api.Library(engine.api.Settings());"
        "print(sorted(m for m in sys.modules if m.startswith('engine.')"
        " and m.split('.')[1] in {'service', 'library', 'render', 'plan', 'sheet', 'picture'}))"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    assert loaded.strip() == "[]"


def test_every_name_it_offers_is_there_and_every_error_can_be_caught_as_one() -> None:
    values = engine.api.values.__all__
    for name in (*engine.api.__all__, *values):
        offered = getattr(engine.api, name)
        if isinstance(offered, type) and issubclass(offered, Exception):
            assert issubclass(offered, PromptsheetError), name
    assert not hasattr(engine.api, "no_such_thing")


def test_what_is_asked_of_a_library_that_is_not_there_says_so(library: Path) -> None:
    missing = Library(Settings(library=library))
    assert missing.engine.status() is None
    assert missing.sessions.all() == []
    for ask in (
        lambda: missing.sessions.find("last"),
        lambda: missing.sheets.open(library / "none.csv"),
        lambda: list(missing.images.of("k3f9x2")),
    ):
        with pytest.raises(PromptsheetError):
            ask()


def test_a_session_is_found_with_its_jobs_and_images_by_one_object(writer: Writer) -> None:
    writer.add_session(new_session(rows=3, images=2))
    found = Library(Settings(library=writer.library))
    info = found.sessions.find("last")
    assert (info.images, info.waiting) == (6, 6)
    assert [job.row for job in found.sessions.jobs(info.session)] == [2, 3, 4]
    assert len(list(found.images.of(info.session))) == 6
    assert found.trash.size().images == 0
