"""A disk with a volatile cache, whose every write is noted, so that its power can be cut anywhere.

A file system of one file, made with FUSE, is the disk: it notes each write and each flush before it
answers. A loop device makes a block device of the file, and an ordinary ext4 lies on that. What a
power cut at any moment leaves is made from the notes afterwards: all that was written before the
last flush, and of what came after it any part, torn within its sectors. Needs Linux and root.
"""

import ctypes
import errno
import os
import random
import shutil
import signal
import stat
import struct
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

BYTES = 768 << 20
_SECTORS = (512, 4096)
"""Bytes that a disk writes as a whole or not at all; one of these at each cut."""
NOTE = struct.Struct("<QQI")
"""Of a write: where in the file of what was written, where on the disk, bytes. 0 bytes: a flush."""
_NAME = "disk"

# ------------------------------------------------------------------ the FUSE protocol, for one file

_HEADER, _ANSWER = struct.Struct("<IIQQIIIHH"), struct.Struct("<IiQ")
_LOOKUP, _FORGET, _GETATTR, _SETATTR, _OPEN, _READ, _WRITE = 1, 2, 3, 4, 14, 15, 16
_RELEASE, _FSYNC, _FLUSH, _INIT, _OPENDIR, _RELEASEDIR = 18, 20, 25, 26, 27, 29
_INTERRUPT, _DESTROY, _BATCH_FORGET = 36, 38, 42
_BIG_WRITES, _MAX_PAGES = 1 << 5, 1 << 22
_MOST = 1 << 20
_LONG = 10**6
"""Seconds for which the kernel may remember what it was told: nothing changes."""


class _Server:
    """Answers the kernel until the file system is unmounted."""

    def __init__(self, fuse: int, folder: Path) -> None:
        self._fuse = fuse
        options = os.O_RDWR | os.O_CREAT
        self._disk = os.open(folder / "now", options, 0o600)
        os.ftruncate(self._disk, BYTES)
        self._notes = os.open(folder / "notes", options | os.O_APPEND, 0o600)
        self._written = os.open(folder / "written", options | os.O_APPEND, 0o600)
        self._size = 0

    def serve(self) -> None:
        while True:
            try:
                request = os.read(self._fuse, _MOST + 4096)
            except OSError as error:
                if error.errno in (errno.ENOENT, errno.EINTR):
                    continue
                return  # ENODEV: unmounted
            _, operation, unique, node, *_ = _HEADER.unpack_from(request)
            body = memoryview(request)[_HEADER.size :]
            if operation in (_FORGET, _BATCH_FORGET, _INTERRUPT):
                continue
            answer = self._answer(operation, node, body)
            failed, data = (answer, b"") if isinstance(answer, int) else (0, answer)
            os.write(self._fuse, _ANSWER.pack(_ANSWER.size + len(data), -failed, unique) + data)

    def _answer(self, operation: int, node: int, body: memoryview) -> bytes | int:
        if operation == _INIT:
            settings = (7, 31, 0, _BIG_WRITES | _MAX_PAGES, 16, 12, _MOST, 1, _MOST >> 12, 0)
            return struct.pack("<IIIIHHIIHH32x", *settings)
        if operation == _LOOKUP:
            if bytes(body).rstrip(b"\0").decode() != _NAME:
                return errno.ENOENT
            return struct.pack("<QQQQII", 2, 1, _LONG, _LONG, 0, 0) + _attributes(2)
        if operation in (_GETATTR, _SETATTR):
            return struct.pack("<QII", _LONG, 0, 0) + _attributes(node)
        if operation in (_OPEN, _OPENDIR):
            return struct.pack("<QII", 0, 0, 0)
        if operation == _READ:
            _, offset, size = struct.unpack_from("<QQI", body)
            return os.pread(self._disk, size, offset)
        if operation == _WRITE:
            _, offset, size = struct.unpack_from("<QQI", body)
            data = body[40 : 40 + size]
            _write_all(self._written, data)
            os.write(self._notes, NOTE.pack(self._size, offset, size))
            self._size += size
            os.pwrite(self._disk, data, offset)
            return struct.pack("<II", size, 0)
        if operation == _FSYNC:
            os.write(self._notes, NOTE.pack(0, 0, 0))
        return (
            b"" if operation in (_FSYNC, _FLUSH, _RELEASE, _RELEASEDIR, _DESTROY) else errno.ENOSYS
        )


def _write_all(descriptor: int, data: memoryview) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


def _attributes(node: int) -> bytes:
    mode, size = (stat.S_IFDIR | 0o700, 0) if node == 1 else (stat.S_IFREG | 0o600, BYTES)
    numbers = (node, size, size >> 9, 0, 0, 0, 0, 0, 0, mode, 1, 0, 0, 0, 4096, 0)
    return struct.pack("<QQQQQQIIIIIIIIII", *numbers)


# ------------------------------------------------------------------ making and mounting


