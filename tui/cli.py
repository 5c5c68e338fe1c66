"""The `promptsheet` command: which subcommand is meant, and how errors end."""

import argparse
import io
import json
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from engine import __version__
from engine.api import Library, PromptsheetError, did_you_mean, fault_of, load_settings, sweep
from tui.commands import (
    app,
    completion,
    curation,
    guide,
    loras,
    machine,
    models,
    pictures,
    session,
    sheet,
    upscaling,
)
from tui.commands.arguments import RunCommand, Subcommands
from tui.commands.output import drop_output, to_stdout
from tui.commands.parser import Parser
from tui.text import clean

_EVERYWHERE = ("--library", "--json")
"""Options that every command has, and that may stand before it."""


def _parsers() -> tuple[Parser, Subcommands]:
    parser = Parser(
        prog="promptsheet",
        usage="promptsheet [SHEET] | promptsheet COMMAND …",
        description="A spreadsheet of prompts in, a folder of images out, on your own GPU."
        " Without a command, the app opens.",
    )
    parser.show_examples(
        (
            "promptsheet prompts.xlsx",
            "promptsheet run prompts.xlsx",
            "promptsheet prompt a red boat -n 4",
            "promptsheet run --help",
        )
    )
    parser.add_argument("--version", action="version", version=f"promptsheet {__version__}")
    subcommands = Subcommands(parser)
    for module in (app, sheet, pictures, session, curation, upscaling, loras, models, machine):
        module.register(subcommands)
    guide.register(subcommands, parser)
    completion.register(subcommands, parser)
    return parser, subcommands


def main() -> int:
    """Entry point; the exit status."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # else it was closed
            stream.reconfigure(errors="replace")
    parser, subcommands = _parsers()
    arguments = _command_first(sys.argv[1:], subcommands.names)
    if not arguments or arguments[0] not in {"-h", "--help", "--version", *subcommands.names}:
        if arguments and _is_nothing(arguments[0]):
            parser.error(_neither_words(arguments[0], subcommands.names))
        arguments = [app.NAME, *arguments]  # `promptsheet` and `promptsheet SHEET` open the app
    options = parser.parse_args(arguments)
    try:
        return _flushed(_carry_out(options))
    except BrokenPipeError:
        # `promptsheet sessions | head`: the reader has what it wanted.
        drop_output()
        return 0
    except KeyboardInterrupt:
        return 130
    except (PromptsheetError, OSError) as error:  # the user can mend it
        try:
            return _flushed(_complain(error, as_json=options.json))
        except (OSError, PromptsheetError):
            drop_output()
            return 2


def _command_first(arguments: list[str], commands: Iterable[str]) -> list[str]:
    """`--library DIR engine stop` as `engine stop --library DIR`, which is the same."""
    at = 0
    while at < len(arguments) and arguments[at].partition("=")[0] in _EVERYWHERE:
        at += 2 if arguments[at] == "--library" else 1
    if at >= len(arguments) or arguments[at] not in set(commands):
        return arguments
    before, rest = arguments[:at], arguments[at:]
    end = rest.index("--") if "--" in rest else len(rest)
    return [*rest[:end], *before, *rest[end:]]


def _is_nothing(word: str) -> bool:
    """Whether the first word, which is no command, is no option and no file either."""
    try:
        return not word.startswith("-") and not Path(word).exists()
    except (OSError, ValueError):  # it is longer than a name can be, say
        return True


def _neither_words(word: str, commands: Iterable[str]) -> str:
    place, files = Path(word), list[str]()
    with suppress(OSError):
        files = [str(place.parent / each.name) for each in place.parent.iterdir()]
    near = did_you_mean(word, [*sorted(commands), *files])
    return f"File not found: {word}. There is no command of that name either.{near}"


def _flushed(status: int) -> int:
    """The same status, once everything is written.

    Raises:
        PromptsheetError: where stdout leads, the disk is full, say.
    """
    if sys.stdout is not None:  # it may have been closed
        with to_stdout():
            sys.stdout.flush()
    return status


def _carry_out(options: argparse.Namespace) -> int:
    sweep()
    library = Library(load_settings(options.library))
    if not options.any_version:
        library.bring_up_to_date()
    command: RunCommand = options.carry_out
    return command(options, library)


def _complain(error: Exception, *, as_json: bool) -> int:
    print(f"promptsheet: {clean(fault_of(error))}", file=sys.stderr)
    if as_json and sys.stdout is not None:
        blame = getattr(error, "blame", None)  # of what the engine process refused
        whose = {"blame": blame} if blame else {}
        print(json.dumps({"session": None, "error": fault_of(error)} | whose))
    return 2


if __name__ == "__main__":
    sys.exit(main())
