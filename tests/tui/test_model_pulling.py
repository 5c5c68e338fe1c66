"""The Models screen pulls from the Hub while one works on; stopping keeps what has come."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from textual.widgets import Input

from engine.api import Library
from engine.models.catalog import load_models
from engine.settings import Settings
from tests.engine.models.test_pulling import FILES, PULLED
from tests.support.fake_hub import FakeHub, FakeRepository, serving
from tests.support.screens import WITH_ALL, opened_sheet, screen_text, until
from tui.app import PromptsheetApp
from tui.screens.ask import Ask
from tui.screens.model_pulling import PullModel
from tui.screens.models import ModelsScreen

pytestmark = pytest.mark.slow


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    with serving() as hub:
        hub.repositories["acme/tiny"] = FakeRepository(dict(FILES))
        form = FakeRepository(dict(FILES), card={})
        hub.repositories["ideogram-ai/ideogram-4-nf4-diffusers"] = form
        monkeypatch.setenv("HF_ENDPOINT", hub.address)
        monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
        monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
        yield hub


async def test_a_model_is_chosen_pulled_stopped_and_gone_on_with(
    settings: Settings, library: Path, tmp_path: Path, hub: FakeHub
) -> None:
    models = tmp_path / "models"
    app = PromptsheetApp(Library(Settings(library=library, models_folder=models)))
    hub.hold = threading.Event()

    def told(words: str) -> bool:
        return any(words in each.message for each in app._notifications)

    async def asked_about(name: str) -> None:
        await pilot.press("less_than_sign")
        await until(pilot, lambda: isinstance(app.screen, Ask))
        app.screen.query_one(Input).value = name
        await pilot.press("enter")

    async with app.run_test(size=(80, 24), **WITH_ALL) as pilot:
        await until(pilot, lambda: "opens a sheet" in screen_text(app))
        await pilot.press("f4")
        await until(pilot, lambda: "✓ whole" in screen_text(app))
        await asked_about("acme/none")
        await until(pilot, lambda: told("has no repository acme/none"))
        await asked_about("acme/tiny")
        await until(pilot, lambda: isinstance(app.screen, PullModel))
        await until(pilot, lambda: "361 kB in 6 files" in screen_text(app))
        assert "licence  mit" in screen_text(app)
        assert "form " not in screen_text(app)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ModelsScreen))
        await until(pilot, lambda: "Pulling acme/tiny: 1" in screen_text(app))
        assert "`promptsheet models pull acme/tiny` goes on" in app._farewell()
        await pilot.press("s")
        await until(pilot, lambda: not app.app_state.pulling.name)
        await until(pilot, lambda: told("acme/tiny is stopped"))
        assert not (models / PULLED).exists()
        hub.hold.set()
        hub.hold = None
        await asked_about("acme/tiny")
        await until(pilot, lambda: isinstance(app.screen, PullModel))
        await until(pilot, lambda: "are here" in screen_text(app))
        await pilot.press("enter")
        await until(pilot, lambda: "tiny" in load_models())
        await until(pilot, lambda: told("in your models as tiny"))
        await until(pilot, lambda: "Models · 2" in screen_text(app))
        app.clear_notifications()
        await asked_about("ideogram-4-nf4")
        await until(pilot, lambda: isinstance(app.screen, PullModel))
        await until(pilot, lambda: "form     nf4: the makers' own 4 bits" in screen_text(app))
        assert "ideogram-4-non-commercial" in screen_text(app), "its card says nothing"
        assert "ideogram-4-bf16 (48 GB)" in screen_text(app) and "Pull it" in screen_text(app)
        await pilot.press("escape")
    assert (models / PULLED).is_dir()


async def test_a_model_that_the_sheet_names_is_pulled_and_its_cells_are_whole(
    library: Path, config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hub: FakeHub
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    sheet = tmp_path / "mine.csv"
    sheet.write_text("prompt,model\na boat,acme/tiny\na cat,builtin\na dog,ACME/Tiny\n")
    settings = Settings(library=library, models_folder=tmp_path / "models")
    app = PromptsheetApp(Library(settings), sheet)
    async with app.run_test(size=(80, 24), **WITH_ALL) as pilot:
        screen = await opened_sheet(pilot)
        await until(pilot, lambda: "< pulls it from the Hub or adds it" in screen_text(app))
        await pilot.press("less_than_sign")
        await until(pilot, lambda: "pull acme/tiny from the Hub" in screen_text(app))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, PullModel))
        await until(pilot, lambda: "label    acme/tiny" in screen_text(app))
        await pilot.press("enter", "escape")
        await until(pilot, lambda: app.screen is screen)
        await until(pilot, lambda: screen.draft and screen.draft.ready == 3)
        assert "acme/tiny" in load_models()
