"""Starting the engine process so that it outlives the terminal it was started from."""

import os
import pwd
import select
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.errors import reason_of

ERROR_MARK = "error: "
LOCKED_MARK = "locked: "
"""How the engine process tells its starter why it does not start: another one was quicker, say."""
READY_SECONDS = 300.0
"""The longest that an engine process is given to start: it puts right what an interruption left,
and asks torch for devices, which on a cold disk takes minutes."""


@dataclass(frozen=True, slots=True)
class Detachment:
    """How a process outlives its terminal."""

    prefix: tuple[str, ...]
    """What its command is put behind."""
    says: str
    warning: str | None = None


class StartError(Exception):
    """The engine process did not start; the message says why."""


class AlreadyHeldError(StartError):
    """Another engine process has the library: it may be one that was started just now."""


def choose_detachment() -> Detachment:
    """The way that holds on this machine."""
    if not Path("/run/systemd/system").is_dir():
        return Detachment((), "detached")
    if _lingers() and shutil.which("systemd-run"):
        scope = ("systemd-run", "--user", "--scope", "--quiet", "--collect")
        return Detachment(scope, "in a systemd user scope (lingering is on)")
    if not _kills_user_processes():
        return Detachment((), "detached (logind leaves user processes alone)")
    return Detachment(
        (),
        "detached, but logind ends it at logout",
        "This machine ends your processes when you log out. `loginctl enable-linger` keeps the"
        " engine process alive.",
    )


def _lingers() -> bool:
    """Whether this user's processes go on after the last logout."""
    try:
        return Path("/var/lib/systemd/linger", pwd.getpwuid(os.getuid()).pw_name).exists()
    except KeyError:  # a number without an entry, as in a container
        return False


def _kills_user_processes() -> bool:
    """Whether logind ends the processes of a user who logs out (its KillUserProcesses)."""
    question = (
        "busctl get-property org.freedesktop.login1 /org/freedesktop/login1"
        " org.freedesktop.login1.Manager KillUserProcesses"
    )
    try:
        answer = subprocess.run(question.split(), capture_output=True, text=True, timeout=5)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return answer.stdout.strip() == "b true"


def start_detached(
    library: Path,
    devices: Sequence[str] = (),
    *,
    asked: bool = False,
    no_render: bool = False,
    only_update: bool = False,
) -> Detachment:
    """Start the engine process of `library` and wait until it listens.

    Args:
        library: whose.
        devices: to render on, instead of the settings'.
        asked: it may render on this host: someone wants it to.
        no_render: it only keeps the library, until someone asks it to render.
        only_update: it brings the library up to date and ends, which is waited for instead.

    Raises:
        AlreadyHeldError: another one has the library.
        StartError: it refused; its own words.
    """
    detachment = choose_detachment()
    read_end, write_end = os.pipe()
    try:
        command = [
            *detachment.prefix,
            sys.executable,
            "-P",
            "-m",
            "engine.service",
            "--library",
            str(library),
            "--ready",
            str(write_end),
            "--detached",
            detachment.says,
            *(["--devices", ",".join(devices)] if devices else []),
            *(["--asked"] if asked else []),
            *(["--no-render"] if no_render else []),
            *(["--only-update"] if only_update else []),
        ]
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                pass_fds=(write_end,),
                start_new_session=True,
                cwd="/",
            )
        except OSError as error:
            raise StartError(
                f"The engine process cannot be started: {reason_of(error)}."
            ) from error
        finally:
            os.close(write_end)
        # The engine process forks once more, so that nobody has to wait for it: the pipe alone
        # tells how it went; it closes without a word if the process dies first.
        said = _read_line(read_end)
    finally:
        os.close(read_end)
    _, complaint = process.communicate()
    if said == "ready":
        return detachment
    if said.startswith(LOCKED_MARK):
        raise AlreadyHeldError(said.removeprefix(LOCKED_MARK))
    reason = said.removeprefix(ERROR_MARK) or complaint.decode(errors="replace").strip()
    raise StartError(reason or f"The engine process ended at once; see {library / 'engine.log'}.")


def _read_line(descriptor: int) -> str:
    data = b""
    while not data.endswith(b"\n"):
        if not select.select([descriptor], [], [], READY_SECONDS)[0]:
            return f"{ERROR_MARK}The engine process did not answer in {READY_SECONDS:.0f} s."
        part = os.read(descriptor, 4096)
        if not part:
            break
        data += part
    return data.decode(errors="replace").strip()
