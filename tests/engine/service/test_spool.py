"""What another host asks by files in the library is done once, whatever happens to them."""

import asyncio
import errno
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest
from PIL import Image

from engine.api import EngineError, Library, Settings
from engine.api.found_pictures import find_pictures
from engine.library.read.reader import list_images, list_sessions
from engine.library.sources import stored_sources
from engine.library.write import answered_requests, requests
from engine.library.write.writer import Writer
from engine.protocol import answers, commands
from engine.protocol.answers import Answer, AnyAnswer, ImagesChanged, Rated, Refused
from engine.protocol.commands import AnyCommand, Command, Favour, Move, Submit, Tag
from engine.protocol.events import Counted, Curated, Gone, Standing
from engine.protocol.framing import Unpacker, pack
from engine.protocol.requests import ONLY_ON_ITS_HOST, Request
from engine.service import spool as spool_folder
from engine.service.client import elsewhere, looking_on
from engine.service.client.elsewhere import ask_elsewhere
from engine.service.lock import held_elsewhere
from engine.service.server import spool_server
from engine.service.server.spool_server import SpoolServer
from engine.service.spool import (
    ANSWER,
    FOLDER,
    PICTURES,
    REQUEST,
    TAKEN,
    body_of,
    make_spool,
    new_id,
    open_spool,
    read_file,
    tidy,
    write_file,
)
from tests.support.forking import called
from tests.support.libraries import new_session
from tests.support.node_a import NodeA, be_on_hosts, on_node_a
from tests.support.waiting import next_event, wait_for

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def hosts(monkeypatch: pytest.MonkeyPatch, config: Path) -> None:
    be_on_hosts(monkeypatch)
    monkeypatch.setattr(elsewhere, "_LOOK_SECONDS", 0.01)


@pytest.fixture
def filled(library: Path) -> Path:
    """A library with two sessions, of which one has finished images."""
    library.mkdir(mode=0o700)
    with on_node_a():
        fill(library)
    return library


def fill(library: Path) -> None:
    writer = Writer(library)
    writer.add_session(new_session())
    writer.add_session(new_session("second"))
    writer.close()


@pytest.fixture
def node_a(filled: Path) -> Iterator[NodeA]:
    with NodeA(Settings(library=filled)).running() as node:
        yield node


@pytest.fixture
def spool(library: Path) -> Path:
    library.mkdir(mode=0o700, exist_ok=True)
    make_spool(library)
    return library / FOLDER


def image_of(library: Path) -> str:
    """The id of the first image of the first session."""
    return list_images(library, "k3f9x2")[0].image


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def tags(library: Path) -> list[str]:
    return list(Library(Settings(library=library)).sessions.find("second").tags)


def put(library: Path, command: Command[Any], request: str | None = None) -> str:
    """Leave a request, and wait for nothing."""
    request = request or new_id()
    with open_spool(library) as folder:
        write_file(folder, request + REQUEST, pack(Request.of(command, "node-b")))
    return request


def answer_of(library: Path, request: str) -> AnyAnswer:
    def look() -> bytes | None:
        with open_spool(library) as folder:
            try:
                return read_file(folder, request + ANSWER)[0]
            except FileNotFoundError:
                return None

    unpacker: Unpacker[AnyAnswer] = Unpacker(AnyAnswer)
    return unpacker.unpack(body_of(wait_for(look, 30))).message


# -------------------------------------------------------------------- the front door


def test_marks_trash_names_and_work_are_had_from_another_host(
    node_a: NodeA, library: Path, tmp_path: Path
) -> None:
    there = Library(Settings(library=library))
    image = image_of(library)
    assert there.images.favour([image], on=True) == {image: 0}
    assert there.sessions.tag("k3f9x2", ["sea", "sea", " boats "]) == ["sea", "boats"]
    there.sessions.rename("second", "evening")
    there.sessions.stop("second")
    assert there.sessions.find("evening").state == "stopped"
    there.sessions.resume("second")
    there.sessions.move("second", "first")
    assert [info.session for info in there.sessions.unfinished()] == ["second", "k3f9x2"]
    there.engine.pause()
    assert (state := there.engine.status()) is not None and state.elsewhere
    assert state.status.paused_by_user and state.status.host == "node-a"
    there.engine.resume()
    there.sessions.trash("second")
    there.sessions.restore("second")
    there.sessions.trash("second")
    assert there.trash.empty().sessions == 1
    with pytest.raises(EngineError, match=r"not found.*node-a says so"):
        there.sessions.rename("second", "x")
    photo = tmp_path / "only-here.png"
    Image.new("RGB", (8, 8), (9, 0, 0)).save(photo)
    rows = there.sheets.from_pictures(find_pictures([photo]), "a tree")
    assert rows.checked is not None
    told: list[tuple[int, int]] = []
    started = there.sessions.start(rows.checked, progress=lambda *far: told.append(far))
    assert (0, 1) in told or (1, 1) in told
    assert there.sessions.find(started.session).images == 1
    assert len(list(stored_sources(library))) == 1
    assert node_a.engine._dispatcher._pausing.elsewhere is None
    wait_for(lambda: names_in(library / FOLDER) == ["standing"], 10)


