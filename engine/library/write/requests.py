"""Commands that other hosts leave in the library: each is noted by the commit that carries it out.

Their files outlive a kill of the engine process. What is noted here tells whoever finds one again
that it was done, and what is to be answered.
"""

import sqlite3
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

import msgspec

from engine.protocol.answers import Answer, AnyAnswer

if TYPE_CHECKING:  # it stands on this
    from engine.library.write.writer import Writer

_PREFIX = "request:"
"""Of their keys in `meta`; `_BEHIND` is the first key that is none of them."""
_BEHIND = "request;"
_KEPT = 1000
"""How many are kept beside those whose files are there: how old they are does not matter."""


class _Noted(msgspec.Struct, frozen=True):
    """What is kept of a request."""

    at: float
    """When, by the clock of whoever noted it: tells which of many are the oldest, no more."""
    answer: AnyAnswer


_noted = msgspec.json.Decoder(_Noted)
_carried_out: ContextVar[str | None] = ContextVar("request", default=None)


@contextmanager
def on_behalf_of(request: str | None) -> Iterator[None]:
    """What is changed inside, in this context, is for the request with this id; None: for none."""
    token = _carried_out.set(request)
    try:
        yield
    finally:
        _carried_out.reset(token)


def is_from_elsewhere() -> bool:
    """Whether what is done now was asked for on another host."""
    return _carried_out.get() is not None


def carried_out(db: sqlite3.Connection, answer: Answer) -> None:
    """A command is carried out by the transaction that this is called in, once in each command.

    Args:
        db: in that transaction.
        answer: what is answered, should the engine process end before it has.

    Raises:
        sqlite3.IntegrityError: the same request was carried out before; nothing changes then.
    """
    if (request := _carried_out.get()) is not None:
        db.execute("INSERT INTO meta VALUES (?, ?)", (_PREFIX + request, _text(answer)))


def note_answer(writer: "Writer", request: str, answer: Answer) -> None:
    """Note what is answered to a request, unless what carried it out did so.

    Raises:
        LibraryError: the library is not ours any more, so the answer is not ours to give.
    """
    with writer.transaction() as db:
        db.execute("INSERT OR IGNORE INTO meta VALUES (?, ?)", (_PREFIX + request, _text(answer)))


def answer_to(writer: "Writer", request: str) -> AnyAnswer | None:
    """What is answered to a request that was carried out; None: it was not."""
    rows = writer.read("SELECT value FROM meta WHERE key = ?", (_PREFIX + request,))
    if not rows:
        return None
    return _noted.decode(rows[0]["value"]).answer


def forget_requests(writer: "Writer", there: Collection[str]) -> None:
    """Forget what is long answered.

    Args:
        writer: the library's.
        there: ids of requests whose files are there still.
    """
    rows = writer.read(
        "SELECT key FROM meta WHERE key >= ? AND key < ?"
        " ORDER BY json_extract(value, '$.at') DESC LIMIT -1 OFFSET ?",
        (_PREFIX, _BEHIND, _KEPT),
    )
    old = [(row["key"],) for row in rows if row["key"].removeprefix(_PREFIX) not in there]
    if old:
        with writer.transaction() as db:
            db.executemany("DELETE FROM meta WHERE key = ?", old)


def _text(answer: Answer) -> str:
    return msgspec.json.encode({"at": time.time(), "answer": answer}).decode()
