"""What the command line prints for people."""

import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence

from engine.api import (
    Changes,
    Checked,
    Copy,
    Declared,
    Estimate,
    JobInfo,
    Problem,
    Repaired,
    RowValues,
    SessionInfo,
    Severity,
    explanations,
    gist,
    plain,
)
from tui.cost_words import blank_words, cost_words, disk_words, memory_words
from tui.glyphs import GLYPHS
from tui.grid_words import grid_line, grids_words
from tui.text import clean, count_text, shorten, size_text

_CELL = 40
_COUNTED = {
    Severity.ERROR: ("{} error", "{} errors"),
    Severity.WARNING: ("{} warning", "{} warnings"),
    Severity.REPAIRED: ("{} repaired", "{} repaired"),
}
_SHOWN = 8
"""Names in a line; the others are counted."""


def changes_line(changes: Changes) -> str:
    """`209 rows unchanged and kept, 2 changed, 1 new, 0 gone`."""
    return (
        f"{count_text(len(changes.same), 'row')} unchanged, {len(changes.changed):,} changed,"
        f" {len(changes.added):,} new, {len(changes.removed):,} removed"
        + (
            f", {len(changes.failed):,} that failed last time will be retried"
            if changes.failed
            else ""
        )
    )


def problem_lines(problems: Sequence[Problem], *, most: int | None = None) -> Iterator[str]:
    """A line each: where, what, and what to take instead; beyond `most`, how many more."""
    for problem in problems[:most]:
        where = f"row {problem.row}" + (f", {clean(problem.column)}" if problem.column else "")
        told = not problem.value or problem.message.startswith(f"{problem.value} ")
        value = "" if told else f" “{shorten(problem.value, _CELL)}”"
        line = f"{GLYPHS[problem.severity]} {where}:{value} {clean(problem.message)}"
        if problem.suggestions:
            tried = (shorten(s, _CELL) or "an empty cell" for s in problem.suggestions[:3])
            line += f" (try {' or '.join(tried)})"
        yield line
    if most is not None and len(problems) > most:
        yield f"  … and {len(problems) - most} more"


def grid_lines(
    checked: Checked, estimate: Callable[[Sequence[RowValues]], Estimate]
) -> Iterator[str]:
    """A line for each row that is a grid, up to some: what it varies, and what that costs."""
    grids = [row for row in checked.sheet.ready if row.grid]
    for row in grids[:_SHOWN]:
        yield " · ".join([grid_line(row), *cost_words(estimate(row.combinations))])
    if len(grids) > _SHOWN:
        yield f"  … and {count_text(len(grids) - _SHOWN, 'more grid row')}"


def copy_line(copy: Copy) -> str:
    """`prompts-corrected.xlsx: 3 cells mended, 1 row left out.`."""
    rows = f", {count_text(copy.rows, 'row')} left out" if copy.rows else ""
    return f"{clean(copy.path.name)}: {count_text(copy.cells, 'cell')} mended{rows}."


def totals_line(checked: Checked) -> str:
    """`209 of 212 rows ready · 836 images · about 41 min · 1.9 GB · memory 3 GB of 24 GB`.

    Of rows that do not say how many images they make, it says how many that is.
    """
    sheet, estimate = checked.sheet, checked.estimate
    parts = [
        f"{len(sheet.ready)} of {count_text(len(sheet.rows), 'row')} ready",
        count_text(checked.images, "image"),
    ]
    if checked.images:
        parts += [grids] if (grids := grids_words(sheet.ready)) else []
        parts += [blank] if (blank := blank_words(checked.blank_counts)) else []
        parts += [*cost_words(estimate), *disk_words(estimate), *memory_words(estimate)]
    for kind, words in _COUNTED.items():
        count = sum(problem.severity is kind for problem in sheet.problems)
        if count:
            parts.append(f"{GLYPHS[kind]} {words[0] if count == 1 else words[1]}".format(count))
    return " · ".join(parts)


