"""Whoever takes a model out of the list hears which sessions wait for it."""

from pathlib import Path

from engine.api import Library, Settings
from engine.library.write.writer import Writer
from engine.models.catalog import load_models, own_labels
from tests.engine.library.conftest import rendered, writer
from tests.support.libraries import Rendered, new_session, take
from tui.undo.actions import TakeOutAction

__all__ = ["rendered", "writer"]


def test_sessions_that_need_it_are_named_until_they_are_done(
    writer: Writer, rendered: Rendered, config: Path, library: Path
) -> None:
    source = load_models()["builtin"].source
    (config / "models.toml").write_text(f'[[models]]\nlabel = "builtin"\nsource = "{source}"\n')
    taking = TakeOutAction(Library(Settings(library=library)), "builtin")
    taking.do()
    assert taking.words == "builtin removed from the list; its files stay"
    taking.undo()
    assert "builtin" in own_labels()
    writer.add_session(new_session(rows=1, images=2))
    writer.add_session(new_session("8kd2x1", rows=1, images=1))
    taking.do()
    assert taking.words == (
        "builtin removed from the list; its files stay. a test (k3f9x2) (and 1 other session)"
        " still has 3 images to draw with it, which wait until it is back"
    )
    taking.undo()
    batch = take(writer)
    writer.finish(rendered(batch))
    taking.do()
    assert "a test (8kd2x1) still has 1 image to draw" in taking.words
