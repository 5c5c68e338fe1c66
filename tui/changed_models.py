"""What is asked before a session goes on whose models' files have changed."""

from collections.abc import Callable
from typing import Any

from textual.app import App

from engine.api import SessionInfo
from tui.screens.ask import Ask
from tui.text import clean

_NEW = "yes, go on with the files that are there now"
_OLD = "the old files are back: go on as planned"
_NO = "no, leave it stopped"


def changed_words(info: SessionInfo) -> str:
    """What happened to its models; empty if nothing did."""
    if not info.changed_models:
        return ""
    labels = clean(", ".join(info.changed_models))
    return f"The files of {labels} have changed since this session was planned"


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

    note = "its other images are by the old files; each image says which it is by"
    question = f"{changed_words(info)}. Go on with those that are there now?"
    app.push_screen(Ask(question, choices=(_NO, _NEW, _OLD), note=note), answered)
