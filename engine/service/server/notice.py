"""Telling someone who is not looking that a session has come to its end."""

import asyncio
import contextlib
import logging
import os
import sys
from collections.abc import Sequence
from importlib.util import find_spec

from engine.library.read.reader import SessionInfo
from engine.settings import NoticeSettings

log = logging.getLogger(__name__)

_SECONDS = 60.0


def words_for(info: SessionInfo) -> str:
    """What there is to say, in one line."""
    failed = f", {info.failed:,} failed" if info.failed else ""
    return f"{info.name}: {info.done:,} of {info.images:,} images done{failed}"


def reason_to_send(settings: NoticeSettings, seen: Sequence[bool | None]) -> tuple[bool, str]:
    """Whether the end of a session is to be told, and why, in words.

    Args:
        settings: what decides where no terminal tells.
        seen: of each that follows, whether someone looks at it; None: its terminal does not tell.
    """
    if not seen:
        return True, "no app is connected"
    if any(seen):
        return False, "a terminal with the app has the focus"
    if None in seen:
        words = f"no terminal tells whether anyone looks, and notice.unsure is {settings.unsure}"
        return settings.unsure == "send", words
    return True, "no terminal with the app has the focus"


async def send_notice(settings: NoticeSettings, info: SessionInfo) -> None:
    """Run the user's command and send to the user's services; what goes wrong is only logged."""
    if settings.command:
        facts = {
            "SESSION": info.session,
            "NAME": info.name,
            "STATE": info.state,
            "IMAGES": str(info.images),
            "DONE": str(info.done),
            "FAILED": str(info.failed),
            "FOLDER": str(info.folder),
            "WORDS": words_for(info),
        }
        # What may come from a sheet goes into the environment only, never into the command.
        named = {f"PROMPTSHEET_{name}": _plain(text) for name, text in facts.items()}
        await _run(["/bin/sh", "-c", settings.command], named)
    if settings.urls:
        if find_spec("apprise") is None:
            log.warning("notice.urls needs `pip install 'promptsheet[notice]'`")
            return
        title, body = "Promptsheet", _plain(words_for(info))
        command = [sys.executable, "-P", "-m", "apprise", "-t", title, "-b", body]
        await _run([*command, "--", *settings.urls], {})


def _plain(text: str) -> str:
    return text.replace("\0", "").encode("utf-8", "replace").decode()


async def _run(command: list[str], environment: dict[str, str]) -> None:
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            env=os.environ | environment,
            start_new_session=True,
        )
    except OSError as error:
        log.warning("the notice cannot be sent: %s", error)
        return
    try:
        _, complaint = await asyncio.wait_for(process.communicate(), _SECONDS)
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        log.warning("the notice was not sent in %.0f s", _SECONDS)
        return
    if process.returncode:
        words = complaint.decode(errors="replace").strip()[-500:]
        log.warning("the notice failed (exit code %s): %s", process.returncode, words)