def session_lines(sessions: Iterable[SessionInfo]) -> Iterator[str]:
    """A table of sessions, newest first."""
    yield f"{'session':8} {'when':16} {'state':12} {'done':>11} {'size':>8}  name"
    for info in sessions:
        when = time.strftime("%Y-%m-%d %H:%M", time.localtime(info.created))
        state = f"{GLYPHS[info.state]} {info.state}"
        done = f"{info.done:,}/{info.images:,}"
        size = size_text(info.bytes)
        yield f"{info.session:8} {when} {state:12} {done:>11} {size:>8}  {clean(info.name)}"


def show_lines(
    info: SessionInfo,
    jobs: Iterable[JobInfo],
    departures: tuple[int, Sequence[str]],
    pixels: str | None = None,
) -> Iterator[str]:
    """One session: its totals, its rows, where its images are.

    Args:
        info: the session.
        jobs: its rows.
        departures: how many images have other conditions than planned, and which these are.
        pixels: one digest of all its pictures.
    """
    yield f"{clean(info.name)} ({info.session}): {info.state}"
    yield (
        f"{info.done:,} of {count_text(info.images, 'image')} done, {info.failed:,} failed,"
        f" {size_text(info.bytes)}, in {clean(str(info.folder))}"
    )
    if pixels:
        yield f"pixel checksum {pixels}: a run with identical images has the same"
    yield from changed_model_lines(info)
    for job in jobs:
        state = f"{GLYPHS[job.state]} {job.state}"
        about = shorten(gist(job.prompt), 60)
        line = f"{job.row:>6}  {state:12} {job.done:>3}/{job.images:<3} {about}"
        yield line + (f"  {clean(job.error)}" if job.error else "")
    departed, kinds = departures
    if departed:
        yield f"{count_text(departed, 'image')} rendered under different conditions than planned:"
        yield from (f"  {clean(kind)}" for kind in kinds)


def changed_model_lines(info: SessionInfo) -> Iterator[str]:
    """What a session waits for whose models' files have changed; nothing of others."""
    if info.changed_models:
        labels, resume = ", ".join(map(clean, info.changed_models)), f"resume {info.session}"
        yield (
            f"The files of {labels} have changed since {info.session} started: `promptsheet"
            f" {resume} --accept-changed-model` continues with the new files, and each image"
            f" records it. If you put the old files back, `promptsheet {resume}` continues."
        )


def setting_lines(settings: Declared, path: tuple[str, ...] = ()) -> list[str]:
    """The settings as their TOML file would have them, each with its explanation.

    Args:
        settings: all of them, or one section.
        path: where the section is.
    """
    lines, sections = [], []
    for name, explained in explanations(type(settings)):
        value = getattr(settings, name)
        if isinstance(value, Declared):
            inner = (*path, name)
            sections += ["", f"[{'.'.join(inner)}]", *setting_lines(value, inner)]
        else:
            lines += [f"# {explained}", f"{name} = {clean(json.dumps(plain(value)))}"]
    return lines + sections


def repair_lines(repaired: Repaired) -> list[str]:
    """What `verify --repair` has done."""
    lines = []
    if repaired.database:
        lines.append(f"the database was unusable and is now {clean(repaired.database)}")
    for found, words in (
        (repaired.sessions, "rebuilt from their files"),
        (repaired.folders, "session folders found under new names and adopted"),
        (repaired.adopted, "found again and kept"),
        (repaired.again, "missing: `promptsheet resume SESSION` renders them again"),
        (
            repaired.lost_sources,
            "source pictures missing, so the images that need them failed; put a copy back under"
            " this name, then run `promptsheet retry SESSION`",
        ),
        (repaired.aside, "damaged, moved to the folder `damaged` in the library"),
        (repaired.left, "belong to no image; left in place"),
    ):
        if found:
            shown = ", ".join(clean(item) for item in found[:_SHOWN])
            more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
            lines.append(f"{words}: {shown}{more}")
    if repaired.recounted:
        lines.append(f"{repaired.recounted} wrong counts corrected")
    return lines
