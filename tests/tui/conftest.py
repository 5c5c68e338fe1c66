"""An app on a library of its own, filled without rendering anything."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from textual import screen
from textual.css.model import RuleSet

from engine.api import Library
from engine.library.database import database_path
from engine.library.files import digest_of, stage
from engine.library.records import NewRow, NewSession, RowSource
from engine.library.sources import take_in
from engine.library.write.writer import Writer
from engine.picture.png import encode_png
from engine.picture.recipe import Recipe
from engine.plan.batches import plan_batches
from engine.protocol.commands import RowsSource
from engine.settings import Settings
from engine.sheet.rows import SourcePicture
from tests.support.libraries import CONDITIONS, picture
from tests.support.loop_guard import LoopGuard, guarded
from tests.support.screens import MakeLibrary
from tui.app import PromptsheetApp


@pytest.fixture(autouse=True, scope="session")
def cheaper_screens() -> Iterator[None]:
    """A screen costs a processor less.

    An app paints 15 times a second at most, not 60. And a rule of styles is known by its address
    without asking for it: Python tells each audit hook, which the guard of the event loop is, of
    each `id`, 77,000 times while an app starts and shows its areas.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(screen, "UPDATE_PERIOD", 1 / 15)
        patch.setattr(RuleSet, "__hash__", object.__hash__)
        yield


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


@pytest.fixture(scope="session")
def empty_library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One with nothing in it, to be copied: making it takes all migrations."""
    library = tmp_path_factory.mktemp("empty")
    Writer(library).close()
    return library


@pytest.fixture
def make_session(library: Path, empty_library: Path) -> MakeLibrary:
    """Stores a session whose first `done` batches are finished."""

    def make(
        prompts: list[str], *, key: str = "k3f9x2", name: str = "a test", done: int = 1
    ) -> None:
        if not database_path(library).exists():
            shutil.copytree(empty_library, library, dirs_exist_ok=True)
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
                RowsSource("sheet.csv"),
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


@pytest.fixture
def make_drawn_on(library: Path) -> Callable[..., str]:
    """Stores a session of two green images that are drawn on one red picture; its digest."""

    def make(*, key: str = "d4r5w6", done: bool = True) -> str:
        library.mkdir(exist_ok=True)
        original = library.parent / "boat.png"
        Image.new("RGB", (64, 32), "red").save(original)
        digest = digest_of(original.read_bytes())
        size = take_in(library, original, digest)
        source = SourcePicture(str(original), digest, 64, 32)
        recipe = Recipe("a boat by night", "", 1, 64, 64, 6, 4.0, "DPM", "builtin", "hash")
        recipe = replace(recipe, image=digest, strength=0.4)
        rows = [
            NewRow(
                number,
                {"prompt": recipe.prompt, "image": "photos/boat.png"},
                {},
                [recipe.with_seed(number)],
                [f"{number:04d}-1.png"],
                sources=[RowSource("image", "photos/boat.png", digest, 64, 32)],
            )
            for number in (2, 3)
        ]
        recipes = [recipe for row in rows for recipe in row.recipes]
        writer = Writer(library)
        writer.note_sources([source], {digest: size})
        batches = plan_batches(recipes, lambda _: 8)
        folder, sheet = f"folder-{key}", RowsSource("sheet.csv")
        writer.add_session(NewSession(key, "boats", folder, sheet, rows, batches))
        if done:
            batch = writer.next_batch(())
            assert batch is not None
            writer.begin(batch, CONDITIONS)
            pixels = np.full((64, 64, 3), (0, 255, 0), np.uint8)
            for image in batch.images:
                record = picture(image, batch.size)[0]
                staged = stage(image.key, image.path, encode_png(pixels, record.to_text()))
                writer.finish([(staged, record)])
            writer.end(batch, 1.0)
        writer.close()
        return digest

    return make
