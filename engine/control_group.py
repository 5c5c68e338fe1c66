"""What the control groups of this process leave it of the machine: memory and processors.

Containers, schedulers of clusters (Slurm puts each job into groups of its own) and systemd limit
programs so. Groups lie in each other, and the tightest limit on the way from the process's own
group up to the root holds, whichever of them has it. Both versions of Linux's interface are read,
also side by side.
"""

import math
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

_ROOT = Path("/")
_NOBODYS = 1 << 60
"""Bytes from which a limit is none: version 1 writes a huge number where there is none."""


@dataclass(frozen=True, slots=True)
class MemoryLimit:
    """The memory that a group and those around it let a process have."""

    total: int
    """Bytes: the tightest limit."""
    available: int
    """Bytes that can still be taken before one of the limits is met."""


@dataclass(frozen=True, slots=True)
class _Names:
    """How one version of the interface calls its files."""

    limits: tuple[str, ...]
    used: str
    cache: tuple[str, ...]
    """Entries of memory.stat: files in memory, which make room for whatever needs it."""


_MEMORY = {
    # What is above memory.high is slowed down until it is next to standing still.
    2: _Names(("memory.max", "memory.high"), "memory.current", ("inactive_file ", "active_file ")),
    1: _Names(
        ("memory.limit_in_bytes",),
        "memory.usage_in_bytes",
        ("total_inactive_file ", "total_active_file "),
    ),
}


def memory_limit(root: Path = _ROOT) -> MemoryLimit | None:
    """What memory the groups of this process leave it; None: as much as there is.

    Args:
        root: where /proc and what it names are looked for.
    """
    found: list[MemoryLimit] = []
    for version, group in _groups("memory", root):
        names = _MEMORY[version]
        limits = [limit for name in names.limits if (limit := _number(group / name)) is not None]
        limit = min(limits, default=_NOBODYS)
        if limit < _NOBODYS:
            taken = (_number(group / names.used) or 0) - _cache(group, names.cache)
            found.append(MemoryLimit(limit, max(0, limit - max(0, taken))))
    if not found:
        return None
    return MemoryLimit(min(each.total for each in found), min(each.available for each in found))


def processor_limit(root: Path = _ROOT) -> int | None:
    """How many processors' time the groups of this process leave it; None: no limit.

    A part of one counts as a whole one. Which processors a group may use at all (cpuset) the
    kernel itself tells each process.
    """
    shares = [share for _, group in _groups("cpu", root) if (share := _share(group)) is not None]
    return max(1, math.ceil(min(shares))) if shares else None


def _share(group: Path) -> float | None:
    words = _text(group / "cpu.max").split()
    if len(words) == 2:
        quota, period = words
    else:
        quota = _text(group / "cpu.cfs_quota_us").strip()
        period = _text(group / "cpu.cfs_period_us").strip()
    if not (quota.isdecimal() and period.isdecimal() and int(quota) and int(period)):
        return None  # `max`, or -1
    return int(quota) / int(period)


def _groups(controller: str, root: Path) -> Iterator[tuple[int, Path]]:
    """The folders of the groups that this process is in, from its own up, and their version."""
    mounts = list(_mounts(root))
    for line in _text(root / "proc/self/cgroup").splitlines():
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        version = 2 if number == "0" and not controllers else 1
        if version == 1 and controller not in controllers.split(","):
            continue
        for mount in mounts:
            if mount.version == version and (version == 2 or controller in mount.options):
                for folder in mount.folders(path):
                    yield version, root / folder.relative_to("/")
                break


@dataclass(frozen=True, slots=True)
class _Mount:
    version: int
    top: PurePosixPath
    """The group that is seen at the place."""
    place: PurePosixPath
    options: frozenset[str]
    """Version 1: the controllers, among others."""

    def folders(self, path: str) -> Iterator[PurePosixPath]:
        """Where a group is seen, and those around it."""
        try:
            inner = PurePosixPath(path).relative_to(self.top)
        except ValueError:  # it is told as from outside the container, where it is the top
            inner = PurePosixPath()
        if ".." in inner.parts:
            inner = PurePosixPath()
        folder = self.place / inner
        yield folder
        while folder != self.place:
            folder = folder.parent
            yield folder


def _mounts(root: Path) -> Iterator[_Mount]:
    for line in _text(root / "proc/self/mountinfo").splitlines():
        before, _, after = line.partition(" - ")
        with suppress(IndexError, ValueError):
            top, place = (PurePosixPath(_plain(word)) for word in before.split()[3:5])
            kind, _, options = after.split(maxsplit=2)
            if kind in ("cgroup", "cgroup2") and place.is_absolute():
                version = 2 if kind == "cgroup2" else 1
                yield _Mount(version, top, place, frozenset(options.split(",")))


def _plain(word: str) -> str:
    """A path as mountinfo writes it, where blanks are numbers."""
    return word.replace("\\040", " ").replace("\\011", "\t").replace("\\134", "\\")


def _cache(group: Path, names: tuple[str, ...]) -> int:
    lines = _text(group / "memory.stat").splitlines()
    amounts = (line.rpartition(" ")[2] for line in lines if line.startswith(names))
    return sum(int(amount) for amount in amounts if amount.isdecimal())


def _number(path: Path) -> int | None:
    text = _text(path).strip()
    return int(text) if text.isdecimal() else None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
