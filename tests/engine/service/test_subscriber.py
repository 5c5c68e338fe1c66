"""What a client is told: the newest of what is overtaken, and every change of counts."""

import asyncio
import socket
from pathlib import Path

from engine.protocol.answers import Status
from engine.protocol.commands import Follow
from engine.protocol.events import AnyEvent, Counted, Paused, Previewed, Stepped
from engine.protocol.framing import pack
from engine.service.server.socket_server import SocketServer
from engine.service.server.subscriber import Subscriber
from tests.support.wire import tally

STATUS = Status(1, "", "", "", None, None, False, True, [], [], [])


def counted(done: int, rows: list[int] | None, *finished: str) -> Counted:
    return Counted(tally(done), False, rows, list(finished))


def previewed(picture: bytes = b"") -> Previewed:
    return Previewed("s", "cpu", 2, 1, picture)


def told(subscriber: Subscriber) -> list[AnyEvent]:
    async def taken() -> list[AnyEvent]:
        return await asyncio.wait_for(subscriber.take(), 1)

    return asyncio.run(taken())


def test_of_many_steps_only_the_newest_of_each_device_is_told() -> None:
    subscriber = Subscriber()
    for step in range(1, 500):
        for device in ("cuda:0", "cuda:1"):
            subscriber.offer(Stepped("s", device, 2, 1, 4, step, 500))
    assert [(e.device, e.step) for e in told(subscriber) if isinstance(e, Stepped)] == [
        ("cuda:0", 499),
        ("cuda:1", 499),
    ]


def test_counts_are_put_together_and_none_is_lost() -> None:
    subscriber = Subscriber()
    subscriber.offer(counted(1, [4], "a.png"))
    subscriber.offer(counted(2, [2, 4], "b.png"))
    assert told(subscriber) == [counted(2, [2, 4], "a.png", "b.png")]
    subscriber.offer(counted(3, None))
    subscriber.offer(counted(4, [1]))
    assert told(subscriber) == [counted(4, None)]


def test_a_client_that_never_listens_costs_no_memory() -> None:
    subscriber = Subscriber(previews=True)
    for number in range(10_000):
        subscriber.offer(counted(number, [number % 7], f"{number}.png"))
        subscriber.offer(previewed(b"x" * 100))
    first, _ = told(subscriber)
    assert isinstance(first, Counted)
    assert len(first.finished) == 100
    assert first.finished[-1] == "9999.png"


def test_previews_go_only_to_those_who_look() -> None:
    looks, does_not = Subscriber(previews=True), Subscriber()
    for subscriber in (looks, does_not):
        subscriber.offer(previewed())
        subscriber.offer(Paused("x"))
    assert told(looks) == [previewed(), Paused("x")]
    assert told(does_not) == [Paused("x")]


def test_nothing_goes_on_waiting_for_a_follower_that_has_left(tmp_path: Path) -> None:
    async def followed() -> int:
        async def nothing(*_: object) -> Status:
            return STATUS

        async def looked_at(_: bool) -> None: ...

        server = SocketServer(tmp_path, "", {}, nothing, nothing, looked_at, lambda: None)
        ours, theirs = socket.socketpair()
        serving = asyncio.create_task(server.serve(*await asyncio.open_connection(sock=ours)))
        reader, writer = await asyncio.open_connection(sock=theirs)
        writer.write(pack(Follow()))
        await reader.readuntil(b"standing")
        writer.close()
        await asyncio.wait_for(serving, 10)
        await asyncio.sleep(0)  # what is given up ends in the next turn
        return len(asyncio.all_tasks())

    assert asyncio.run(followed()) == 1
