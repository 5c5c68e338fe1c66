"""What the engine process says to clients that err, leave, or wait for one that is stopped."""

import os
import signal
import socket
import struct
from collections.abc import Iterator

import pytest

from engine.protocol.answers import Blame, Greeting, Refused
from engine.protocol.commands import AskStatus
from engine.protocol.events import Silent, Standing
from engine.protocol.framing import FrameSocket, Unpacker
from engine.service.client.connection import EngineSilentError, connect, connect_or_start
from engine.service.client.follow import EngineFeed, follow_session
from engine.service.socket_path import peer_pid, socket_path
from engine.settings import Settings
from tests.support.command import Promptsheet
from tests.support.waiting import next_event, wait_for

pytestmark = pytest.mark.slow


def talk(promptsheet: Promptsheet, sent: bytes) -> Refused:
    """What the engine process answers to some bytes."""
    answers: Unpacker[Refused] = Unpacker(Refused)
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(60)
        connection.connect(str(socket_path(promptsheet.library)))
        frames = FrameSocket(connection)
        greetings: Unpacker[Greeting] = Unpacker(Greeting)
        assert frames.receive(greetings) is not None
        connection.sendall(sent)
        answer = frames.receive(answers)
        assert answer is not None
        return answer.message


def framed(body: bytes) -> bytes:
    """A frame around whatever it is."""
    return struct.pack(">IQ", len(body), 0) + body


def test_whatever_is_wrong_with_a_command_it_is_answered(promptsheet: Promptsheet) -> None:
    promptsheet.json("engine", "start")
    for sent in (
        b"GET / HTTP/1.1\r\n\r\n",
        b"\xff" * (70 << 10),
        framed(b"[1]"),
        framed(b"not json"),
        framed(b"{}"),
        framed(b'{"do": ["stop"]}'),
        framed(b'{"do": "stop"}'),
        framed(b'{"do": "stop", "session": {"a": 1}}'),
        framed(b'{"do": "stop", "session": "x", "rows": 99999999999999999999999}'),
        framed(b'{"do": "submit", "name": 1, "source": [], "rows": ["[[]]"]}'),
        framed(b'{"do": "submit", "name": "x", "source": {"file": "f"}, "rows": [[1]]}'),
        framed(b'{"do": "favour", "images": 5}'),
        framed(b'{"do": "tag", "session": null, "tags": [{}]}'),
        framed(b'{"do": "move", "session": 7, "to": []}'),
    ):
        refused = talk(promptsheet, sent)
        assert refused.reason and refused.blame is Blame.MESSAGE, sent
    assert promptsheet.json("engine", "status")["running"]


def test_a_client_that_leaves_in_order_is_no_fault_in_the_log(promptsheet: Promptsheet) -> None:
    promptsheet.json("engine", "start")
    for _ in range(3):
        connection = connect(promptsheet.library)
        assert connection is not None
        assert isinstance(next(connection.follow()), Standing)
        connection.close()
    with connect_or_start(promptsheet.library)[0] as connection:
        connection.ask(AskStatus())
    follower = connect(promptsheet.library)
    assert follower is not None
    assert isinstance(next(follower.follow()), Standing)
    promptsheet.json("engine", "stop")  # it leaves the follower, in order as well
    log = (promptsheet.library / "engine.log").read_text()
    assert "client" not in log and "Traceback" not in log and "ERROR" not in log, log
    assert [line.split()[2] for line in log.splitlines()] == ["INFO"] * 2, log


@pytest.fixture
def stopped(promptsheet: Promptsheet) -> Iterator[int]:
    """An engine process that is stopped."""
    pid: int = promptsheet.json("engine", "start")["pid"]
    os.kill(pid, signal.SIGSTOP)
    yield pid
    os.kill(pid, signal.SIGCONT)


def test_one_that_is_stopped_is_said_not_to_answer(promptsheet: Promptsheet, stopped: int) -> None:
    for command in (("engine", "status"), ("engine", "stop"), ("stop", "all")):
        said = promptsheet(*command)
        assert said.returncode == 2
        assert f"kill -CONT {stopped}" in said.stderr, said.stderr
    assert f"kill -CONT {stopped}" in promptsheet.json("doctor")["library"]["fault"]


def test_a_command_does_not_wait_for_one_that_was_stopped_meanwhile(
    promptsheet: Promptsheet,
) -> None:
    with connect_or_start(promptsheet.library)[0] as connection:
        pid = peer_pid(connection._connection)
        os.kill(pid, signal.SIGSTOP)
        try:
            with pytest.raises(EngineSilentError, match="SIGSTOP"):
                connection.ask(AskStatus())
        finally:
            os.kill(pid, signal.SIGCONT)


def test_who_looks_on_is_told_and_told_again_when_it_answers(promptsheet: Promptsheet) -> None:
    pid: int = promptsheet.json("engine", "start")["pid"]
    events = iter(EngineFeed(Settings(library=promptsheet.library)))
    next_event(events, Standing)
    os.kill(pid, signal.SIGSTOP)
    try:
        assert f"kill -CONT {pid}" in next_event(events, Silent).reason
    finally:
        os.kill(pid, signal.SIGCONT)
    assert next_event(events, Standing).status.pid == pid


def test_who_looks_later_is_told_so_too(promptsheet: Promptsheet, stopped: int) -> None:
    events = iter(EngineFeed(Settings(library=promptsheet.library)))
    assert "SIGSTOP" in next_event(events, Silent).reason


def test_a_follower_says_what_it_waits_for(promptsheet: Promptsheet) -> None:
    promptsheet.json("engine", "pause")
    session = promptsheet.json("prompt", "a red circle", "--detach")["session"]
    pid: int = promptsheet.json("engine", "status")["pid"]
    reports = follow_session(session, Settings(library=promptsheet.library))
    assert wait_for(lambda: next(reports).waits)
    os.kill(pid, signal.SIGSTOP)
    try:
        assert wait_for(lambda: "SIGSTOP" in next(reports).now)
    finally:
        os.kill(pid, signal.SIGCONT)
    assert wait_for(lambda: "paused by you" in next(reports).now)
    promptsheet.json("engine", "stop")
    assert wait_for(lambda: "paused by you" in next(reports).now)
