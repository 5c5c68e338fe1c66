"""`python -m engine.service`: run the engine process of one library."""

import argparse
import contextlib
import os
import sqlite3
import sys
from pathlib import Path

from engine.errors import PromptsheetError
from engine.library_folder import disk_fault
from engine.service.client.detach import ERROR_MARK, LOCKED_MARK
from engine.service.lock import LockedError
from engine.service.server.process import run_engine, update_library
from engine.settings import load_settings, with_devices


def main() -> int:
    """Run until asked to stop; with --ready, in the background."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--library", type=Path, required=True)
    parser.add_argument("--ready", type=int, help="descriptor to say `ready` or `error: …` on")
    parser.add_argument("--detached", default="in the foreground")
    parser.add_argument("--devices", type=lambda text: text.split(","), default=())
    parser.add_argument("--asked", action="store_true", help="someone wants it to render here")
    parser.add_argument("--no-render", action="store_true", help="only keep the library")
    parser.add_argument(
        "--only-update", action="store_true", help="bring the library up to date, and end"
    )
    options = parser.parse_args()
    if options.ready is not None:
        _leave_the_terminal()

    ready = None if options.ready is None else os.fdopen(options.ready, "w")

    def say(word: str) -> bool:
        """Tell the starter, once; False if there is none, or it was told before."""
        if ready is None or ready.closed:
            return False
        with contextlib.suppress(BrokenPipeError), ready:  # it may have lost patience, and gone
            ready.write(f"{word}\n")
        return True

    try:
        settings = with_devices(load_settings(options.library), options.devices)
        if options.only_update:
            update_library(settings.library)
            say("ready")
            return 0
        run_engine(
            settings,
            options.detached,
            on_ready=lambda: say("ready"),
            asked=options.asked,
            no_render=options.no_render,
        )
    except (PromptsheetError, OSError, sqlite3.Error) as error:
        words = disk_fault(options.library, error) or str(error)
        mark = LOCKED_MARK if isinstance(error, LockedError) else ERROR_MARK
        if not say(f"{mark}{' '.join(words.split())}"):
            print(words, file=sys.stderr)
        return 1
    return 0


def _leave_the_terminal() -> None:
    """Become nobody's child; the starter already gave us a session of our own."""
    if os.fork():
        os._exit(0)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)
    os.close(nowhere)


if __name__ == "__main__":
    sys.exit(main())
