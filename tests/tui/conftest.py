"""An app on a library of its own, filled without rendering anything."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.api import Library
from engine.library.files import stage
from engine.library.records import NewRow, NewSession
from engine.library.write.writer import Writer
from engine.picture.recipe import Recipe
from engine.plan.batches import plan_batches
from engine.settings import Settings
from tests.support.libraries import CONDITIONS, picture
from tests.support.loop_guard import LoopGuard, guarded
from tests.support.screens import MakeLibrary
from tui.app import PromptsheetApp


@pytest.fixture(autouse=True)
def loop_guard() -> Iterator[LoopGuard]:
    """No query, no file and no check of a sheet on the event loop of an app, in any test here."""
    with guarded() as guard:
        yield guard
    assert not guard.found, "on the event loop:\n" + "\n".join(dict.fromkeys(guard.found))


@pytest.fixture
def settings(
    library: Path, config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Settings:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return Settings(library=library)


@pytest.fixture
def app(settings: Settings) -> PromptsheetApp:
    return PromptsheetApp(Library(settings))


@pytest.fixture
def make_session(library: Path) -> MakeLibrary:
    """Stores a session whose first `done` batches are finished."""

    def make(
        prompts: list[str], *, key: str = "k3f9x2", name: str = "a test", done: int = 1
    ) -> None:
        library.mkdir(exist_ok=True)
        rows = [
            NewRow(
                number,
                {"prompt": prompt},
                {},
                [Recipe(prompt, "", number, 32, 32, 6, 4.0, "DPM", "builtin", "hash")],
                [f"{number:04d}-1.png"],
            )
            for number, prompt in enumerate(prompts, start=2)
        ]
        recipes = [recipe for row in rows for recipe in row.recipes]
        writer = Writer(library)
        writer.add_session(
            NewSession(
                key,
                name,
                f"folder-{key}",
                {"file": "sheet.csv"},
                rows,
                plan_batches(recipes, lambda _: 8),
            )
        )
        for _ in range(done):
            batch = writer.next_batch(())
            if batch is None:
                break
            writer.begin(batch, CONDITIONS)
            pictures = [(image, *picture(image, batch.size)) for image in batch.images]
            writer.finish([(stage(i.key, i.path, data), record) for i, record, data in pictures])
            writer.end(batch, 1.0)
        writer.close()

    return make
