"""A program on a pseudo-terminal at the far end of a line with a rate and a delay, as over ssh."""

import contextlib
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_HELD = 128 * 1024
"""Bytes that ssh and the kernel take from a program before it has to wait."""
_PACKET = 1400
_PIXELS = 9, 18
_ATTRIBUTES = {"kitty": b"\x1b[?62;c", "sixel": b"\x1b[?62;4;22c", "half-cells": b"\x1b[?62;22c"}
_ASKED = re.compile(
    rb"\x1b\[(?P<row>\d+);(?P<column>\d+)H"
    rb"|(?P<attributes>\x1b\[0?c)|(?P<name>\x1b\[>0?q)|(?P<status>\x1b\[5n)|(?P<place>\x1b\[6n)"
    rb"|(?P<cell>\x1b\[16t)|(?P<mode>\x1b\[\?(?P<number>2026|1004)\$p)"
    rb"|(?P<graphics>\x1b_G[^;\x1b]*a=q[^\x1b]*\x1b\\)"
)
_TORN = re.compile(rb"\x1b(?:\[[\d;<=>?$]*|_G[^;\x1b]*a=q[^\x1b]*\x1b?)?\Z")


@dataclass(frozen=True)
class ThinLine:
    """How thin it is."""

    delay: float
    """Seconds to the other end and back."""
    rate: float
    """Bytes a second to the terminal."""

    def __str__(self) -> str:
        return f"{self.delay * 1000:.0f} ms, {self.rate * 8 / 1e6:g} Mbit/s"


class OnThinLine:
    """What is seen of it is what has come through the line; what is pressed takes its time, too.

    The terminal answers the usual questions, once they have reached it.
    """

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        size: tuple[int, int],
        line: ThinLine,
        kind: str,
        *,
        answers: bool = True,
    ) -> None:
        """A program in a window of `size` columns and rows.

        Args:
            command: the program.
            environment: its variables.
            size: columns and rows.
            line: to its terminal.
            kind: how the terminal takes pictures: kitty, sixel, half-cells.
            answers: whether it answers where its cursor is, too, once the program has begun.
        """
        master, slave = pty.openpty()
        pixels = size[0] * _PIXELS[0], size[1] * _PIXELS[1]
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("4H", size[1], size[0], *pixels))
        self.line = line
        self._master, self._kind, self._answers = master, kind, answers
        self.output = bytearray()
        """All that the terminal has read."""
        self.read_at = 0.0
        """When it read the last of it."""
        self._reads: list[tuple[int, float]] = []
        """How much it had read, and when."""
        self._torn = b""
        self._cursor = (b"1", b"1")
        self._up: deque[tuple[float, bytes]] = deque()
        self._lock = threading.Lock()
        inherited = {k: v for k, v in environment.items() if k not in ("COLUMNS", "LINES", "TMUX")}
        self._process = subprocess.Popen(
            command,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={**inherited, "TERM": "xterm-256color", "COLORTERM": "truecolor"},
            start_new_session=True,
        )
        os.close(slave)
        threading.Thread(target=self._run, daemon=True).start()

    def press(self, keys: str) -> None:
        """Send keys; they arrive half the line's delay later."""
        self._send(keys.encode())

    def wait_for(self, text: str, since: int = 0, timeout: float = 120.0) -> float:
        """Wait until the terminal has read `text` beyond `since` bytes; when it had."""
        end, wanted = time.monotonic() + timeout, text.encode()
        while time.monotonic() < end:
            if wanted in self.output[since:]:
                return time.monotonic()
            time.sleep(0.002)
        raise AssertionError(f"{text!r} never came: {bytes(self.output[since:])[-2000:]!r}")

    def quiet(self, seconds: float = 1.0, most: float = 120.0) -> None:
        """Wait until the terminal has read nothing for a while, and a round trip."""
        asked = time.monotonic()
        wait = seconds + self.line.delay
        while time.monotonic() < min(asked + most, max(asked, self.read_at) + wait):
            time.sleep(0.005)

    def when(self, size: int) -> float:
        """When so many bytes had been read."""
        return next((at for read, at in self._reads if read >= size), self.read_at)

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()

    def _send(self, data: bytes) -> None:
        with self._lock:
            self._up.append((time.monotonic() + self.line.delay / 2, data))

    def _run(self) -> None:
        held, held_bytes = deque[bytes](), 0
        coming: deque[tuple[float, bytes]] = deque()
        free_at = 0.0
        with contextlib.suppress(OSError, ValueError):  # it has ended
            while self._process.poll() is None:
                now = time.monotonic()
                while held and free_at <= now:
                    data = held.popleft()
                    held_bytes -= len(data)
                    free_at += len(data) / self.line.rate
                    coming.append((free_at + self.line.delay / 2, data))
                while coming and coming[0][0] <= now:
                    self._take(coming.popleft()[1])
                self._deliver(now)
                room = held_bytes < _HELD
                if room and select.select([self._master], [], [], 0.001)[0]:
                    data = os.read(self._master, 65536)
                    if not held:
                        free_at = max(free_at, time.monotonic())
                    held.extend(data[i : i + _PACKET] for i in range(0, len(data), _PACKET))
                    held_bytes += len(data)
                elif not room:
                    time.sleep(0.001)
        os.close(self._master)

    def _deliver(self, now: float) -> None:
        while True:
            with self._lock:
                if not self._up or self._up[0][0] > now:
                    return
                data = self._up.popleft()[1]
            os.write(self._master, data)

    def _take(self, data: bytes) -> None:
        self.output += data
        self.read_at = time.monotonic()
        self._reads.append((len(self.output), self.read_at))
        data, self._torn = self._torn + data, b""
        if torn := _TORN.search(data):
            self._torn = torn.group()
            data = data[: torn.start()]
        for asked in _ASKED.finditer(data):
            self._answer(asked)

    def _answer(self, asked: re.Match[bytes]) -> None:
        match asked.lastgroup:
            case "column":
                self._cursor = asked["row"], asked["column"]
            case "attributes":
                self._send(_ATTRIBUTES[self._kind])
            case "name":
                named = b"kitty(0.41.1)" if self._kind == "kitty" else b"XTerm(390)"
                self._send(b"\x1bP>|" + named + b"\x1b\\")
            case "graphics" if self._kind == "kitty":
                self._send(b"\x1b_Gi=31;OK\x1b\\")
            case "status" if self._answers:
                self._send(b"\x1b[0n")
            case "place" if self._answers:
                self._send(b"\x1b[%b;%bR" % self._cursor)
            case "cell":
                self._send(b"\x1b[6;%d;%dt" % (_PIXELS[1], _PIXELS[0]))
            case "mode" | "number":
                self._send(b"\x1b[?%b;2$y" % asked["number"])
