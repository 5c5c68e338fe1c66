"""The sheet that the Sheet screen owns, without a screen: what is missed, exchanged and kept."""

from pathlib import Path

import pytest

from engine.api import (
    Draft,
    Library,
)
from engine.settings import Settings
from tui.sheet_document import Opened, Revision, SheetDocument, stamp_of


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "mine.csv"
    path.write_text("prompt,aspect_ratio\na boat,16:9\na hill,1:1\n")
    return path


@pytest.fixture
def mine(settings: Settings, path: Path) -> Opened:
    return Opened(Library(settings).sheets.open(path), path, stamp_of(path))


def typed(settings: Settings, *prompts: str) -> Draft:
    return Library(settings).sheets.from_text("\n".join(prompts))


def test_what_would_be_missed_comes_back_with_its_file_and_its_marks(
    settings: Settings, path: Path, mine: Opened
) -> None:
    document = SheetDocument()
    assert document.open(mine) == "" and document.missed is None
    mine.draft.duplicate([2])
    other = Opened(typed(settings, "a cat"))
    assert document.open(other, {3}) == "mine.csv"
    assert document.path is None and document.missed is other.draft
    back = document.exchange(-1, {2})
    assert back is not None and back.marks == {3}
    assert (document.draft, document.path, document.stamp) == (mine.draft, path, stamp_of(path))
    assert document.exchange(-1) is None
    again = document.exchange(1)
    assert again is not None and again.marks == {2} and document.draft is other.draft


def test_what_is_in_a_file_or_a_session_as_it_stands_is_not_missed(
    settings: Settings, mine: Opened
) -> None:
    document = SheetDocument()
    document.open(Opened(typed(settings, "a cat"), origin="k3f9x2"))
    assert document.missed is None, "its session has it"
    document.open(mine)
    mine.draft.edit([2], "prompt", "a ship")
    saved = Revision.of(mine.draft)
    mine.draft.edit([2], "prompt", "a raft")
    document.is_saved(saved)
    assert document.missed is mine.draft, "it was changed after that"
    document.is_saved(Revision.of(mine.draft))
    assert document.missed is None
    assert document.open(Opened(typed(settings, "a cat"))) == "" and document.before is None


def test_undo_can_bring_what_was_left_behind_and_it_is_missed_once_it_is_shown(
    settings: Settings, path: Path
) -> None:
    document = SheetDocument()
    document.before = Opened(typed(settings, "lost"), behind=path)
    assert document.missed is None, "it lies where it was found"
    left = document.fall_back()
    assert left is not None and document.before is None and document.missed is left.draft
    assert document.fall_back() is None, "something is shown"


def test_marks_stay_on_rows_that_read_as_before(
    settings: Settings, path: Path, mine: Opened
) -> None:
    document = SheetDocument()
    document.open(mine)
    path.write_text("prompt,aspect_ratio\na boat,16:9\na tree,1:1\n")
    again = Library(settings).sheets.reopen(mine.draft, path)[0]
    assert document.renew(again, {2, 3, 99}) == {2}
    assert document.draft is again and document.path == path