def why_not() -> str | None:
    """Why such a disk cannot be made here; None if it can."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "it needs Linux, and to be root: loop devices and mounts"
    for device in ("/dev/fuse", "/dev/loop-control"):
        if not os.access(device, os.R_OK | os.W_OK):
            return f"it needs {device}"
    missing = [name for name in ("mkfs.ext4", "e2fsck", "losetup") if shutil.which(name) is None]
    return f"it needs the program {missing[0]}" if missing else None


@dataclass(frozen=True)
class Disk:
    """A disk in use."""

    folder: Path
    """Where its file system is mounted."""
    notes: Path

    def position(self) -> int:
        """How many writes and flushes there were so far."""
        return self.notes.stat().st_size // NOTE.size


@contextmanager
def volatile_disk(home: Path) -> Iterator[Disk]:
    """A new disk with an ext4 on it; what is noted of it stays in `home`.

    Raises:
        OSError: it cannot be made here.
    """
    device, folder = home / "device", home / "mounted"
    device.mkdir()
    folder.mkdir()
    # A process of its own: who waits for the disk must not have to answer for it.
    server = subprocess.Popen([sys.executable, "-m", __name__, str(device), str(home)])
    try:
        _wait_for(device / _NAME)
        loop = _run("losetup", "--find", "--show", str(device / _NAME))
        try:
            # All of it now: nothing is to be written to that is not asked for.
            lazy = "nodiscard,lazy_itable_init=0,lazy_journal_init=0"
            _run("mkfs.ext4", "-q", "-E", lazy, "-J", "size=16", loop)
            _run("mount", "-t", "ext4", "-o", "noatime", loop, str(folder))
            try:
                yield Disk(folder, home / "notes")
            finally:
                _unmount(folder)
        finally:
            _run("losetup", "--detach", loop)
    finally:
        subprocess.run(["umount", "--lazy", str(device)], capture_output=True, check=False)
        server.send_signal(signal.SIGTERM)
        server.wait(30)


@contextmanager
def mounted(image: Path, folder: Path) -> Iterator[bool]:
    """Switch the power on again: mount what a cut has left; whether it needed a repair.

    Raises:
        OSError: even then it cannot be mounted.
    """
    folder.mkdir(exist_ok=True)
    command = ("mount", "-t", "ext4", "-o", "loop,noatime", str(image), str(folder))
    broken = subprocess.run(command, capture_output=True, check=False).returncode != 0
    if broken:
        subprocess.run(["e2fsck", "-fy", str(image)], capture_output=True, check=False)
        _run(*command)
    try:
        yield broken
    finally:
        _unmount(folder)


def _unmount(folder: Path) -> None:
    """Once the last process there has ended."""
    deadline = time.monotonic() + 60
    while True:
        try:
            _run("umount", str(folder))
        except OSError:
            if time.monotonic() > deadline:
                _run("umount", "--lazy", str(folder))
                raise
            time.sleep(0.2)
        else:
            return


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout.strip()


def _wait_for(path: Path) -> None:
    deadline = time.monotonic() + 60
    while not path.exists():
        if time.monotonic() > deadline:
            raise OSError(f"{path} does not appear")
        time.sleep(0.02)


# ------------------------------------------------------------------ cutting


def cuts(home: Path, positions: Sequence[int], chance: random.Random) -> Iterator[tuple[Path, int]]:
    """What is on the disk after the power went at each position.

    Args:
        home: where the disk was noted.
        positions: after how many writes and flushes, in rising order.
        chance: what of the last writes is there.

    Yields:
        For each position an image of the disk, which is there until the next is asked for; and how
        many writes were in the cache.
    """
    notes, image = (home / "notes").read_bytes(), home / "cut"
    with (home / "written").open("rb") as written, (home / "durable").open("w+b") as durable:
        durable.truncate(BYTES)
        at, cached = 0, list[tuple[int, int, int]]()
        for position in positions:
            while at < position:
                note = NOTE.unpack_from(notes, at * NOTE.size)
                at += 1
                if note[2]:
                    cached.append(note)
                    continue
                for source, offset, size in cached:
                    durable.seek(offset)
                    durable.write(_read(written, source, size))
                cached = []
            durable.flush()
            _run("cp", "--sparse=always", durable.name, str(image))
            with image.open("r+b") as left:
                kept, sector = chance.random(), chance.choice(_SECTORS)
                for source, offset, size in cached:
                    data = _read(written, source, size)
                    if chance.random() < 0.5:  # all of it or nothing
                        pieces = [(0, size)] if chance.random() < kept else []
                    else:
                        starts = range(0, size, sector)
                        pieces = [(s, s + sector) for s in starts if chance.random() < kept]
                    for start, end in pieces:
                        left.seek(offset + start)
                        left.write(data[start:end])
            yield image, len(cached)
            image.unlink()


def _read(file: BinaryIO, at: int, size: int) -> bytes:
    file.seek(at)
    return file.read(size)


def main(device: Path, home: Path) -> None:
    """Be the disk, as the file `disk` in the folder `device`, until it is unmounted."""
    fuse = os.open("/dev/fuse", os.O_RDWR)
    libc = ctypes.CDLL(None, use_errno=True)
    options = f"fd={fuse},rootmode=40000,user_id=0,group_id=0".encode()
    nosuid_nodev = 2 | 4
    if libc.mount(b"promptsheet-bench", os.fsencode(device), b"fuse", nosuid_nodev, options):
        raise OSError(ctypes.get_errno(), f"cannot mount on {device}")
    _Server(fuse, home).serve()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
