"""How subcommands answer: words, JSON, and the exit status."""

import json
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import islice

from engine.api import PromptsheetError, reason_of

_TOGETHER = 200
"""Items that are written at once; one by one takes twice as long."""
OK, SOME = 0, 1
"""Exit statuses: all well; some of it not. That nothing could be done (2) is an error's."""


class UsageError(PromptsheetError):
    """What was asked for does not go together."""


def say(*lines: str) -> None:
    """What was asked for, on stdout."""
    if _is_closed():
        return
    for line in lines:
        _print(line)


@contextmanager
def to_stdout() -> Iterator[None]:
    """What stdout refuses inside is said as that, but for a reader that has enough.

    Raises:
        PromptsheetError: the output could not be written, and why: the disk is full, say.
    """
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        reason = f"The output could not be written: {reason_of(error)}."
        raise PromptsheetError(reason) from error


def _print(text: str, end: str = "\n") -> None:
    with to_stdout():
        print(text, end=end)


def _is_closed() -> bool:
    """Whether there is no stdout; says so once."""
    global _told
    if sys.stdout is None and not _told:
        _told = True
        note("stdout is closed, so nothing can be printed.")
    return sys.stdout is None


_told = False


def drop_output() -> None:
    """Let nothing of what could not be written be tried again at the end of the process."""
    if sys.stdout is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def say_each(lines: Iterable[str]) -> None:
    """As `say`, however many lines there are."""
    rest = iter(lines)
    while some := list(islice(rest, _TOGETHER)):
        say("\n".join(some))


def note(*lines: str) -> None:
    """What is to be known beside it, on stderr."""
    with suppress(OSError):  # there is nobody left to tell
        for line in lines:
            print(line, file=sys.stderr)


def can_ask() -> bool:
    """Whether somebody sits there who can be asked."""
    return bool(sys.stdin and sys.stdin.isatty() and sys.stderr.isatty())


def confirmed(question: str) -> bool:
    """Whether the answer is yes: what was asked could hardly be taken back."""
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().casefold() in ("y", "yes")


def print_json(body: object, **long: Iterable[str]) -> None:
    """One object on stdout; ASCII, so that nothing in it can reach the terminal as a command.

    Args:
        body: the object.
        long: further keys of it, whose values are lists too long for the memory: each item as
            JSON in ASCII.
    """
    if _is_closed():
        return
    text = json.dumps(body)
    if not long:
        _print(text)
        return
    _print(text[:-1], end="")
    try:
        for key, items in long.items():
            _print(f", {json.dumps(key)}: [", end="")
            between, rest = "", iter(items)
            while some := list(islice(rest, _TOGETHER)):
                _print(between + ", ".join(some), end="")
                between = ", "
            _print("]", end="")
        _print("}", end="")
    finally:
        _print("")  # also where the rest cannot be read: what is said of that has its own line
