"""A session's results as a ZIP: where it goes, and how it gets there."""

import argparse
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from engine.api import Library, written_beside
from tui.commands.output import UsageError, note
from tui.text import count_text

if TYPE_CHECKING:
    from engine.api import Exported, SessionInfo


def add_output(command: argparse.ArgumentParser) -> None:
    """Declare `-o`, for a subcommand that waits until a session is done."""
    command.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="FILE",
        help="write the results as a ZIP when all is done; - streams it to stdout",
    )


def is_stdout(output: Path | None) -> bool:
    """Whether a ZIP goes to stdout, on which nothing else may be then."""
    return str(output) == "-"


def refuse_terminal(output: Path | None) -> None:
    """Refuse to write a ZIP to a terminal.

    Raises:
        UsageError: it would.
    """
    if is_stdout(output) and sys.stdout.isatty():
        raise UsageError("A ZIP would litter the terminal: give -o FILE, or pipe it somewhere.")


def write_zip(
    library: Library, info: "SessionInfo", output: Path | None, **wish: Any
) -> tuple["Exported", Path | None]:
    """Write a session's results, and say on stderr what is not among them.

    Args:
        library: whose session.
        info: the session.
        output: where to; a folder: into it. None: the current folder.
        wish: as for `Sessions.export`.

    Returns:
        What was written, and where; None: to stdout.

    Raises:
        OSError: it cannot be written.
    """
    from tui.progress import exporting

    target = None
    if not is_stdout(output):
        target = output or Path(f"{info.folder.name}.zip")
        if not target.name or target.is_dir():
            target = target / f"{info.folder.name}.zip"
    # Written beside its place first: an interrupted export leaves no half ZIP under that name.
    place = written_beside(target) if target else nullcontext((None, sys.stdout.buffer))
    with place as (_, file), exporting() as progress:
        out: IO[bytes] = file
        done = library.sessions.export(info.session, out, progress=progress, **wish)
    if done.failed:
        failed = count_text(len(done.failed), "image")
        note(f"{failed} not in it (failed, missing or damaged): the results sheet says why.")
    if done.lost_sources:
        lost = count_text(len(done.lost_sources), "picture")
        note(f"{lost} that images are drawn on not in it: missing or damaged in the library.")
    return done, target
