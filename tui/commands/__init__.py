"""What each subcommand does: asks the engine, prints JSON or words, says how it went.

Begin with `session`. Words for people are in `tui.report`.
"""

from argparse import Namespace
from collections.abc import Callable

from engine.api import Settings
from tui.commands.machine import config, doctor, engine, verify
from tui.commands.session import copy, export, move, resume, retry, sessions, show, stop, trash
from tui.commands.sheet import check, prompt, recipes, run, template

Command = Callable[[Namespace, Settings], int]
"""A subcommand: what was asked, what holds → the exit status."""

__all__ = [
    "Command",
    "check",
    "config",
    "copy",
    "doctor",
    "engine",
    "export",
    "move",
    "prompt",
    "recipes",
    "resume",
    "retry",
    "run",
    "sessions",
    "show",
    "stop",
    "template",
    "trash",
    "verify",
]
