"""What the machine, or who runs it, allows: never a fault of the file that is read."""

import errno
import signal

_ERRNOS = frozenset(
    (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN, errno.ENOSPC, errno.EDQUOT, errno.EIO)
)
_SIGNALS = {
    signal.SIGKILL: "the system ended it, probably because memory ran out",
    signal.SIGTERM: "another program ended it",
    signal.SIGXCPU: "it reached its limit of processor time",
    signal.SIGXFSZ: "it reached its limit of file size",
}
_WORDS = {
    b"can't start new thread": "no more threads can be started",
    b"Resource temporarily unavailable": "no more processes or threads can be started",
    b"Too many open files": "too many files are open",
    b"No space left on device": "the disk is full",
    b"error while loading shared libraries": "a system library could not be loaded",
    b"Fatal Python error": "Python could not start",
    b"ImportError": "part of Promptsheet could not be loaded",
    b"ModuleNotFoundError": "part of Promptsheet could not be loaded",
    b"Cannot allocate memory": "there is not enough memory",
}


def is_machines_fault(error: BaseException) -> bool:
    """Whether an error says that the machine has no more of something."""
    return isinstance(error, OSError) and error.errno in _ERRNOS


def machines_reason(status: int, stderr: bytes) -> str | None:
    """Why a process of ours ended, where that is the machine's fault; None: it is not known to be.

    Args:
        status: its exit status; negative: the signal that ended it.
        stderr: what it said.
    """
    if status < 0:
        return _SIGNALS.get(signal.Signals(-status)) if -status in set(signal.Signals) else None
    return next((reason for words, reason in _WORDS.items() if words in stderr), None)
