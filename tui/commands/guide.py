"""The subcommand that reads out a page of the guide: `promptsheet help TOPIC`."""

import io
import os
import re
import shlex
import shutil
import subprocess
import sys
from argparse import Namespace
from contextlib import suppress
from importlib.resources import files

from engine.api import Library, did_you_mean
from tui.commands.arguments import Subcommands, guide_page
from tui.commands.output import OK, UsageError, print_json, say
from tui.commands.parser import Parser

NAME = "help"
_WIDEST, _PIPE_WIDTH = 100, 80
"""Columns that are read easily, and those of a page that goes into a pipe."""
_LINK = re.compile(r"\[([^\]]+)\]\(([a-z-]+)\.md\)")
"""A page of the guide that names another one."""
_PICTURE = re.compile(r"^!\[[^\]]*\]\([^)]*\)\n", re.MULTILINE)
_LOOKS = {"markdown.code": "bold", "markdown.h2": "bold underline", "markdown.h1": "bold underline"}
"""Without colours: a terminal may be dark or light."""
_CODE = re.compile(r"`([^`]+)`")
_FENCE = "```"
_PAGER = "less -FRX"


def register(subcommands: Subcommands, parser: Parser) -> None:
    """Declare it.

    Args:
        subcommands: where to.
        parser: of the whole command; what is asked about may be one of its subcommands.
    """

    def read_out(options: Namespace, _: Library) -> int:
        return show_help(options, parser, subcommands.names)

    about = "read a page of the guide; without a topic, what there is to read"
    examples = ("promptsheet help", "promptsheet help models", "promptsheet help engine start")
    command = subcommands.add(NAME, read_out, about, examples=examples, any_version=True)
    named = "a page that `promptsheet help` lists, or a command"
    command.add_argument("topic", nargs="*", type=guide_page, help=named)


def topics() -> dict[str, str]:
    """The guide's pages: topic → title, in the order of the alphabet."""
    pages = sorted(page.name for page in (files("assets") / "guide").iterdir())
    names = [name.removesuffix(".md") for name in pages if name.endswith(".md")]
    return {name: page(name).partition("\n")[0].removeprefix("# ") for name in names}


def page(topic: str) -> str:
    """A page of the guide, in Markdown."""
    return (files("assets") / "guide" / f"{topic}.md").read_text(encoding="utf-8")


def show_help(options: Namespace, parser: Parser, commands: set[str]) -> int:
    """`promptsheet help [TOPIC]`; topics go before commands of the same name."""
    topic, there_are = "-".join(options.topic).casefold(), topics()
    if not topic:
        return _list(there_are, as_json=options.json)
    if topic not in there_are and options.topic[0] in commands:
        parser.parse_args([*options.topic, "--help"])  # which ends the process
    if topic not in there_are:
        meant = did_you_mean(topic, sorted({*there_are, *commands}))
        raise UsageError(f"There is no page “{topic}”.{meant} `promptsheet help` lists them.")
    if options.json:
        print_json({"topic": topic, "title": there_are[topic], "text": page(topic)})
        return OK
    text = page(topic)
    if topic in commands:
        text += f"\n`promptsheet {topic} --help` explains the command.\n"
    if sys.stdout is None or not sys.stdout.isatty():
        say(formatted(text, _PIPE_WIDTH).rstrip("\n"))
        return OK
    size = shutil.get_terminal_size()
    shown = formatted(text, min(size.columns, _WIDEST), styled=True)
    if shown.count("\n") < size.lines or not _paged(shown):
        say(shown.rstrip("\n"))
    return OK


def _list(there_are: dict[str, str], *, as_json: bool) -> int:
    if as_json:
        print_json({"topics": there_are})
        return OK
    wide = max(map(len, there_are)) + 2
    say("`promptsheet help TOPIC` reads one of these pages:", "")
    say(*(f"  {name:{wide}}{title}" for name, title in there_are.items()))
    say("", "`promptsheet COMMAND --help` explains a command; in the app, ? shows the keys.")
    return OK


def formatted(markdown: str, width: int, *, styled: bool = False) -> str:
    """Markdown as it is read on a terminal.

    Args:
        markdown: a page.
        width: columns it is wrapped to.
        styled: whether in bold and underlined.
    """
    from rich.console import Console
    from rich.markdown import Markdown
    from rich.theme import Theme

    linked = _LINK.sub(r"\1 (`promptsheet help \2`)", _PICTURE.sub("", markdown))
    linked = re.sub(r"^```\w+$", _FENCE, linked, flags=re.MULTILINE)
    if not styled:  # what is code cannot be told by its colour
        parts = linked.split(_FENCE)
        parts[::2] = (_CODE.sub(r"`` `\1` ``", part) for part in parts[::2])
        linked = _FENCE.join(parts)
    console = Console(
        file=io.StringIO(),
        width=width,
        force_terminal=styled,
        color_system="standard" if styled else None,
        theme=Theme(_LOOKS),
        legacy_windows=False,
    )
    with console.capture() as capture:
        console.print(Markdown(linked, code_theme="ansi_dark", hyperlinks=False))
    lines = (line.rstrip() for line in capture.get().split("\n"))
    return "\n".join(lines)


def _paged(text: str) -> bool:
    """Show it by the user's pager; whether there is one."""
    command = shlex.split(os.environ.get("PAGER", _PAGER)) or ["cat"]
    environment = {"LESS": "FRX"} | dict(os.environ)
    try:
        pager = subprocess.Popen(command, stdin=subprocess.PIPE, env=environment)
    except OSError:
        return False
    with suppress(BrokenPipeError, KeyboardInterrupt), pager.stdin:  # type: ignore[union-attr]
        pager.stdin.write(text.encode())  # type: ignore[union-attr]
    while True:
        try:
            pager.wait()
        except KeyboardInterrupt:  # the pager got it, too, and may want to stay
            continue
        return True
