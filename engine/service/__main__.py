"""`python -m engine.service`: run the engine process of one library."""

import argparse
import contextlib
import os
import sys
from pathlib import Path

from engine.library.database import LibraryError
from engine.service.client.detach import ERROR_MARK
from engine.service.lock import LockedError
from engine.service.server.process import run_engine
from engine.settings import SettingsError, load_settings, with_devices


def main() -> int:
    """Run until asked to stop; with --ready, in the background."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--library", type=Path, required=True)
    parser.add_argument("--ready", type=int, help="descriptor to say `ready` or `error: …` on")
    parser.add_argument("--detached", default="in the foreground")
    parser.add_argument("--devices", type=lambda text: text.split(","), default=())
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
        run_engine(settings, options.detached, on_ready=lambda: say("ready"))
    except (LibraryError, LockedError, SettingsError, OSError) as error:
        if not say(f"{ERROR_MARK}{error}"):
            print(error, file=sys.stderr)
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
