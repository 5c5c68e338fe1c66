"""The `promptsheet` command: its subcommands, and how errors end."""

import argparse
import io
import json
import os
import sys
from pathlib import Path
from typing import NoReturn

from engine import __version__
from tui.text import clean

_SESSION_HELP = "an id, a name, or `last`"


class _Parser(argparse.ArgumentParser):
    """Says nothing raw: what it complains of may be a file name with escape sequences."""

    def error(self, message: str) -> NoReturn:
        """End with the usage and the complaint."""
        self.print_usage(sys.stderr)
        self.exit(2, f"{self.prog}: error: {clean(message)}\n")


def _folder(text: str) -> Path:
    if not text:
        raise argparse.ArgumentTypeError("an empty name is no folder")
    return Path(text)


_ROW_DIGITS = 7


def _numbers(text: str) -> list[int]:
    """Row numbers: `4,7-9` is 4, 7, 8 and 9."""
    numbers: list[int] = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        if not (first.isdecimal() and (last.isdecimal() or not last)):
            raise argparse.ArgumentTypeError(f"{part!r} is no row number; write 4 or 7-9")
        if max(len(first), len(last)) > _ROW_DIGITS:
            raise argparse.ArgumentTypeError(f"no sheet has a row {part!r}")
        numbers += range(int(first), int(last or first) + 1)
    return numbers


def _minutes(text: str) -> float:
    """As the setting `engine.wait_minutes`."""
    from engine.settings import SettingsError
    from engine.settings_file import understood

    try:
        return float(understood("engine.wait_minutes", text))
    except SettingsError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _devices(text: str) -> list[str]:
    """Devices with commas between them."""
    devices = [part.strip() for part in text.split(",")]
    if not all(devices):
        raise argparse.ArgumentTypeError("a device is missing; write cuda:0,cuda:1 or cpu,cpu")
    return devices


def _words(text: str) -> str:
    """An argument that is text, not a file name: bytes that are no UTF-8 become �."""
    return text.encode("utf-8", "replace").decode()


def _parser() -> argparse.ArgumentParser:
    shared = _Parser(add_help=False)
    shared.add_argument("--library", type=_folder, metavar="DIR", help="another library folder")
    shared.add_argument(
        "--json", action="store_true", help="print one JSON object instead of words"
    )

    parser = _Parser(
        prog="promptsheet",
        usage="promptsheet [SHEET] | promptsheet COMMAND …",
        description="A spreadsheet of prompts in, a folder of images out, on your own GPU."
        " Without a command it opens the app.",
        epilog="`promptsheet COMMAND --help` explains a command.",
    )
    parser.add_argument("--version", action="version", version=f"promptsheet {__version__}")
    commands = parser.add_subparsers(
        dest="command", metavar="COMMAND", required=True, prog="promptsheet"
    )

    def add(name: str, help: str) -> argparse.ArgumentParser:  # noqa: A002
        return commands.add_parser(name, help=help, description=help, parents=[shared])

    app = add("open", "open the app; the same as no command at all")
    app.add_argument("sheet", type=Path, nargs="?", help="a sheet to open")
    check = add("check", "list a sheet's problems, its totals and an estimate; start nothing")
    run = add("run", "render a sheet and follow it; Ctrl-C leaves it running")
    for command in (check, run):
        command.add_argument(
            "sheet", type=Path, help="csv, tsv, xls, xlsx, ods, or one prompt a line"
        )
        command.add_argument("--worksheet", metavar="NAME", help="which sheet of a workbook")
    run.add_argument("--skip-bad-rows", action="store_true", help="leave rows with errors out")
    run.add_argument(
        "--only-changed",
        action="store_true",
        help="only rows that are new or changed since the sheet's last session",
    )
    run.add_argument(
        "--since", type=_words, metavar="SESSION", help="as --only-changed, since this session"
    )

    template = add("template", "write a sheet to fill in: csv, xlsx or ods")
    template.add_argument("file", type=Path, nargs="?", help="its name; the ending says what kind")
    template.add_argument("--full", action="store_true", help="with all columns")
    template.add_argument("--force", action="store_true", help="replace a file that is there")
    template.add_argument(
        "--explain", action="store_true", help="print the columns' rules, for a chat assistant, say"
    )

    prompt = add("prompt", "render typed prompts")
    prompt.add_argument(
        "text", type=_words, nargs="+", help="a prompt; - reads one a line from stdin"
    )
    prompt.add_argument("-n", "--num-images", type=int, default=1, help="images of each prompt")
    prompt.add_argument("--aspect-ratio", metavar="W:H")
    prompt.add_argument("--model", metavar="LABEL")
    prompt.add_argument("--seed-number", metavar="N")
    prompt.add_argument("--rendering", metavar="WORD", help="turbo, default or quality")
    prompt.add_argument("--negative-prompt", metavar="TEXT")
    for command in (run, prompt):
        command.add_argument("--name", type=_words, help="what to call the session")
        command.add_argument("--detach", action="store_true", help="start it and return at once")
        command.add_argument(
            "--wait",
            type=_minutes,
            metavar="MINUTES",
            help="while nothing can be rendered (no GPU, a full disk, a pause) wait this long, then"
            " end with status 1; the images stay waiting (default: engine.wait_minutes of the"
            " settings, 10)",
        )

    add("sessions", "list sessions, newest first")
    show = add("show", "one session with its rows and images")
    show.add_argument("session", type=_words, help=_SESSION_HELP)
    show.add_argument(
        "--follow", action="store_true", help="first wait for its end, with a progress bar"
    )
    for name, help_text in (
        ("stop", "stop after the current step; what is finished is kept"),
        ("resume", "let what was stopped go on"),
        ("retry", "try failed images again"),
    ):
        command = add(name, help_text)
        command.add_argument("session", type=_words, help=f"{_SESSION_HELP}; or `all`")
        command.add_argument(
            "--rows", type=_numbers, metavar="4,7-9", help="only these rows of the session"
        )
        if name != "stop":
            command.add_argument(
                "--accept-changed-model",
                action="store_true",
                help="go on with the files its models have now, though it was planned with others;"
                " each image says so",
            )
    move = add("move", "render a session sooner or later than others")
    move.add_argument("session", type=_words, help=_SESSION_HELP)
    move.add_argument("to", choices=("first", "up", "down", "last"))
    export = add("export", "a session's images and their table as a ZIP")
    export.add_argument("session", type=_words, help=_SESSION_HELP)
    export.add_argument("-o", "--output", type=Path, metavar="FILE", help="- streams to stdout")
    export.add_argument("--strip-metadata", action="store_true", help="leave recipes out")
    export.add_argument("--favourites", action="store_true", help="only favourites")
    export.add_argument(
        "--table", choices=("csv", "xlsx", "ods"), default="csv", help="the results sheet's format"
    )
    copy = add("copy", "a session's images as single files in a folder; nothing there is replaced")
    copy.add_argument("session", type=_words, help=_SESSION_HELP)
    copy.add_argument("folder", type=_folder, help="made if need be")
    copy.add_argument("--favourites", action="store_true", help="only favourites")
    copy.add_argument("--rows", type=_numbers, metavar="4,7-9", help="only images of these rows")

    engine = add("engine", "the engine process, which renders and keeps the library")
    engine.add_argument(
        "action",
        choices=("start", "stop", "pause", "resume", "status", "run"),
        help="pause renders nothing and frees the devices until resume",
    )
    engine.add_argument(
        "--devices",
        type=_devices,
        default=(),
        metavar="cuda:0,cuda:1",
        help="with start and run: what to render on, instead of what the settings say",
    )
    engine.add_argument(
        "--no-render",
        action="store_true",
        help="with start and run: only keep the library; nothing is rendered until `engine start`",
    )
    recipes = add(
        "recipes", "a sheet from pictures of A1111, InvokeAI, ComfyUI or Promptsheet, a row each"
    )
    recipes.add_argument("pictures", type=Path, nargs="+", help="files, or folders of them")
    recipes.add_argument(
        "-o", "--output", type=Path, required=True, metavar="SHEET", help="a new csv, xlsx or ods"
    )
    trash = add("trash", "put sessions or images in the trash, bring them back, or empty it")
    trash.add_argument(
        "action",
        choices=("list", "add", "restore", "empty"),
        nargs="?",
        default="list",
        help="list what is in it; add a session, or images of its rows; restore them; empty it for"
        " good (on a terminal it asks first)",
    )
    trash.add_argument("session", type=_words, nargs="?", help=f"{_SESSION_HELP}; add and restore")
    trash.add_argument(
        "--rows",
        type=_numbers,
        metavar="4,7-9",
        help="only images of these rows; favourites are left where they are",
    )
    trash.add_argument(
        "--yes",
        action="store_true",
        help="empty without asking; add a session although it has favourites",
    )
    verify = add("verify", "hold database and files against each other")
    verify.add_argument(
        "--repair", action="store_true", help="put right what does not agree; nothing is deleted"
    )
    add("doctor", "this machine: devices, terminal, library, versions")
    add("config", "where the settings are, and what holds")
    return parser