def test_what_cannot_be_had_is_said_at_once(node_a: NodeA, library: Path) -> None:
    there = Library(Settings(library=library))
    began = time.monotonic()
    with pytest.raises(EngineError, match=r"in use on node-a.*engine stop"):
        there.engine.start()
    holder = held_elsewhere(library)
    assert holder is not None
    for command, why in ONLY_ON_ITS_HOST.items():
        wanted = command(previews=True) if command is commands.Follow else command()
        with pytest.raises(EngineError, match=why[1:20]):
            ask_elsewhere(library, holder, wanted, lambda _: None, None)
        assert isinstance(answer_of(library, put(library, wanted)), Refused)
    old = msgspec.structs.replace(Request.of(Move("second", "up"), "node-b"), version="0.0.1")
    with open_spool(library) as folder:
        write_file(folder, (request := new_id()) + REQUEST, pack(old))
    answer = answer_of(library, request)
    assert isinstance(answer, Refused) and "0.0.1" in answer.reason
    assert time.monotonic() - began < 5


def test_who_looks_on_sees_the_work_of_the_other_host_and_its_end(
    node_a: NodeA, library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.service.client.looking_on.LOOK_SECONDS", 0.02)
    there = Library(Settings(library=library))
    events = iter(there.engine.feed())
    first = next_event(events, Standing)
    assert first.elsewhere and first.status.host == "node-a"
    assert [tally.session for tally in first.status.work] == ["k3f9x2", "second"]
    there.sessions.stop("second")
    counted = next_event(events, Counted)
    assert counted.tally.session == "second" and counted.tally.stopped == 12
    there.sessions.rename("second", "evening")
    assert next_event(events, Curated).sessions == ["second"]
    there.engine.pause()
    assert next_event(events, Standing).status.paused_by_user
    told = there.sessions.follow("k3f9x2")
    assert (report := next(told)).now.startswith("on node-a: paused by you") and report.waits
    assert there.engine.stop() == os.getpid()
    next_event(events, Gone)


def test_two_changes_within_one_tick_of_the_disks_clock_are_both_seen(
    node_a: NodeA, library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stamps = iter(["before", *["that tick"] * 10])
    monkeypatch.setattr(looking_on, "_stamp", lambda _: next(stamps))
    holder = held_elsewhere(library)
    assert holder is not None
    looking, there = looking_on.LookingOn(library, holder), Library(Settings(library=library))

    def counted() -> list[int]:
        return [event.tally.stopped for event in looking._news() if isinstance(event, Counted)]

    assert not counted()
    there.sessions.stop("second")
    assert counted() == [12]
    there.sessions.resume("second")
    assert counted() == [0]
    read: list[object] = []
    monkeypatch.setattr(looking_on, "counts_and_curation", read.append)
    assert not counted() and not read  # while nothing changes, nothing is read


def test_a_host_that_only_keeps_the_library_does_not_render_because_another_one_asks(
    filled: Path,
) -> None:
    node = NodeA(Settings(library=filled))
    node.renders = False
    with node.running():
        there = Library(Settings(library=filled))
        there.sessions.resume("second")
        assert node.engine._dispatcher._pausing.elsewhere is not None
        state = wait_for(lambda: (s := there.engine.status()) and s.status.paused and s)
        assert not state.status.renders
        assert "on node-a does not render" in state.status.paused


# -------------------------------------------------------------------- exactly once

SAMPLES: dict[type[Command[Any]], Callable[[str], Command[Any]]] = {
    commands.Stop: lambda _: commands.Stop("second"),
    commands.Resume: lambda _: commands.Resume("second"),
    commands.Retry: lambda _: commands.Retry("second"),
    commands.Move: lambda _: Move("second", "up"),
    commands.Pause: lambda _: commands.Pause(paused=True),
    commands.Shutdown: lambda _: commands.Shutdown(),
    commands.Favour: lambda image: Favour([image], on=True),
    commands.Rate: lambda image: commands.Rate({image: 3}),
    commands.Decide: lambda image: commands.Decide("second", 2, {image: 4}),
    commands.TrashImages: lambda image: commands.TrashImages([image]),
    commands.RestoreImages: lambda image: commands.RestoreImages([image]),
    commands.Rename: lambda _: commands.Rename("second", "evening"),
    commands.Tag: lambda _: Tag("second", ["sea"]),
    commands.TrashSession: lambda _: commands.TrashSession("second"),
    commands.RestoreSession: lambda _: commands.RestoreSession("second"),
    commands.EmptyTrash: lambda _: commands.EmptyTrash(),
}


def submit() -> Submit:
    checked = Library(Settings()).sheets.check_prompts(["a tree"])
    rows = (
        commands.RequestedRow(row.number, dict(row.cells), dict(row.extra), row.values)
        for row in checked.sheet.ready
        if row.values is not None
    )
    return Submit("trees", commands.RowsSource("prompts"), Submit.packed(rows))


def test_whatever_may_be_asked_is_noted_by_the_commit_that_does_it(
    filled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new command must say by `carried_out` what does it, or stand in ONLY_ON_ITS_HOST."""
    offered = set(get_args(AnyCommand)) - set(ONLY_ON_ITS_HOST)
    assert offered == {*SAMPLES, Submit}, "a command was added: give it a sample here"
    unnoted = []
    note = SpoolServer._note

    async def noting(self: SpoolServer, request: str, answer: Answer) -> None:
        noted = await self._write(answered_requests.answer_to, request)
        same = noted is not None and msgspec.to_builtins(noted) == msgspec.to_builtins(answer)
        if isinstance(answer, Refused) or not (same or isinstance(answer, answers.Leaving)):
            unnoted.append((answer, noted))
        await note(self, request, answer)

    monkeypatch.setattr(SpoolServer, "_note", noting)
    image = image_of(filled)
    with NodeA(Settings(library=filled)).running():
        order = [c for c in SAMPLES if c not in (commands.Shutdown, commands.TrashImages)]
        trash = commands.TrashImages
        favour_off = Favour([image], on=False)
        for command in order:
            if command is commands.RestoreImages:
                answer_of(filled, put(filled, favour_off))
                answer_of(filled, put(filled, SAMPLES[trash](image)))
            answer_of(filled, put(filled, SAMPLES[command](image)))
        answer_of(filled, put(filled, submit()))
        answer_of(filled, put(filled, commands.Shutdown()))
    assert not unnoted


def killed_engine(settings: Settings, at: str) -> None:
    """Be an engine process that is killed as soon as it comes there."""

    async def die(*_: Any) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def die_now(*_: Any) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    vars(socket)["gethostname"] = lambda: "node-a"
    if at == "before its effect":
        SpoolServer._answer = die  # type: ignore[method-assign, assignment]
    elif at == "before it is noted":
        SpoolServer._note = die  # type: ignore[method-assign, assignment]
    elif at == "before its answer":
        SpoolServer._give = die  # type: ignore[method-assign, assignment]
    else:
        vars(spool_server)["remove"] = die_now
    NodeA(settings).serve()


@pytest.mark.parametrize(
    "at",
    ["before its effect", "before it is noted", "before its answer", "before its request is gone"],
)
def test_an_engine_process_killed_at_any_moment_has_done_it_once(filled: Path, at: str) -> None:
    image = image_of(filled)
    make_spool(filled)
    asked = {}
    wanted: dict[str, Command[Any]] = {
        "favour": Favour([image], on=True),
        "down": Move("k3f9x2", "down"),
        "submit": submit(),
    }
    for name, command in wanted.items():
        asked[name] = put(filled, command)
        with pytest.raises(EOFError):  # it says nothing in the end
            called(killed_engine, Settings(library=filled), at)
    writer = Writer(filled)
    changed = writer.read("SELECT favourite FROM images WHERE key = ?", (image,))[0]["favourite"]
    if changed:  # someone on node-a has changed their mind since
        with writer.transaction() as db:
            db.execute("UPDATE images SET rating = 0 WHERE key = ?", (image,))
    writer.close()
    with NodeA(Settings(library=filled)).running():
        said = {name: answer_of(filled, request) for name, request in asked.items()}
        assert said["favour"] == Rated({image: 0})
        sessions = list_sessions(filled)
        assert len([info for info in sessions if info.name == "trees"]) == 1
        accepted = said["submit"]
        assert isinstance(accepted, answers.Accepted)
        there = Library(Settings(library=filled))
        order = [info.session for info in there.sessions.unfinished()]
        assert order == ["second", "k3f9x2", accepted.tally.session], "it was moved twice, or never"
        favourite = list_images(filled, "k3f9x2")[0].favourite
        assert favourite != bool(changed), "it was marked anew against a later word"
        again = {name: put(filled, submit(), request) for name, request in asked.items()}
        for request in again.values():
            answer_of(filled, request)
        assert len(list_sessions(filled)) == 3, "a request put there again was carried out again"


def test_a_host_that_dies_is_followed_by_one_here_which_finds_the_request(
    filled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its last heartbeat is there, and nobody behind it."""
    monkeypatch.setattr("engine.service.lock.STALE_SECONDS", 0.5)
    node = NodeA(Settings(library=filled))
    with node.running():
        pass
    image = image_of(filled)
    with on_node_a():
        lock = NodeA(Settings(library=filled)).take()
    holder = held_elsewhere(filled)
    assert holder is not None
    lock._ended.set()
    started: list[NodeA] = []
    ends = threading.Event()

    def start() -> None:
        if not started:
            lock.release()
            started.append(NodeA(Settings(library=filled)))
            threading.Thread(target=run).start()
            started[0]._ready.wait(30)

    def run() -> None:
        started[0].serve()
        ends.set()

    try:
        answer = ask_elsewhere(filled, holder, Favour([image], on=True), lambda _: None, start)
        assert answer.before == {image: 0}
    finally:
        started[0].stop()
        ends.wait(30)


def test_an_answer_that_was_lost_is_asked_for_again_and_nothing_is_done_again(
    node_a: NodeA, library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(elsewhere, "_LAST_WORD_SECONDS", 0.1)
    put_there, lost = SpoolServer._put, list[str]()

    def lose(self: SpoolServer, request: str, data: bytes) -> None:
        if lost:
            put_there(self, request, data)
        else:
            (library / FOLDER / (request + TAKEN)).unlink()
            lost.append(request)

    monkeypatch.setattr(SpoolServer, "_put", lose)
    there = Library(Settings(library=library))
    image = image_of(library)
    assert there.images.favour([image], on=True) == {image: 0}, "done again, it would change none"
    assert lost


def test_who_gives_up_before_it_is_taken_in_has_asked_nothing(filled: Path, tmp_path: Path) -> None:
    make_spool(filled)
    with on_node_a():
        lock = NodeA(Settings(library=filled)).take()
    photo = tmp_path / "photo.png"
    Image.new("RGB", (8, 8), (9, 0, 0)).save(photo)
    there = Library(Settings(library=filled))
    rows = there.sheets.from_pictures(find_pictures([photo]), "a tree")
    assert rows.checked is not None

    def interrupt(copied: int, of: int) -> None:
        if not of and list((filled / FOLDER).glob(f"*{REQUEST}")):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        there.sessions.start(rows.checked, progress=interrupt)
    assert not names_in(filled / FOLDER)
    lock.release()


# -------------------------------------------------------------------- trouble with the folder


def test_a_flood_is_carried_out_a_few_at_a_time(
    filled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer, at_once = SpoolServer._answer, [0, 0]

    async def counted(self: SpoolServer, request: str, taken: Any) -> tuple[Answer, bool]:
        at_once[0] += 1
        at_once[1] = max(at_once)
        await asyncio.sleep(0.05)
        at_once[0] -= 1
        return await answer(self, request, taken)

    monkeypatch.setattr(SpoolServer, "_answer", counted)
    make_spool(filled)
    asked = [put(filled, Tag("second", [str(number)])) for number in range(20)]
    with NodeA(Settings(library=filled)).running():
        for request in asked:
            assert not isinstance(answer_of(filled, request), Refused)
    assert at_once[1] == spool_server._AT_ONCE


def test_a_folder_that_was_deleted_or_opened_to_all_is_made_anew_but_not_without_its_library(
    node_a: NodeA, library: Path, tmp_path: Path
) -> None:
    # In one step: what the engine process writes there meanwhile hinders a removal.
    (library / FOLDER).rename(tmp_path / "deleted")
    wait_for((library / FOLDER / "standing").exists, 10)
    (library / FOLDER).chmod(0o770)
    wait_for(lambda: (library / FOLDER).stat().st_mode & 0o777 == 0o700, 10)
    assert isinstance(answer_of(library, put(library, Move("second", "up"))), answers.Changed)
    away = tmp_path / "away"
    library.rename(away)
    library.mkdir()  # as where its disk is mounted no more
    time.sleep(0.2)
    assert not names_in(library)
    library.rmdir()
    away.rename(library)


def test_a_disk_that_is_full_at_the_start_keeps_nobody_from_asking(
    filled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = spool_folder.write_file

    def full(folder: int, name: str, data: bytes, *, kept: bool = True) -> None:
        if name == "standing":
            raise OSError(errno.ENOSPC, "No space left on device")
        write(folder, name, data, kept=kept)

    monkeypatch.setattr(spool_server, "write_file", full)
    with NodeA(Settings(library=filled)).running():
        holder = held_elsewhere(filled)
        assert holder is not None and holder.spooling
        assert isinstance(answer_of(filled, put(filled, Move("second", "up"))), answers.Changed)


# -------------------------------------------------------------------- hostile files


def hostile(spool: Path, what: str, tmp_path: Path) -> str:
    """Put something under the name of a request; its id."""
    request = new_id()
    place = spool / (request + REQUEST)
    good = pack(Request.of(Tag("second", [what]), "node-b"))
    outside = tmp_path / f"outside-{what}"
    outside.write_bytes(good)
    match what:
        case "link":
            place.symlink_to(outside)
        case "pipe":
            os.mkfifo(place)
        case "folder":
            place.mkdir()
        case "hard link":
            place.hardlink_to(outside)
        case "other owner":
            place.write_bytes(good)
            if os.geteuid():
                pytest.skip("needs root")
            os.chown(place, 12345, 12345)
        case "huge":
            place.touch()
            os.truncate(place, 600 << 20)
    return request


def test_a_file_that_is_replaced_while_it_is_read_is_read_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_spool(tmp_path)
    with open_spool(tmp_path) as folder:
        write_file(folder, "answer", b"whole")
        opened = os.open

        def open_and_replace(*args: Any, **options: Any) -> int:
            descriptor = opened(*args, **options)
            (tmp_path / FOLDER / "another").replace(tmp_path / FOLDER / "answer")
            return descriptor

        write_file(folder, "another", b"the same again")
        monkeypatch.setattr(os, "open", open_and_replace)
        assert read_file(folder, "answer")[0] == b"whole"


def test_nothing_but_plain_files_of_the_owner_is_taken_in(
    node_a: NodeA, library: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    kinds = ["link", "pipe", "folder", "hard link", "other owner", "huge"]
    put_there = {what: hostile(library / FOLDER, what, tmp_path) for what in kinds}
    assert isinstance(answer_of(library, put(library, Move("second", "up"))), answers.Changed)
    assert tags(library) == []
    for what, request in put_there.items():
        assert os.path.lexists(library / FOLDER / (request + REQUEST)), what
        assert not (library / FOLDER / (request + ANSWER)).exists(), what
        assert f"{request}{REQUEST} is left alone" in caplog.text, what
    assert caplog.text.count("is left alone") == len(kinds), "it is said once"


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "breaks off"),
        (b"x", "breaks off"),
        (pack(Request.of(Tag("second", ["x"]), "node-b"))[:-1], "breaks off"),
        (pack(Request.of(Tag("second", ["x"]), "node-b")) + b"x", "something follows"),
        (pack(Request.of(Tag("second", ["x"]), "node-b"), b"file"), "something follows"),
        (b"\xff" * 100, "else than Promptsheet's messages"),
        (pack(Tag("second", ["x"])), "unknown field"),
        (b"\0\0\0\x02" + b"\0" * 8 + b"{}", "missing required field"),
        (
            pack(msgspec.structs.replace(Request.of(Tag("x", []), "b"), command=msgspec.Raw(b"7"))),
            "Expected `object`",
        ),
        (
            pack(
                msgspec.structs.replace(
                    Request.of(Tag("x", []), "b"), command=msgspec.Raw(b'{"do":"format_disk"}')
                )
            ),
            "Invalid value 'format_disk'",
        ),
        (
            pack(
                msgspec.structs.replace(
                    Request.of(Tag("x", []), "b"),
                    command=msgspec.Raw(b'{"do":"favour","images":5,"on":true}'),
                )
            ),
            "Expected `array`",
        ),
    ],
)
def test_what_is_no_request_is_answered_so(
    node_a: NodeA, library: Path, data: bytes, says: str
) -> None:
    request = new_id()
    with open_spool(library) as folder:
        write_file(folder, request + REQUEST, data)
    answer = answer_of(library, request)
    assert isinstance(answer, Refused) and says in answer.reason, answer
    wait_for(lambda: not (library / FOLDER / (request + TAKEN)).exists(), 10)


def test_an_id_twice_is_one_request(node_a: NodeA, library: Path) -> None:
    request = put(library, Tag("second", ["first"]))
    first = answer_of(library, request)
    put(library, Tag("second", ["replayed"]), request)
    wait_for(lambda: not list((library / FOLDER).glob(f"{request}{REQUEST}")), 10)
    assert answer_of(library, request) == first
    assert tags(library) == ["first"]


def test_an_answer_that_lies_there_in_advance_is_none(
    node_a: NodeA, library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forged = tmp_path / "forged"
    forged.write_bytes(pack(Rated({"forged": 1})))
    for put_there in ("file", "link"):
        known = new_id()
        monkeypatch.setattr(elsewhere, "new_id", partial(str, known))
        place = library / FOLDER / (known + ANSWER)
        if put_there == "link":
            place.symlink_to(forged)
        else:
            place.write_bytes(forged.read_bytes())
        there = Library(Settings(library=library))
        image = image_of(library)
        assert set(there.images.favour([image], on=put_there == "file")) == {image}
    place.symlink_to(forged)
    holder = held_elsewhere(library)
    assert holder is not None
    asked = elsewhere._OpenRequest(library, holder, known, lambda _: None, None)
    with pytest.raises(spool_folder.SpoolError, match=r"The answer, .*\.answer, is not read: it c"):
        asked._look()


def test_a_folder_that_is_not_its_owners_alone_is_not_used(library: Path, tmp_path: Path) -> None:
    library.mkdir(mode=0o700)
    (library / FOLDER).symlink_to(tmp_path, target_is_directory=True)
    with pytest.raises(spool_folder.SpoolError, match="not a folder"):
        make_spool(library)
    (library / FOLDER).unlink()
    make_spool(library)
    (library / FOLDER).chmod(0o770)
    with pytest.raises(spool_folder.SpoolError, match="not private"), open_spool(library):
        pass
    make_spool(library)
    with open_spool(library):
        pass


def test_what_nobody_reads_any_more_goes_and_nothing_else(spool: Path, library: Path) -> None:
    request, old = new_id(), time.time() - 1e6
    pictures = spool / (request + PICTURES)
    (pictures / "sources").mkdir(parents=True)
    (pictures / "sources" / "link").symlink_to(library)
    for name in (request + ANSWER, request + TAKEN, f"{request}{REQUEST}.0f.part", "standing", "x"):
        (spool / name).touch()
    os.mkfifo(spool / (fresh := new_id() + REQUEST))
    for path in (*spool.iterdir(),):
        if path.name != fresh:
            os.utime(path, (old, old))
    tidy(library, 1e5)
    assert names_in(spool) == sorted(["standing", "x", fresh])
    assert library.is_dir()


def test_a_request_of_someone_long_gone_is_not_carried_out(filled: Path) -> None:
    make_spool(filled)
    request = put(filled, Tag("second", ["late"]))
    old = time.time() - 3600
    os.utime(filled / FOLDER / (request + REQUEST), (old, old))
    with NodeA(Settings(library=filled)).running():
        answer = answer_of(filled, request)
    assert isinstance(answer, Refused) and "too old" in answer.reason
    assert tags(filled) == []


def test_what_was_answered_long_ago_is_forgotten_but_not_while_its_file_is_there(
    filled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answered_requests, "_KEPT", 2)
    writer = Writer(filled)
    ids = [new_id() for _ in range(5)]
    for request in ids:
        with requests.on_behalf_of(request), writer.transaction() as db:
            requests.carried_out(db, ImagesChanged([request]))
    answered_requests.forget_requests(writer, {ids[0]})
    assert [answered_requests.answer_to(writer, request) is not None for request in ids] == [
        *(True, False, False),
        *(True, True),
    ]
    with requests.on_behalf_of(ids[0]), pytest.raises(Exception, match="UNIQUE"):
        writer.pause(True)
    assert not writer.is_paused(), "nothing is done a second time"
    writer.close()
