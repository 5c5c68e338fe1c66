"""Leaving with the terminal: not every one that goes away sends a signal."""

import os
import select
import sys
import threading


def leave_with_the_terminal() -> None:
    """From now on, end this process at once when its terminal is gone.

    Otherwise, where SIGHUP is ignored or never sent, textual would read from nothing as fast as it
    can, for ever. There is nothing to save: what the app remembers is written when it changes.
    """
    threading.Thread(target=_wait, args=(sys.__stdin__.fileno(),), daemon=True).start()  # type: ignore[union-attr]


def _wait(terminal: int) -> None:
    hangup = select.poll()
    hangup.register(terminal, 0)  # asks for nothing, and is told of a hang-up all the same
    hangup.poll()
    os._exit(129)  # as a shell says of SIGHUP
