"""On which hosts a library's work is rendered: never where nobody asked for it."""

import socket
from collections.abc import Collection, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from shlex import quote

_WORDS = ("start", "stop")


def why_not_here(
    render_on: Sequence[str],
    asked_on: Collection[str],
    host: str,
    library: Path,
    *,
    held: bool = False,
) -> str | None:
    """Why nothing is rendered on `host` by itself, and what starts it where it may be; or None.

    Args:
        render_on: the setting.
        asked_on: hosts where someone asked for rendering before.
        host: its name.
        library: which is not rendered.
        held: whether an engine process of `host` has it, so that no other host's can.
    """
    start, stop = (
        f"`promptsheet engine {word} --library {quote(str(library))}`" for word in _WORDS
    )
    first = f", after {stop} here" if held else ""
    if render_on:
        names = {host.lower(), host.lower().partition(".")[0]}
        if any(fnmatchcase(name, wanted.lower()) for wanted in render_on for name in names):
            return None
        return (
            f"{host} does not render: engine.render_on in the settings allows only"
            f" {', '.join(render_on)}; {start} there starts rendering{first}"
        )
    if host in asked_on:
        return None
    there = f"; {start} on {' or '.join(sorted(asked_on))} continues there{first}"
    return (
        f"this library has not been rendered on {host} before; Resume in Jobs, or {start}, starts"
        f" rendering here{there if asked_on else ''}"
    )


def this_host() -> str:
    """The name of this host."""
    return socket.gethostname()
