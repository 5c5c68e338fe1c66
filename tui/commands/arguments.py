"""How subcommands are declared, and what their arguments can be."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from engine.api import Library
from tui.text import clean

Command = Callable[[argparse.Namespace, Library], int]
"""What a subcommand does: what was asked, on which library → the exit status."""

SESSION_HELP = "an id, a name, or `last`"
_ROW_DIGITS = 7


class Parser(argparse.ArgumentParser):
    """Says nothing raw: what it complains of may be a file name with escape sequences."""

    def error(self, message: str) -> NoReturn:
        """End with the usage and the complaint."""
        self.print_usage(sys.stderr)
        self.exit(2, f"{self.prog}: error: {clean(message)}\n")


class Subcommands:
    """The subcommands of a parser, as they are added."""

    def __init__(self, parser: argparse.ArgumentParser) -> None:
        """Args: parser: the whole command's, or that of a group."""
        self.names: set[str] = set()
        self._shared = Parser(add_help=False)
        self._shared.add_argument(
            "--library", type=folder, metavar="DIR", help="another library folder"
        )
        self._shared.add_argument(
            "--json", action="store_true", help="print one JSON object instead of words"
        )
        self._parsers = parser.add_subparsers(
            dest="command", metavar="COMMAND", required=True, prog=parser.prog
        )

    def group(self, name: str, about: str) -> "Subcommands":
        """Add a group of subcommands under one word, `promptsheet NAME …`; empty so far.

        Args:
            name: what is typed.
            about: what they are for, in words.
        """
        self.names.add(name)
        return Subcommands(self._parsers.add_parser(name, help=about, description=about))

    def add(
        self,
        name: str,
        command: Command,
        about: str,
        *,
        any_version: bool = False,
    ) -> argparse.ArgumentParser:
        """Add one; its parser, for its arguments.

        Args:
            name: what is typed.
            command: what it does.
            about: what it does, in words.
            any_version: whether the library may be of an older version, and stay so.
        """
        self.names.add(name)
        parser: argparse.ArgumentParser = self._parsers.add_parser(
            name, help=about, description=about, parents=[self._shared]
        )
        parser.set_defaults(carry_out=command, any_version=any_version)
        return parser


def folder(text: str) -> Path:
    """A folder, which need not be there."""
    if not text:
        raise argparse.ArgumentTypeError("an empty name is no folder")
    return Path(text)


def numbers(text: str) -> list[int]:
    """Row numbers: `4,7-9` is 4, 7, 8 and 9."""
    found: list[int] = []
    for part in text.split(","):
        first, to, last = part.partition("-")
        if not (first.isdecimal() and (last.isdecimal() or not to)):
            raise argparse.ArgumentTypeError(f"{part!r} is no row number; write 4 or 7-9")
        if max(len(first), len(last)) > _ROW_DIGITS:
            raise argparse.ArgumentTypeError(f"no sheet has a row {part!r}")
        if to and int(last) < int(first):
            raise argparse.ArgumentTypeError(f"{part!r} runs backwards; write {last}-{first}")
        found += range(int(first), int(last or first) + 1)
    return found


def minutes(text: str) -> float:
    """As the setting `engine.wait_minutes`."""
    from engine.api import SettingsError, understood

    try:
        return float(understood("engine.wait_minutes", text))
    except SettingsError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def devices(text: str) -> list[str]:
    """Devices with commas between them."""
    found = [part.strip() for part in text.split(",")]
    if not all(found):
        raise argparse.ArgumentTypeError("a device is missing; write cuda:0,cuda:1 or cpu,cpu")
    return found


def words(text: str) -> str:
    """An argument that is text, not a file name: bytes that are no UTF-8 become �."""
    return text.encode("utf-8", "replace").decode()
