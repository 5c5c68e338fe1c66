"""What is asked before a session goes on whose models' files have changed."""

from collections.abc import Callable
from typing import Any

from textual.app import App

from engine.api import SessionInfo
from tui.screens.ask import Ask
from tui.text import clean

_NEW = "yes, continue with the new files"
_OLD = "the old files are back: continue as planned"
_NO = "no, keep it stopped"


def changed_words(info: SessionInfo) -> str:
    """What happened to its models; empty if nothing did."""
    if not info.changed_models:
        return ""
    labels = clean(", ".join(info.changed_models))
    return f"The files of {labels} have changed since this session started"


def resume_asking(app: App[Any], info: SessionInfo, resume: Callable[[bool], object]) -> None:
    """Resume a session; where its models' files have changed, ask how.

    Args:
        app: asks.
        info: the session.
        resume: does it; told whether to accept the new files.
    """
    if not info.changed_models:
        resume(False)
        return

    def answered(answer: str | None) -> None:
        if answer in (_NEW, _OLD):
            resume(answer == _NEW)

    note = "The finished images used the old files; each image records which files made it"
    question = f"{changed_words(info)}. Continue with the new files?"
    app.push_screen(Ask(question, choices=(_NO, _NEW, _OLD), note=note), answered)
