"""How subcommands answer: words, JSON, and the exit status."""

import json
import sys

OK, SOME, UNUSABLE = 0, 1, 2
"""Exit statuses: all well; some of it not; nothing could be done."""


def say(*lines: str) -> None:
    """What was asked for, on stdout."""
    for line in lines:
        print(line)


def note(*lines: str) -> None:
    """What is to be known beside it, on stderr."""
    for line in lines:
        print(line, file=sys.stderr)


def print_json(body: object) -> None:
    """One object on stdout; ASCII, so that nothing in it can reach the terminal as a command."""
    print(json.dumps(body))
