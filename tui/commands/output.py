"""How subcommands answer: words, JSON, and the exit status."""

import json
import sys
from contextlib import suppress

OK, SOME = 0, 1
"""Exit statuses: all well; some of it not. That nothing could be done (2) is an error's."""


class UsageError(Exception):
    """What was asked for does not go together."""


def say(*lines: str) -> None:
    """What was asked for, on stdout."""
    for line in lines:
        print(line)


def note(*lines: str) -> None:
    """What is to be known beside it, on stderr."""
    with suppress(OSError):  # there is nobody left to tell
        for line in lines:
            print(line, file=sys.stderr)


def print_json(body: object) -> None:
    """One object on stdout; ASCII, so that nothing in it can reach the terminal as a command."""
    print(json.dumps(body))
