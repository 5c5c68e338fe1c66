"""Commands that other hosts leave in the library: each is noted by the commit that carries it out.

Their files outlive a kill of the engine process. What is noted here tells whoever finds one again
that it was done, and what is to be answered.
"""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import msgspec

from engine.protocol.answers import Answer

REQUESTS = "request:"
"""What their keys in `meta` begin with."""
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
        db.execute("INSERT INTO meta VALUES (?, ?)", (request_key(request), noted(answer)))


def request_key(request: str) -> str:
    """Where in `meta` it is noted that a request was carried out."""
    return REQUESTS + request


def noted(answer: Answer) -> str:
    """What is noted of a request: when, by the clock of whoever notes it, and its answer."""
    return msgspec.json.encode({"at": time.time(), "answer": answer}).decode()
