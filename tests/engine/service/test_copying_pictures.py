"""What is drawn on is copied before a session is there; what giving that up leaves."""

import asyncio
import socket
from collections.abc import Callable
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from PIL import Image

from engine.api.found_pictures import find_pictures
from engine.api.sheets import Sheets
from engine.library import sources
from engine.library.sources import Intake, stored_sources
from engine.library.write.writer import Writer
from engine.protocol.answers import Accepted, Blame, Underway
from engine.protocol.commands import RequestedRow, RowsSource, Submit
from engine.service.client.connection import Connection, EngineError
from engine.service.server import socket_server
from engine.service.server.socket_server import SocketServer
from engine.service.server.submissions import Submissions
from engine.service.server.waiting_client import WaitingClient
from engine.service.server.writer_thread import WriterThread
from engine.settings import RenderSettings, Settings

COUNT = 5
REALLY_TAKE_IN = sources.take_in


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(COUNT):
        Image.new("RGB", (8, 8), (number, 0, 0)).save(folder / f"{number}.png")
    return folder


class Disk:
    """Takes pictures in, but no more than some until it may go on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, quick: int) -> None:
        self.may_go_on = Event()
        self._quick = quick
        monkeypatch.setattr(sources, "take_in", self.take_in)
        monkeypatch.setattr(sources, "_AT_ONCE", 1)
        monkeypatch.setattr(socket_server, "_UNDERWAY_SECONDS", 0.02)

    def take_in(self, library: Path, path: Path, digest: str, wanted: Callable[[], bool]) -> int:
        self._quick -= 1
        while self._quick < 0 and wanted() and not self.may_go_on.wait(0.01):
            pass
        return REALLY_TAKE_IN(library, path, digest, wanted)


def drawn_on(photos: Path, library: Path) -> Submit:
    """A session with a row for each picture."""
    rows = Sheets(Settings(library=library)).from_pictures(find_pictures([photos]), "a tree")
    assert rows.checked is not None
    packed = Submit.packed(
        RequestedRow(row.number, {}, {}, row.values)
        for row in rows.checked.sheet.ready
        if row.values is not None
    )
    return Submit("a test", RowsSource("pictures"), packed)


def asked(
    writer: Writer, wanted: Submit, underway: Callable[[Underway], object], socket_file: Path
) -> Accepted:
    """What an engine process that does nothing else answers to a client."""

    def ask() -> Accepted:
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(str(socket_file))
        with Connection(connection, 10) as engine:
            return engine.ask(wanted, underway)

    async def serve() -> Accepted:
        submissions = Submissions(WriterThread(writer), RenderSettings(), lambda: {"cpu"})

        async def submit(wanted: Submit, client: WaitingClient) -> Accepted:
            tally, _ = await submissions.accept(wanted, client)
            return Accepted(tally)

        nothing: Any = None
        server = SocketServer(writer.library, "", {}, submit, nothing, nothing, nothing)
        async with await asyncio.start_unix_server(server.serve, socket_file) as listening:
            try:
                return await asyncio.to_thread(ask)
            finally:
                listening.close()
                server.close()

    return asyncio.run(serve())


def sessions(writer: Writer) -> int:
    return len(writer.read("SELECT 1 FROM sessions"))


def kept(library: Path) -> int:
    return len(list(stored_sources(library)))


def test_how_many_are_copied_is_told_until_the_session_is_there(
    writer: Writer, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk, told = Disk(monkeypatch, quick=2), list[Underway]()

    def underway(far: Underway) -> None:
        told.append(far)
        if far == Underway(2, COUNT):
            disk.may_go_on.set()

    accepted = asked(writer, drawn_on(photos, writer.library), underway, tmp_path / "s")
    assert Underway(2, COUNT) in told
    assert accepted.tally.images == COUNT == kept(writer.library)


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_who_gives_up_while_pictures_are_copied_has_started_nothing_and_leaves_none(
    writer: Writer,
    photos: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    error: type[BaseException],
) -> None:
    wanted = drawn_on(photos, writer.library)
    Disk(monkeypatch, quick=2)

    def underway(far: Underway) -> None:
        if far.copied == 2:
            raise error

    def never(_: Underway) -> None:
        raise AssertionError

    with pytest.raises(error):
        asked(writer, wanted, underway, tmp_path / "a")
    assert (sessions(writer), kept(writer.library)) == (0, 0)
    one = Submit("one", RowsSource("pictures"), wanted.rows[:1])
    Disk(monkeypatch, quick=COUNT)
    monkeypatch.setattr(socket_server, "_UNDERWAY_SECONDS", 60)
    asked(writer, one, never, tmp_path / "b")
    Disk(monkeypatch, quick=2)
    with pytest.raises(error):
        asked(writer, wanted, underway, tmp_path / "c")
    assert (sessions(writer), kept(writer.library)) == (1, 1), "another is drawn on that one"


def test_what_cannot_be_taken_in_leaves_none_of_the_others(
    writer: Writer, photos: Path, tmp_path: Path
) -> None:
    wanted = drawn_on(photos, writer.library)
    (photos / f"{COUNT - 1}.png").write_bytes(b"another")
    with pytest.raises(EngineError, match="changed after it was checked") as refused:
        asked(writer, wanted, lambda _: None, tmp_path / "s")
    assert refused.value.blame is Blame.REQUEST
    assert (sessions(writer), kept(writer.library)) == (0, 0)


def test_what_was_accepted_before_it_was_given_up_is_known(
    writer: Writer, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = Disk(monkeypatch, quick=2)
    monkeypatch.setattr(Intake, "_goes_on", lambda _: True)

    def underway(far: Underway) -> None:
        if far.copied == 2:  # before, and after, nothing is being copied
            disk.may_go_on.set()
            raise KeyboardInterrupt

    accepted = asked(writer, drawn_on(photos, writer.library), underway, tmp_path / "s")
    assert accepted.tally.images == COUNT and sessions(writer) == 1
