"""What a client is told: the newest of what is overtaken, and every change of counts."""

import asyncio
from typing import Any

from engine.service.server.subscriber import Subscriber


def tally(done: int, rows: list[int] | None, *finished: str) -> dict[str, Any]:
    return {
        "event": "tally",
        "session": "s",
        "done": done,
        "rows": rows,
        "finished": list(finished),
    }


def told(subscriber: Subscriber) -> list[dict[str, Any]]:
    return asyncio.run(asyncio.wait_for(subscriber.take(), 1))


def test_of_many_steps_only_the_newest_of_each_device_is_told() -> None:
    subscriber = Subscriber()
    for step in range(1, 500):
        for device in ("cuda:0", "cuda:1"):
            subscriber.offer({"event": "step", "device": device, "step": step})
    assert [(e["device"], e["step"]) for e in told(subscriber)] == [
        ("cuda:0", 499),
        ("cuda:1", 499),
    ]


def test_counts_are_put_together_and_none_is_lost() -> None:
    subscriber = Subscriber()
    subscriber.offer(tally(1, [4], "a.png"))
    subscriber.offer(tally(2, [2, 4], "b.png"))
    assert told(subscriber) == [tally(2, [2, 4], "a.png", "b.png")]
    subscriber.offer(tally(3, None))
    subscriber.offer(tally(4, [1]))
    assert told(subscriber) == [tally(4, None)]


def test_a_client_that_never_listens_costs_no_memory() -> None:
    subscriber = Subscriber(previews=True)
    for number in range(10_000):
        subscriber.offer(tally(number, [number % 7], f"{number}.png"))
        subscriber.offer({"event": "preview", "device": "cpu", "picture": "x" * 100})
    kept = told(subscriber)
    assert len(kept) == 2
    assert len(kept[0]["finished"]) == 100
    assert kept[0]["finished"][-1] == "9999.png"


def test_previews_go_only_to_those_who_look() -> None:
    looks, does_not = Subscriber(previews=True), Subscriber()
    for subscriber in (looks, does_not):
        subscriber.offer({"event": "preview", "device": "cpu"})
        subscriber.offer({"event": "paused", "reason": "x"})
    assert [e["event"] for e in told(looks)] == ["preview", "paused"]
    assert [e["event"] for e in told(does_not)] == ["paused"]