def _names(parser: argparse.ArgumentParser) -> set[str]:
    """The names of all subcommands."""
    return {
        name
        for action in parser._actions
        if isinstance(action, argparse._SubParsersAction)
        for name in action.choices
    }


def main() -> int:
    """Entry point; the exit status."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # else it was closed
            stream.reconfigure(errors="replace")
    arguments = sys.argv[1:]
    parser = _parser()
    if not arguments or arguments[0] not in {"-h", "--help", "--version", *_names(parser)}:
        arguments = ["open", *arguments]  # `promptsheet` and `promptsheet SHEET` open the app
    options = parser.parse_args(arguments)
    try:
        return _flushed(_carry_out(options))
    except BrokenPipeError:
        # `promptsheet sessions | head`: the reader has what it wanted.
        _drop_output()
        return 0
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        try:
            return _flushed(_complain(error, as_json=options.json))
        except OSError:
            _drop_output()
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


def _drop_output() -> None:
    """Let nothing of what could not be written be tried again at the end of the process."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _carry_out(options: argparse.Namespace) -> int:
    """Load what the command needs and no more, so that the app's first paint is quick."""
    from engine.schema import is_older
    from engine.settings import load_settings
    from engine.unfinished_files import sweep

    sweep()
    settings = load_settings(options.library)
    if options.command != "engine" and is_older(settings.library):
        from engine.api import bring_up_to_date

        bring_up_to_date(settings)
    if options.command == "open":
        from tui.opening import open_app

        return open_app(options.sheet, settings)
    from tui import commands

    command: commands.Command = getattr(commands, options.command)
    return command(options, settings)


def _complain(error: Exception, *, as_json: bool) -> int:
    """Say what the user can mend; anything else is a fault of ours and keeps its traceback."""
    from engine import api
    from tui.commands.output import UsageError

    expected = (
        UsageError,
        api.SheetError,
        api.SettingsError,
        api.LibraryError,
        api.LockedError,
        api.EngineError,
        OSError,
    )
    if not isinstance(error, expected):
        raise error
    print(f"promptsheet: {clean(_reason(error))}", file=sys.stderr)
    if as_json:
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
