"""Whose fault it is that a command is not carried out, and that nothing is done before."""

import asyncio
import errno
import re
import sqlite3
from pathlib import Path
from typing import Any

import msgspec
import pytest
from PIL import Image

from engine.api.found_pictures import find_pictures
from engine.api.sheets import Sheets
from engine.library.database import LibraryError
from engine.library.sources import stored_sources
from engine.library.write.writer import Writer
from engine.protocol.answers import Accepted, Answer, Blame, Refused
from engine.protocol.commands import AnyCommand, Command, Pause, RequestedRow, RowsSource, Submit
from engine.service.server.socket_server import Handler, SocketServer
from engine.service.server.submissions import Submissions
from engine.service.server.waiting_client import WaitingClient
from engine.service.server.writer_thread import WriterThread
from engine.settings import RenderSettings, Settings


def answered(writer: Writer, command: AnyCommand, handler: Handler | None = None) -> Answer:
    """What an engine process answers that takes sessions, and does one thing for all else."""

    async def answer() -> Answer:
        submissions = Submissions(WriterThread(writer), RenderSettings(), lambda: {"cpu"})

        async def submit(wanted: Submit, client: WaitingClient) -> Accepted:
            tally, _ = await submissions.accept(wanted, client)
            return Accepted(tally)

        nothing: Any = None
        handlers: dict[type[Command[Any]], Handler] = {Pause: handler} if handler else {}
        server = SocketServer(writer.library, "", handlers, submit, nothing, nothing, nothing)
        return await server.answer(command, WaitingClient())

    return asyncio.run(answer())


@pytest.fixture
def row(tmp_path: Path, writer: Writer) -> dict[str, Any]:
    """A row that is drawn on a picture, as it comes in a message."""
    folder = tmp_path / "photos"
    folder.mkdir()
    Image.new("RGB", (64, 64)).save(folder / "a.png")
    found = Sheets(Settings(library=writer.library)).from_pictures(find_pictures([folder]), "a")
    assert found.checked is not None
    (checked,) = found.checked.sheet.ready
    assert checked.values is not None
    body: dict[str, Any] = msgspec.to_builtins(RequestedRow(2, {}, {}, checked.values))
    return body


def submitted(*rows: dict[str, Any]) -> Submit:
    return Submit("a test", RowsSource("x"), [msgspec.Raw(msgspec.json.encode(r)) for r in rows])


@pytest.mark.parametrize(
    ("changes", "blame", "said"),
    [
        ({"steps": -1}, Blame.MESSAGE, "Row 3, steps: "),
        ({"fit": "junk"}, Blame.MESSAGE, "Row 3, fit: "),
        ({"rendering": "nope"}, Blame.MESSAGE, "Row 3, rendering: "),
        ({"scheduler": "nope"}, Blame.MESSAGE, "Row 3, scheduler: "),
        ({"num_images": 0}, Blame.MESSAGE, "Row 3, num_images: "),
        ({"aspect_ratio": "abc"}, Blame.MESSAGE, "Row 3, aspect_ratio: "),
        ({"stepz": 1}, Blame.MESSAGE, "Row 3, values: "),
        ({"layout": "junk"}, Blame.REQUEST, "Row 3: “junk” does not say what goes where"),
        ({"style": "junk"}, Blame.REQUEST, "Row 3: .*junk"),
        ({"color_palette": ["junk"]}, Blame.REQUEST, "Row 3: .*junk"),
        ({"color_palette": ["#CBA324", "b"]}, Blame.REQUEST, "Row 3: .*#CBA324 b"),
        ({"model": "junk"}, Blame.REQUEST, ".*junk"),
        ({"width": 1_000_000}, Blame.REQUEST, "Row 3: "),
    ],
    ids=lambda each: str(each)[:30],
)
def test_a_row_that_cannot_be_is_the_clients_fault_and_no_picture_is_copied_before(
    writer: Writer,
    row: dict[str, Any],
    changes: dict[str, Any],
    blame: Blame,
    said: str,
) -> None:
    bad = row | {"number": 3, "values": row["values"] | changes}
    refused = answered(writer, submitted(row, bad))
    assert isinstance(refused, Refused)
    assert refused.blame is blame
    assert re.match(said, refused.reason), refused.reason
    assert not list(stored_sources(writer.library))
    assert isinstance(answered(writer, submitted(row)), Accepted)
    assert len(list(stored_sources(writer.library))) == 1


@pytest.mark.parametrize(
    ("error", "blame", "said"),
    [
        (LibraryError("No such session."), Blame.REQUEST, "No such session."),
        (OSError(errno.ENOSPC, "No space left on device"), Blame.MACHINE, "The disk is full."),
        (
            PermissionError(errno.EACCES, "Permission denied", "/a/b"),
            Blame.MACHINE,
            "/a/b: permission denied.",
        ),
        (
            sqlite3.OperationalError("database or disk is full"),
            Blame.MACHINE,
            "The library cannot be read or written: database or disk is full.",
        ),
        (
            sqlite3.DatabaseError("database disk image is malformed"),
            Blame.MACHINE,
            "The library cannot be read or written: database disk image is malformed.",
        ),
        (sqlite3.IntegrityError("UNIQUE constraint failed"), Blame.ENGINE, ""),
        (msgspec.ValidationError("Expected `int`"), Blame.ENGINE, ""),
        (KeyError("x"), Blame.ENGINE, ""),
    ],
    ids=lambda each: str(each)[:30],
)
def test_a_fault_of_the_machine_or_of_ours_is_not_called_the_clients(
    writer: Writer, error: Exception, blame: Blame, said: str
) -> None:
    async def fail(_: Pause) -> Answer:
        raise error

    refused = answered(writer, Pause(paused=True), fail)
    assert isinstance(refused, Refused)
    assert refused.blame is blame
    assert refused.reason == said or (not said and "engine.log" in refused.reason)
