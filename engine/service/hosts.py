"""On which hosts a library's work is rendered: never where nobody asked for it."""

import socket
from collections.abc import Callable, Collection, Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from engine.library.write.standing import add_render_host, render_hosts

if TYPE_CHECKING:  # it needs numpy, and who looks on does not
    from engine.service.server.writer_thread import WriterThread

_NO_RENDER = (
    "this engine process was started with --no-render: it keeps the library and renders nothing"
    " until `promptsheet engine start`"
)


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
            f"nothing is rendered on {host}: render_on in the settings names"
            f" {', '.join(render_on)} alone"
        )
    if host in asked_on:
        return None
    return (
        f"nothing of this library was rendered on {host} before; r in Jobs, or `promptsheet engine"
        " start`, has it rendered here"
    )


def this_host() -> str:
    """The name of this host."""
    return socket.gethostname()


class RenderingHere:
    """Whether this engine process renders, or only keeps the library."""

    def __init__(
        self,
        write: "WriterThread",
        render_on: Sequence[str],
        stay_off: Callable[[str | None], None],
        *,
        no_render: bool,
    ) -> None:
        """For one engine process.

        Args:
            write: the library's.
            render_on: the setting.
            stay_off: told why nothing is to be rendered here; None: it is.
            no_render: it was started so as to render nothing.
        """
        self._write = write
        self._render_on = render_on
        self._stay_off = stay_off
        self._no_render = no_render

    async def decide(self) -> None:
        """Render or not, by what is known."""
        known = await self._write(render_hosts)
        reason = _NO_RENDER if self._no_render else None
        self._stay_off(reason or why_not_here(self._render_on, known, this_host()))

    async def ask(self, *, of_the_engine: bool = False) -> None:
        """Someone wants work of this library to be done, here.

        Args:
            of_the_engine: they want this process to render, whatever was said at its start.
        """
        self._no_render &= not of_the_engine
        host = this_host()
        may = not self._no_render and why_not_here(self._render_on, {host}, host) is None
        if may and host not in await self._write(render_hosts):
            await self._write(add_render_host, host)
        await self.decide()

    @property
    def no_render(self) -> bool:
        """Whether this process is to render nothing, by the word of who started it."""
        return self._no_render
