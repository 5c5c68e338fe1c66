"""The subcommand that opens the app; it is also what happens without any."""

from argparse import Namespace
from pathlib import Path

from engine.api import Library
from tui.commands.arguments import Subcommands

NAME = "open"


def register(subcommands: Subcommands) -> None:
    """Declare it."""
    app = subcommands.add(
        NAME,
        open_app,
        "open the app; the same as no command at all",
        examples=("promptsheet open prompts.xlsx", "promptsheet open --library /data/images"),
    )
    app.add_argument("sheet", type=Path, nargs="?", help="a sheet to open")


def open_app(options: Namespace, library: Library) -> int:
    """`promptsheet [open] [SHEET]`."""
    from tui import opening

    return opening.open_app(options.sheet, library)
