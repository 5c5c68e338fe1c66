"""On which hosts a library's work is rendered: never where nobody asked for it."""

import socket
from collections.abc import Collection, Sequence
from fnmatch import fnmatchcase


def why_not_here(render_on: Sequence[str], asked_on: Collection[str], host: str) -> str | None:
    """Why nothing is rendered on `host` by itself; None if it is.

    Args:
        render_on: the setting.
        asked_on: hosts where someone asked for rendering before.
        host: its name.
    """
    if render_on:
        names = {host.lower(), host.lower().partition(".")[0]}
        if any(fnmatchcase(name, wanted.lower()) for wanted in render_on for name in names):
            return None
        return (
            f"{host} does not render: engine.render_on in the settings allows only"
            f" {', '.join(render_on)}"
        )
    if host in asked_on:
        return None
    return (
        f"this library has not been rendered on {host} before; Resume in Jobs, or `promptsheet"
        " engine start`, starts rendering here"
    )


def this_host() -> str:
    """The name of this host."""
    return socket.gethostname()
