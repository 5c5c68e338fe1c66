"""Pulling a model from the Hub, from the side of who wants it: asked about first, then brought."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from engine.models.hub.messages import HubReply, HubRequest, PullPlan, PullProgress
from engine.models.hub.repository import PullError, Repository

# The child finds modules where we do, and nowhere else: not in the folder it is started from.
_CHILD = "import sys; sys.path[:] = sys.argv[1:]; from engine.models.hub.child import main; main()"
_GO = b"pull\n"


class Pull:
    """One model, asked about and then brought, by a process of its own.

    That process ends with the `with` block, or at once when it is cancelled, wherever it is: what
    has come is kept, and gone on with the next time.
    """

    def __init__(self, repository: Repository, models: Path, reserve: int) -> None:
        """Nothing is asked yet.

        Args:
            repository: which one.
            models: the folder that models are pulled into; it is made if need be.
            reserve: bytes that are to stay free on its disk.
        """
        self._wish = HubRequest(repository, str(models), reserve)
        self._process: subprocess.Popen[bytes] | None = None
        self._is_cancelled = False

    def __enter__(self) -> Self:
        modules = [entry for entry in sys.path if entry]
        self._process = subprocess.Popen(
            [sys.executable, "-S", "-P", "-c", _CHILD, *modules],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is ours to hear
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        process = self._process
        if process is not None:
            self.cancel()
            process.wait()
            for stream in (process.stdin, process.stdout):
                if stream is not None:
                    with suppress(BrokenPipeError):
                        stream.close()

    def ask(self) -> PullPlan:
        """What pulling it would take. To be asked first.

        Raises:
            PullError: it cannot be pulled, or the Hub cannot be reached.
        """
        self._send(msgspec.json.encode(self._wish) + b"\n")
        plan = self._hear().plan
        assert plan is not None
        return plan

    def bring(self) -> Iterator[PullProgress]:
        """Pull it; when this ends, it lies in the plan's folder.

        Yields:
            How far it is, several times a second.

        Raises:
            PullError: it could not be pulled whole, or was cancelled.
        """
        self._send(_GO)
        while not (told := self._hear()).pulled:
            if told.progress is not None:
                yield told.progress

    def cancel(self) -> None:
        """End it, from any thread."""
        if self._process is not None:
            self._is_cancelled = True
            self._process.kill()

    def _send(self, line: bytes) -> None:
        assert self._process is not None and self._process.stdin is not None
        with suppress(BrokenPipeError):  # then it has nothing more to say, either
            self._process.stdin.write(line)
            self._process.stdin.flush()

    def _hear(self) -> HubReply:
        assert self._process is not None and self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line.endswith(b"\n"):
            how = "was stopped" if self._is_cancelled else "ended in an unexpected way"
            raise PullError(f"The pull {how}. What was downloaded is kept.")
        told = msgspec.json.decode(line, type=HubReply)
        if told.refused:
            raise PullError(told.refused)
        return told
