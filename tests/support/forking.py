"""Engine processes and renderers as forks of a process that has their modules.

A renderer imports torch and diffusers for nine seconds of a processor. Forked, it is a process of
its own all the same: with its parent, its descriptors, its signals and its death. Tests that start
the command on a terminal, or the engine through the library, have it the long way.
"""

import gc
import os
import runpy
import signal
import subprocess
import sys
import traceback
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_FORKED = ("engine.service", "engine.render.renderer", "engine.render.rewrite")


def become(
    arguments: Sequence[str],
    environment: Mapping[str, str],
    folder: Path,
    streams: Sequence[int],
    kept: Sequence[int] = (),
) -> None:
    """Make of this forked process what it would be after an exec.

    Args:
        arguments: its command line.
        environment: all of it.
        folder: it works in.
        streams: descriptors that become its stdin, stdout and stderr; -1: as they are.
        kept: descriptors that stay open beside them.
    """
    gc.freeze()  # what is the parent's is never closed here, under a number that is ours by then
    signal.set_wakeup_fd(-1)
    for each in (signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(each, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number, descriptor in enumerate(streams):
        if descriptor >= 0:
            os.dup2(descriptor, number)
    below = 3
    for descriptor in (*sorted(kept), os.sysconf("SC_OPEN_MAX")):
        os.closerange(below, descriptor)
        below = descriptor + 1
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        stream = os.fdopen(number, "w" if number else "r", encoding="utf-8", closefd=False)
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.argv = list(arguments)


class ForkingPopen(subprocess.Popen[Any]):
    """As `Popen`, but what would be an engine process or a renderer is forked."""

    def _execute_child(self, args: Any, *rest: Any) -> None:
        command = list(args) if isinstance(args, (list, tuple)) else []
        if not (len(command) > 3 and command[2] == "-m" and command[3] in _FORKED):
            super()._execute_child(args, *rest)  # type: ignore[misc]
            return
        _, _, _, kept, folder, environment, *_ = rest
        pipes = rest[9:15]
        self.pid = os.fork()
        if self.pid == 0:
            status = 70
            try:
                if rest[20]:
                    os.setsid()
                _run(command[3:], environment, folder, (pipes[0], pipes[3], pipes[5]), kept)
                status = 0
            except SystemExit as end:
                status = end.code if isinstance(end.code, int) else 0
            except BaseException:
                traceback.print_exc()
                status = 1
            finally:
                for stream in (sys.stdout, sys.stderr):
                    stream.flush()
                os._exit(status)
        self._child_created = True
        self._close_pipe_fds(*pipes)  # type: ignore[attr-defined]


def _run(
    command: Sequence[str],
    environment: Mapping[str, str] | None,
    folder: str | None,
    streams: Sequence[int],
    kept: Sequence[int],
) -> None:
    become(
        command,
        dict(os.environ) if environment is None else environment,
        Path(folder) if folder else Path.cwd(),
        streams,
        kept,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # the module is there already
        runpy.run_module(command[0], run_name="__main__", alter_sys=True)
