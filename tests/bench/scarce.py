"""Memory that does not hold a batch: is it halved, remembered, and is every image there?

On a GPU another process takes the rest of its memory, on the CPU the renderer's address space is
limited.
"""

import os
import resource
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psutil

from engine.api import Library
from engine.library.database import reading
from engine.settings import Settings
from tests.bench.budget import Record
from tests.bench.children import lines_of
from tests.bench.home import isolated
from tests.bench.throughput import Case, entry, on_device, write_sheet

FEW = 4
"""Images of a batch that memory still holds."""


def scarce(case: Case, device: str, taken: Sequence[Record]) -> Iterator[Record]:
    """Draw one large batch where memory holds only a small one.

    Args:
        case: what is drawn.
        device: where.
        taken: what calls of several sizes take, as `on_device` measured; `FEW` is among them.
    """
    took = {record["size"]: record["taken"] for record in taken if "taken" in record}
    many = max(took, default=0)
    if FEW not in took or took[many] < 1.5 * took[FEW]:
        raise RuntimeError("it is not known by how much a large batch takes more than a small one")
    models = entry(case, gpu=device != "cpu", largest=many)
    settings = on_device(device)
    if device == "cpu":  # one call at a time: side by side they would share what is left
        settings += f"threads = {os.cpu_count()}\n"
    with isolated(settings, models) as (ours, home):
        ours.json("run", write_sheet(home / "warm.csv", case, FEW))  # loads the model
        (renderer,) = ours.json("engine", "status")["renderers"]
        before = _remembered(ours.library)
        beyond = (took[many] - took[FEW]) // 3
        with _limited(device, renderer["pid"], beyond, took[FEW]):
            # Should an image fail, it is said: a session with failures has another status.
            ours("run", write_sheet(home / "sheet.csv", case, many))
        library = Library(Settings(library=ours.library))
        session = library.sessions.find("last").session
        with reading(ours.library) as db:
            sizes = db.execute(
                "SELECT DISTINCT b.size FROM images i JOIN batches b ON b.id = i.batch"
                " JOIN sessions s ON s.id = i.session WHERE s.key = ? AND i.state = 'done'",
                (session,),
            ).fetchall()
        info = next(info for info in library.sessions.all() if info.session == session)
        departed, kinds = library.images.departures(session)
        yield {
            "asked": many,
            "drawn": sorted(row["size"] for row in sizes),
            "done": info.done,
            "images": many,
            "departed": departed,
            "departures": kinds,
            "remembered_before": before,
            "remembered": _remembered(ours.library),
        }


def _remembered(library: Any) -> list[int]:
    with reading(library) as db:
        return [row["size"] for row in db.execute("SELECT size FROM fits").fetchall()]


@contextmanager
def _limited(device: str, pid: int, beyond: int, few: int) -> Iterator[None]:
    """Leave a renderer as many bytes beyond what a call of `FEW` images takes.

    On a GPU it still holds what its last call took, `few` bytes.
    """
    if device == "cpu":
        renderer = psutil.Process(pid)
        most = renderer.memory_info().vms + few + beyond
        renderer.rlimit(resource.RLIMIT_AS, (most, most))
        yield
        return
    with lines_of(device, "hold", beyond) as lines:
        next(lines)
        yield
