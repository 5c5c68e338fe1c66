"""The `promptsheet` command: which subcommand is meant, and how errors end."""

import argparse
import io
import json
import sys

from engine import __version__
from engine.api import Library, PromptsheetError, load_settings, sweep
from tui.commands import app, guide, loras, machine, models, pictures, session, sheet, upscaling
from tui.commands.arguments import Command, Parser, Subcommands
from tui.commands.output import drop_output
from tui.text import clean


def _parsers() -> tuple[Parser, Subcommands]:
    parser = Parser(
        prog="promptsheet",
        usage="promptsheet [SHEET] | promptsheet COMMAND …",
        description="A spreadsheet of prompts in, a folder of images out, on your own GPU."
        " Without a command it opens the app.",
        epilog="`promptsheet COMMAND --help` explains a command.",
    )
    parser.add_argument("--version", action="version", version=f"promptsheet {__version__}")
    subcommands = Subcommands(parser)
    for module in (app, sheet, pictures, session, upscaling, loras, models, machine):
        module.register(subcommands)
    guide.register(subcommands, parser)
    return parser, subcommands


def main() -> int:
    """Entry point; the exit status."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # else it was closed
            stream.reconfigure(errors="replace")
    arguments = sys.argv[1:]
    parser, subcommands = _parsers()
    if not arguments or arguments[0] not in {"-h", "--help", "--version", *subcommands.names}:
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
        except OSError:
            drop_output()
            return 2


def _flushed(status: int) -> int:
    """The same status, once everything is written.

    Raises:
        OSError: where stdout leads, the disk is full, say.
    """
    if sys.stdout is not None:  # it may have been closed
        try:
            sys.stdout.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            reason = f"What was to be printed cannot be written: {error.strerror}"
            raise OSError(error.errno, reason) from error
    return status


def _carry_out(options: argparse.Namespace) -> int:
    sweep()
    library = Library(load_settings(options.library))
    if not options.any_version:
        library.bring_up_to_date()
    command: Command = options.carry_out
    return command(options, library)


def _complain(error: Exception, *, as_json: bool) -> int:
    print(f"promptsheet: {clean(_reason(error))}", file=sys.stderr)
    if as_json and sys.stdout is not None:
        print(json.dumps({"session": None, "error": _reason(error)}))
    return 2


def _reason(error: Exception) -> str:
    """Of the system's errors: which file, and what is the matter, without its number."""
    if not isinstance(error, OSError) or not error.strerror:
        return str(error)
    about = f"{error.filename}: " if error.filename else ""
    return f"{about}{error.strerror}."


if __name__ == "__main__":
    sys.exit(main())
