"""Models whose files are others than a session was planned with."""

from dataclasses import replace
from pathlib import Path

import pytest

from engine.library.read.reader import SessionInfo, find_session, list_images, list_jobs
from engine.library.records import NewSession
from engine.library.write.model_changes import models_open, take_new_files
from engine.library.write.states import Scope
from engine.library.write.writer import Writer
from engine.models.catalog import find_model
from engine.models.fingerprint import fingerprint
from engine.picture.recipe import Conditions
from engine.protocol.rendering import LoadModel, RenderBatch
from engine.service.server.renderer_client import ChangedModelError, LoadError
from tests.support.libraries import CONDITIONS, new_session
from tests.support.renderers import FakeRenderer, drawn_by, fake, mine, settle, states

__all__ = ["fake", "mine"]

KEY = "k3f9x2"


@pytest.fixture(autouse=True)
def bodies(fake: None, monkeypatch: pytest.MonkeyPatch) -> list[RenderBatch]:
    """Renderers look at a model's files, as real ones do; what they were told to render."""
    told: list[RenderBatch] = []

    async def load(self: FakeRenderer, wanted: LoadModel, *_: object) -> Conditions:
        if FakeRenderer.load_fault:
            FakeRenderer.load_fault(self.device)
        if wanted.files.fingerprint() != wanted.model_hash:
            raise ChangedModelError("the model's files have changed since this session started")
        return CONDITIONS

    monkeypatch.setattr(FakeRenderer, "load", load)
    FakeRenderer.fault = staticmethod(told.append)
    return told


def planned_with(files: str, session: NewSession) -> NewSession:
    rows = [
        replace(row, recipes=[replace(recipe, model_hash=files) for recipe in row.recipes])
        for row in session.rows
    ]
    return replace(session, rows=rows)


def built_in() -> str:
    model = find_model("builtin")
    assert model is not None
    return fingerprint(model.source)


def change(folder: Path) -> str:
    (folder / "README.md").write_text("another version")
    return fingerprint(folder)


def about(writer: Writer, session: str = KEY) -> SessionInfo:
    return find_session(writer.library, session)


def hashes(writer: Writer) -> list[str]:
    return [image.recipe.model_hash for image in list_images(writer.library, KEY)]


@pytest.fixture
def asking(writer: Writer, mine: Path) -> str:
    """A session whose model's files changed after its first row, and another one; the old hash."""
    old = fingerprint(mine)
    writer.add_session(planned_with(old, drawn_by("mine", new_session(rows=1, images=2))))
    settle(writer)
    later = drawn_by("mine", new_session("later2", largest=4))
    writer.add_session(planned_with(old, later))
    change(mine)
    writer.add_session(planned_with(built_in(), new_session("other2", rows=1)))
    settle(writer, until="other2")
    return old


def test_it_stops_with_the_reason_and_the_others_go_on(writer: Writer, asking: str) -> None:
    assert states(writer, "later2") == ["stopped"] * 12
    assert states(writer, "other2") == ["done"] * 4
    assert about(writer, "later2").changed_models == ("mine",)
    assert about(writer).changed_models == ()
    (said,) = {job.error for job in list_jobs(writer.library, "later2")}
    assert said is not None and "resume later2 --accept-changed-model" in said


def test_it_goes_on_with_the_new_files_by_choice_and_says_so(
    writer: Writer, mine: Path, asking: str, bodies: list[RenderBatch]
) -> None:
    new = fingerprint(mine)
    assert models_open(writer, "later2") == ["mine"] == models_open(writer, None)
    assert take_new_files(writer, "later2", {"mine": new}) == ["later2"]
    writer.resume(Scope("later2"))
    bodies.clear()
    settle(writer, until="later2")
    assert states(writer, "later2") == ["done"] * 12
    assert about(writer, "later2").changed_models == ()
    images = list_images(writer.library, "later2")
    assert {image.recipe.model_hash for image in images} == {new}
    assert {batch.planned_model for batch in bodies} == {asking}
    assert hashes(writer) == [asking] * 2, "what is done keeps what it was rendered with"


def test_with_the_old_files_back_it_goes_on_as_planned(
    writer: Writer, mine: Path, asking: str
) -> None:
    (mine / "README.md").unlink()
    writer.resume(Scope("later2"))
    settle(writer, until="later2")
    assert states(writer, "later2") == ["done"] * 12
    assert about(writer, "later2").changed_models == ()
    assert {i.recipe.model_hash for i in list_images(writer.library, "later2")} == {asking}


def test_after_a_choice_the_first_files_are_taken_back_without_asking(
    writer: Writer, mine: Path, asking: str
) -> None:
    take_new_files(writer, None, {"mine": fingerprint(mine)})
    (mine / "README.md").unlink()
    writer.resume(Scope("later2"))
    settle(writer, until="later2")
    assert states(writer, "later2") == ["done"] * 12
    assert {i.recipe.model_hash for i in list_images(writer.library, "later2")} == {asking}


def test_a_built_in_model_that_an_upgrade_changed_is_not_asked_about(
    writer: Writer, bodies: list[RenderBatch]
) -> None:
    writer.add_session(planned_with("of the old version", new_session(largest=4)))
    settle(writer)
    assert states(writer) == ["done"] * 12
    assert set(hashes(writer)) == {built_in()}
    assert {batch.planned_model for batch in bodies} == {"of the old version"}


def test_a_model_that_never_loaded_is_not_asked_about_once_there_are_other_files(
    writer: Writer, mine: Path
) -> None:
    def cut_off(device: str) -> None:
        raise LoadError("the weights are cut off or damaged: copy or download it again")

    FakeRenderer.load_fault = staticmethod(cut_off)
    writer.add_session(planned_with(fingerprint(mine), drawn_by("mine", new_session(largest=4))))
    settle(writer)
    assert set(states(writer)) == {"failed"}
    FakeRenderer.load_fault = None
    new = change(mine)
    writer.retry(Scope(KEY))
    settle(writer)
    assert states(writer) == ["done"] * 12
    assert set(hashes(writer)) == {new}


def test_a_batch_that_was_picked_before_the_choice_is_planned_anew(
    writer: Writer, mine: Path
) -> None:
    old = fingerprint(mine)
    writer.add_session(planned_with(old, drawn_by("mine", new_session(rows=1))))
    batch = writer.next_batch(())
    assert batch is not None
    take_new_files(writer, KEY, {"mine": change(mine)})
    assert writer.begin(batch, CONDITIONS) is None
    settle(writer)
    assert states(writer) == ["done"] * 4
    assert set(hashes(writer)) == {fingerprint(mine)}


def test_files_that_never_match_are_no_endless_loop(writer: Writer) -> None:
    def fault(device: str) -> None:
        raise ChangedModelError("the model's files have changed")

    FakeRenderer.load_fault = staticmethod(fault)
    writer.add_session(planned_with("h", new_session(rows=1)))
    settle(writer)
    assert set(states(writer)) == {"failed"}
