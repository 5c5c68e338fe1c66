"""A terminal made of a pty and a thread: it answers the app's questions as it is told."""

import fcntl
import os
import pty
import select
import struct
import termios
import threading
import time
import tty
from collections.abc import Sequence
from typing import TextIO

XTERM_SIXEL = b"\x1bP>|XTerm(390)\x1b\\\x1b[6;18;9t\x1b[?1004;2$y\x1b[?62;4;22c"
XTERM_PLAIN = b"\x1bP>|XTerm(390)\x1b\\\x1b[6;18;9t\x1b[?62;22c"
KITTY = b"\x1bP>|kitty(0.41.1)\x1b\\\x1b_Gi=31;OK\x1b\\\x1b[6;18;9t\x1b[?1004;2$y\x1b[?62;c"
KITTY_OLD = KITTY.replace(b"0.41.1", b"0.26.5")


class FakeTerminal:
    """Answers, once the last question has come, with pieces: (seconds to wait, bytes)."""

    def __init__(self, *answer: tuple[float, bytes], size: Sequence[int] = (0, 0, 0, 0)) -> None:
        self.master, self.slave = pty.openpty()
        if any(size):
            fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("4H", *size))
        self.stdin: TextIO = os.fdopen(os.dup(self.slave), "r")
        self.stdout: TextIO = os.fdopen(os.dup(self.slave), "w")
        self.questions = b""
        self._answer = answer
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def left_over(self) -> bytes:
        """What the app would still read, after everything has been sent."""
        self._thread.join()
        tty.setraw(self.slave, termios.TCSANOW)
        left = b""
        while select.select([self.slave], [], [], 0)[0]:
            left += os.read(self.slave, 4096)
        return left

    def close(self) -> None:
        self._closing.set()
        self._thread.join()
        self.stdin.close()
        self.stdout.close()
        os.close(self.slave)
        os.close(self.master)

    def _serve(self) -> None:
        while not self.questions.endswith(b"\x1b[c"):
            if self._closing.is_set():
                return
            if select.select([self.master], [], [], 0.02)[0]:
                self.questions += os.read(self.master, 4096)
        for seconds, piece in self._answer:
            time.sleep(seconds)
            os.write(self.master, piece)
