"""What was answered to other hosts' requests that were carried out: looked up, added, forgotten."""

from collections.abc import Collection

import msgspec

from engine.library.write.requests import REQUESTS, noted, request_key
from engine.library.write.writer import Writer
from engine.protocol.answers import Answer, AnyAnswer

_BEHIND = "request;"
"""The first key that is no request's."""
_KEPT = 1000
"""How many are kept beside those whose files are there: how old they are does not matter."""


class _Noted(msgspec.Struct, frozen=True):
    """What is kept of a request."""

    at: float
    """When, by the clock of whoever noted it: tells which of many are the oldest, no more."""
    answer: AnyAnswer


_noted = msgspec.json.Decoder(_Noted)


def note_answer(writer: Writer, request: str, answer: Answer) -> None:
    """Note what is answered to a request, unless what carried it out did so.

    Raises:
        LibraryError: the library is not ours any more, so the answer is not ours to give.
    """
    with writer.transaction() as db:
        db.execute(
            "INSERT OR IGNORE INTO meta VALUES (?, ?)", (request_key(request), noted(answer))
        )


def answer_to(writer: Writer, request: str) -> AnyAnswer | None:
    """What is answered to a request that was carried out; None: it was not."""
    rows = writer.read("SELECT value FROM meta WHERE key = ?", (request_key(request),))
    if not rows:
        return None
    return _noted.decode(rows[0]["value"]).answer


def forget_requests(writer: Writer, there: Collection[str]) -> None:
    """Forget what is long answered.

    Args:
        writer: the library's.
        there: ids of requests whose files are there still.
    """
    rows = writer.read(
        "SELECT key FROM meta WHERE key >= ? AND key < ?"
        " ORDER BY json_extract(value, '$.at') DESC LIMIT -1 OFFSET ?",
        (REQUESTS, _BEHIND, _KEPT),
    )
    old = [(row["key"],) for row in rows if row["key"].removeprefix(REQUESTS) not in there]
    if old:
        with writer.transaction() as db:
            db.executemany("DELETE FROM meta WHERE key = ?", old)
