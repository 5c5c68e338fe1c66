"""A program on a pseudo-terminal: keys in, bytes out, as a terminal would get them."""

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
from collections.abc import Mapping, Sequence

_COMMANDS = re.compile(r"\x1b(?:\[[0-9:;<=>?]*[ -/]*[@-~]|[78]|\][^\x07\x1b]*(?:\x07|\x1b\\))")


class OnPty:
    """Started at once; everything it writes is kept."""

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str], size: tuple[int, int]
    ) -> None:
        """A program in a window of `size` columns and rows."""
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("4H", size[1], size[0], 0, 0))
        self._master = master
        self.output = bytearray()
        self.started = time.perf_counter()
        # A test runner's workers may carry a size of their own, which Textual would believe.
        inherited = {k: v for k, v in environment.items() if k not in ("COLUMNS", "LINES")}
        self._process = subprocess.Popen(
            command,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={**inherited, "TERM": "xterm-256color", "COLORTERM": "truecolor"},
            start_new_session=True,
        )
        os.close(slave)
        self._ending, self._end = os.pipe()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    def _read(self) -> None:
        # A read that waits would keep the terminal from going away when it is closed.
        with contextlib.suppress(OSError):  # it has ended
            while True:
                ready, _, _ = select.select([self._master, self._ending], [], [])
                if self._ending in ready or not (data := os.read(self._master, 65536)):
                    return
                self.output += data

    def press(self, keys: str) -> None:
        """Send keys, or anything else a terminal may send."""
        os.write(self._master, keys.encode())

    def wait_for(self, text: str, since: int = 0, timeout: float = 30.0) -> float:
        """Wait until `text` was written after `since` bytes; seconds from the start to then."""
        end = time.perf_counter() + timeout
        looked_at = -1
        while time.perf_counter() < end:
            if looked_at != len(self.output):
                looked_at = len(self.output)
                if text in plain(self.output[since:]):
                    return time.perf_counter() - self.started
            time.sleep(0.001)
        raise AssertionError(f"{text!r} never came: {plain(self.output[since:])[-2000:]!r}")

    def quiet(self, seconds: float = 0.4, most: float = 15.0) -> None:
        """Wait until nothing was written for a while."""
        end = time.perf_counter() + most
        length = -1
        while length != len(self.output) and time.perf_counter() < end:
            length = len(self.output)
            time.sleep(seconds)

    def hang_up(self, timeout: float = 30.0) -> int:
        """Take its terminal away, without a signal; its exit status."""
        self._let_go()
        return self._process.wait(timeout)

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()
        self._let_go()

    def _let_go(self) -> None:
        """Close the terminal once nobody reads it: its number is the next one's then."""
        if self._master >= 0:
            os.close(self._end)
            self._reader.join()
            os.close(self._ending)
            os.close(self._master)
            self._master = -1


def plain(output: bytes | bytearray) -> str:
    """What was written, without the commands a terminal obeys."""
    return _COMMANDS.sub("", output.decode(errors="replace"))


def commands(output: bytes | bytearray) -> list[str]:
    """The commands that were written, in order."""
    return _COMMANDS.findall(output.decode(errors="replace"))
