"""How subcommands are declared, and what their arguments can be."""

import argparse
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from engine.api import Library
from tui.commands.parser import Parser

if TYPE_CHECKING:
    from engine.api import Under

RunCommand = Callable[[argparse.Namespace, Library], int]
"""What a subcommand does: what was asked, on which library → the exit status."""

SESSION_HELP = "a session's id or name, or `last`"
_ROW_DIGITS = 7


class Subcommands:
    """The subcommands of a parser, as they are added."""

    def __init__(self, parser: Parser) -> None:
        """Args: parser: the whole command's, or that of a group."""
        self.names: set[str] = set()
        self._known = parser.inner
        self._parsers = parser.add_subparsers(
            dest="command", metavar="COMMAND", required=True, prog=parser.prog
        )

    def group(self, name: str, about: str, examples: Sequence[str]) -> "Subcommands":
        """Add a group of subcommands under one word, `promptsheet NAME …`; empty so far.

        Args:
            name: what is typed.
            about: what they are for, in words.
            examples: command lines that its help shows.
        """
        self.names.add(name)
        parser: Parser = self._parsers.add_parser(name, help=about, description=about)
        self._known[name] = parser
        parser.show_examples(examples)
        return Subcommands(parser)

    def add(
        self,
        name: str,
        command: RunCommand,
        about: str,
        *,
        examples: Sequence[str],
        any_version: bool = False,
    ) -> Parser:
        """Add one; its parser, for its arguments.

        Args:
            name: what is typed.
            command: what it does.
            about: what it does, in words.
            examples: command lines that its help shows, the first one for whoever mistypes it.
            any_version: whether the library may be of an older version, and stay so.
        """
        self.names.add(name)
        parser: Parser = self._parsers.add_parser(name, help=about, description=about)
        self._known[name] = parser
        parser.add_argument("--library", type=folder, metavar="DIR", help="use this library folder")
        parser.add_argument(
            "--json", action="store_true", help="print one JSON object instead of text"
        )
        parser.show_examples(examples)
        parser.set_defaults(carry_out=command, any_version=any_version)
        return parser


# ------------------------------------------------- what an argument can be; completion asks by it


def folder(text: str) -> Path:
    """A folder, which need not be there."""
    if not text:
        raise argparse.ArgumentTypeError("the folder name is empty")
    return Path(text)


def file_name(text: str) -> str:
    """The name of a file, as text."""
    return text


def output_file(text: str) -> Path:
    """A file to write, or a folder that is there; a name that ends with / is no file's."""
    path = Path(text)
    if text.endswith(("/", os.sep)) and not path.is_dir():
        raise argparse.ArgumentTypeError(f"there is no folder {words(text)}: make it first")
    return path


def session_name(text: str) -> str:
    """What says which session: an id, a name, or `last`."""
    return words(text)


def session_or_all(text: str) -> str:
    """The same, or `all`."""
    return words(text)


def trashed_session(text: str) -> str:
    """The same, of those with something in the trash."""
    return words(text)


def model_label(text: str) -> str:
    """The label of a model in the model list."""
    return words(text)


def hub_model(text: str) -> str:
    """A model of the Hub: its short name, or OWNER/NAME@REVISION."""
    return words(text)


def lora_weights(text: str) -> str:
    """LoRAs, each with its weight: `ink:0.8,fog:0.5`."""
    return words(text)


def guide_page(text: str) -> str:
    """A page of the guide, by its name."""
    return words(text)


def whole_number(text: str) -> int:
    """A number without a point."""
    try:
        return int(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"“{text}” is not a whole number") from error


def numbers(text: str) -> list[int]:
    """Row numbers: `4,7-9` is 4, 7, 8 and 9."""
    found: list[int] = []
    for part in text.split(","):
        first, to, last = part.partition("-")
        if not (first.isdecimal() and (last.isdecimal() or not to)):
            raise argparse.ArgumentTypeError(f"{part!r} is not a row number; write 4 or 7-9")
        if max(len(first), len(last)) > _ROW_DIGITS:
            raise argparse.ArgumentTypeError(f"row {part!r} is beyond any sheet")
        if to and int(last) < int(first):
            raise argparse.ArgumentTypeError(f"{part!r} runs backwards; write {last}-{first}")
        found += range(int(first), int(last or first) + 1)
    return found


def image_numbers(text: str) -> list[tuple[int, int]]:
    """Single images by row and variation: `4:2,7:1` is the second of row 4 and the first of row 7.

    Those of one row can be joined: `4:1-3`.
    """
    found: list[tuple[int, int]] = []
    for part in text.split(","):
        row, _, variations = part.partition(":")
        if not (row.isdecimal() and len(row) <= _ROW_DIGITS and variations):
            raise argparse.ArgumentTypeError(
                f"{part!r} is not an image; write ROW:VARIATION, such as 4:2 or 4:1-3"
            )
        found += [(int(row), variation) for variation in numbers(variations)]
    return found


def paper(text: str) -> str:
    """The name of a contact sheet's paper."""
    from engine.api import PAPERS

    name = text.lower()
    if name not in PAPERS:
        raise argparse.ArgumentTypeError(
            f"there is no paper {words(text)}; it is one of {', '.join(PAPERS)}"
        )
    return name


def under_image(text: str) -> tuple["Under", ...]:
    """What stands under a thumbnail: `row,variation,seed,prompt`, or some of them."""
    from engine.api import UNDER

    asked = {part.strip() for part in text.lower().split(",")}
    if unknown := sorted(asked.difference(UNDER)):
        raise argparse.ArgumentTypeError(
            f"“{words(unknown[0])}” is none of {', '.join(UNDER)}; write some of them, with commas"
        )
    return tuple(each for each in UNDER if each in asked)


def minutes(text: str) -> float:
    """As the setting `engine.wait_minutes`."""
    from engine.api import Library, SettingsError

    try:
        return float(Library.setting_of("engine.wait_minutes", text))
    except SettingsError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def devices(text: str) -> list[str]:
    """Devices with commas between them."""
    found = [part.strip() for part in text.split(",")]
    if not all(found):
        raise argparse.ArgumentTypeError("name a device, such as cuda:0,cuda:1 or cpu,cpu")
    return found


def words(text: str) -> str:
    """An argument that is text, not a file name: bytes that are no UTF-8 become �."""
    return text.encode("utf-8", "replace").decode()
