"""The subcommand that has a shell complete what is typed: it prints the script for that."""

import os
from argparse import REMAINDER, Namespace
from collections.abc import Sequence
from functools import partial
from importlib.resources import files
from pathlib import Path

from engine.api import Library, load_settings
from tui.commands.arguments import Subcommands, words
from tui.commands.output import OK, UsageError, print_json, say
from tui.commands.parser import Parser

SHELLS = ("bash", "zsh", "fish")
_BREAKS = ":="
"""Where bash begins a new word though nobody typed a space."""


def register(subcommands: Subcommands, parser: Parser) -> None:
    """Declare it.

    Args:
        subcommands: where to.
        parser: of the whole command, all of whose subcommands are declared by now.
    """
    command = subcommands.add(
        "completion",
        partial(completion, parser=parser),
        "print what makes tab complete commands, options, sessions and labels in your shell",
        examples=(
            'eval "$(promptsheet completion bash)"    # in ~/.bashrc',
            'eval "$(promptsheet completion zsh)"     # in ~/.zshrc, after compinit',
            "promptsheet completion fish > ~/.config/fish/completions/promptsheet.fish",
        ),
        any_version=True,
    )
    command.add_argument(
        "shell", choices=SHELLS, nargs="?", help="which shell; without it, the one you have"
    )
    command.add_argument(
        "--line", type=words, help="what the bash script asks: the command line up to the cursor"
    )
    command.add_argument(
        "--words", nargs=REMAINDER, help="what the other scripts ask: its words up to the cursor"
    )


def completion(options: Namespace, library: Library, *, parser: Parser) -> int:
    """`promptsheet completion [SHELL]`."""
    shell = options.shell or Path(os.environ.get("SHELL", "")).name
    if shell not in SHELLS:
        raise UsageError(f"Say for which shell: {', '.join(SHELLS)}.")
    if options.line is not None or options.words is not None:
        say(*_answer(shell, options, library, parser))
        return OK
    script = (files("assets") / "completion" / f"promptsheet.{shell}").read_text(encoding="utf-8")
    if options.json:
        print_json({"shell": shell, "script": script})
    else:
        say(script.rstrip("\n"))
    return OK


def _answer(shell: str, options: Namespace, library: Library, parser: Parser) -> list[str]:
    """First which files can come, too; then a line each, with a tab before what it is."""
    from tui.commands.completing import what_next, words_of

    typed = options.words if options.line is None else words_of(options.line)[1:]
    last = typed[-1] if typed else ""
    found = what_next(parser, typed, lambda: _meant(typed, library))
    lines: list[str] = [found.files]
    for each in found.candidates:
        if shell != "bash":
            lines.append(f"{each.text}\t{each.about}" if each.about else each.text)
        elif each.text.startswith(last):
            # bash takes the place of what follows the last of these signs alone.
            cut = max(last.rfind(sign) for sign in _BREAKS) + 1
            lines.append(each.text[cut:])
    return lines


def _meant(typed: Sequence[str], library: Library) -> Library:
    """The library that the line names."""
    for at, word in enumerate(typed[:-1]):
        if word == "--library":
            return Library(load_settings(Path(typed[at + 1]).expanduser()))
        if word.startswith("--library="):
            return Library(load_settings(Path(word.partition("=")[2]).expanduser()))
    return library
