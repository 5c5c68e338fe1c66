"""Past sessions taken up again on the Sheet screen: whole, or only what has changed since."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.api import (
    Checked,
    Library,
)
from engine.library.read.reader import find_session, list_images
from engine.settings import Settings
from tests.support.screens import WITH_ALL, screen_text, until
from tui.app import PromptsheetApp
from tui.screens.sheet import SheetScreen
from tui.widgets.draft_table import DraftTable

pytestmark = pytest.mark.slow


BEFORE = (
    "Prompt,aspect_ratio,Note,seed_number\na red boat,02:03:00,mine,\na cat,1:1,,7\na hill,,last,\n"
)


@pytest.fixture
def rendered(settings: Settings, tmp_path: Path) -> Iterator[str]:
    """A session of `mine.csv` whose engine process is paused: what is started only waits."""
    (tmp_path / "mine.csv").write_text(BEFORE)
    library = Library(settings)
    library.engine.start()
    library.engine.pause()
    draft = library.sheets.open(tmp_path / "mine.csv").with_num_images(3)
    checked = Checked.of_draft(draft, tmp_path / "mine.csv")
    yield library.sessions.start(checked, name="spring").session
    library.engine.stop()


async def test_an_edited_sheet_says_what_changed_and_starts_only_that(
    rendered: str, settings: Settings, tmp_path: Path
) -> None:
    path = tmp_path / "mine.csv"
    path.write_text(BEFORE.replace("a hill", "a green hill") + "a house,,,\n")
    app = PromptsheetApp(Library(settings), path)
    async with app.run_test(size=(120, 36), **WITH_ALL) as pilot:
        await until(pilot, lambda: "new: 1" in screen_text(app))
        # Rows that do not say how many images they make made three then, and make four now.
        then_changed = "Δ Same as spring: 0, changed: 3, new: 1,"
        await until(pilot, lambda: then_changed in screen_text(app))
        await pilot.press("asterisk", *"3", "enter")
        now_changed = "Δ Same as spring: 2, changed: 1, new: 1,"
        await until(pilot, lambda: now_changed in screen_text(app))
        await pilot.press("g", "down", "down")
        await until(pilot, lambda: "Δ changed: prompt; same seed" in screen_text(app))
        await pilot.press("down")
        await until(pilot, lambda: "Δ new" in screen_text(app))
        await pilot.press("ctrl+g")
        await until(pilot, lambda: app.current_mode == "jobs")
        started = find_session(settings.library, "last")
        assert (started.parent, started.name, started.images) == (rendered, "mine", 6)
        then = {(i.row, i.variation): i.seed for i in list_images(settings.library, rendered)}
        found = {
            (i.row, i.variation): i.seed for i in list_images(settings.library, started.session)
        }
        assert [found[4, n] for n in (1, 2, 3)] == [then[4, n] for n in (1, 2, 3)]
        await pilot.press("1")
        await until(pilot, lambda: "Nothing new to render" in screen_text(app))
        await pilot.press("ctrl+g")
    assert find_session(settings.library, "last").session == started.session
    whole = Library(settings).sheets.from_session(started.session)
    assert [whole.text(n, "prompt") for n in whole.numbers] == [
        "a red boat",
        "a cat",
        "a green hill",
        "a house",
    ]


async def test_a_session_is_on_the_sheet_again_as_it_was_written(
    rendered: str, settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "mine.csv").unlink()
    app = PromptsheetApp(Library(settings))
    async with app.run_test(size=(120, 36), **WITH_ALL) as pilot:
        await pilot.press("4")
        await until(pilot, lambda: "spring" in screen_text(app))
        await pilot.press("e")
        await until(pilot, lambda: isinstance(app.screen, SheetScreen) and app.screen.draft)
        await until(pilot, lambda: "Δ Same as spring: 3" in screen_text(app))
        draft = app.screen.query_one(DraftTable).draft
        assert draft is not None
        assert (draft.file, draft.images, draft.header) == (
            "mine.csv",
            9,
            ("Prompt", "aspect_ratio", "Note", "seed_number"),
        )
        assert [draft.row(n).cells.get("aspect_ratio") for n in draft.numbers] == [
            "2:3",  # as it was repaired
            "1:1",
            None,
        ]
        assert [draft.text(n, "Note") for n in draft.numbers] == ["mine", "", "last"]
        assert [draft.text(n, "seed_number") for n in draft.numbers] == ["", "7", ""]
        assert app.app_state.memory.session == rendered
        await pilot.press("ctrl+s")
        await until(pilot, lambda: app.current_mode == "jobs")
    started = find_session(settings.library, "last")
    assert (started.parent, started.name, started.images) == (rendered, "spring", 9)
