"""A session's results as a ZIP: where it goes, and how it gets there."""

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from engine.api import Library, written_beside
from tui.commands.arguments import output_file
from tui.commands.output import UsageError, drop_output, note
from tui.commands.replacing import is_written_into, may_replace
from tui.text import count_text

if TYPE_CHECKING:
    from engine.api import Exported, SessionInfo


def add_output(command: argparse.ArgumentParser) -> None:
    """Declare `-o`, for a subcommand that waits until a session is done."""
    command.add_argument(
        "-o",
        "--output",
        type=output_file,
        metavar="FILE",
        help="save the results as a ZIP when all is done; - writes it to stdout",
    )
    command.add_argument("--force", action="store_true", help="with -o: replace an existing file")


def is_stdout(output: Path | None) -> bool:
    """Whether a ZIP goes to stdout, on which nothing else may be then."""
    return str(output) == "-"


def refuse_terminal(output: Path | None) -> None:
    """Refuse to write a ZIP to a terminal, or to a stdout that is closed.

    Raises:
        UsageError: it would.
    """
    if is_stdout(output) and sys.stdout is None:
        raise UsageError("stdout is closed: use -o FILE, or pipe the output.")
    if is_stdout(output) and sys.stdout.isatty():
        raise UsageError("A ZIP cannot be shown in a terminal: use -o FILE, or pipe the output.")


def zip_place(info_name: str | None, output: Path | None, *, force: bool) -> "ZipPlace":
    """Where a ZIP goes; asks before it replaces a file.

    Args:
        info_name: what it is called where only a folder is known; None: not known yet.
        output: as it was asked for.
        force: whether a file is replaced without a question.

    Raises:
        UsageError: something is there that is not to be replaced, or that no ZIP can go into.
    """
    if is_stdout(output):
        return ZipPlace(None)
    target = output
    if target is None or not target.name or target.is_dir():
        if info_name is None:
            return ZipPlace(target)
        target = (target or Path()) / f"{info_name}.zip"
    if is_written_into(target):
        return ZipPlace(target, is_stream=True)
    return ZipPlace(target, replace=may_replace(target, force=force))


@dataclass(frozen=True, slots=True)
class ZipPlace:
    """Where a ZIP goes."""

    path: Path | None
    """None: to stdout."""
    is_stream: bool = False
    """Whether it is written into what is there: a pipe, a device."""
    replace: bool = False
    """Whether a file that is there is replaced."""


def write_zip(
    library: Library, info: "SessionInfo", place: ZipPlace, **wish: Any
) -> tuple["Exported", Path | None]:
    """Write a session's results, and say on stderr what is not among them.

    Args:
        library: whose session.
        info: the session.
        place: where to.
        wish: as for `Sessions.export`.

    Returns:
        What was written, and where; None: to stdout.

    Raises:
        OSError: it cannot be written.
        UsageError: who read it stopped before its end.
    """
    from tui.progress import exporting

    target = place.path
    try:
        with _opened(place) as file, exporting() as progress:
            done = library.sessions.export(info.session, file, progress=progress, **wish)
            file.flush()
    except BrokenPipeError as error:
        drop_output()
        raise UsageError(
            "The program reading the ZIP stopped early, so it is incomplete."
        ) from error
    if done.failed:
        failed = count_text(len(done.failed), "image")
        note(f"{failed} left out (failed, missing or damaged): the results sheet says why.")
    if done.lost_sources:
        lost = count_text(len(done.lost_sources), "source picture")
        note(f"{lost} left out: missing or damaged in the library.")
    return done, target


@contextmanager
def _opened(place: ZipPlace) -> Iterator[IO[bytes]]:
    if place.path is None:
        yield sys.stdout.buffer
    elif place.is_stream:
        with place.path.open("wb") as file:
            yield file
    else:
        # Written beside its place first: an interrupted export leaves no half ZIP under that name.
        with written_beside(place.path, replace=place.replace) as (_, file):
            yield file
