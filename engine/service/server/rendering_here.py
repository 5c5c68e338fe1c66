"""Whether this engine process renders on its host, or only keeps the library."""

from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from engine.library.write.open_work import add_render_host, render_hosts
from engine.service.hosts import this_host, why_not_here
from engine.service.server.writer_thread import WriterThread

_NO_RENDER = (
    "the engine process was started with --no-render: it does not render until `promptsheet"
    " engine start`"
)


class RenderingHere:
    """Whether this engine process renders, or only keeps the library."""

    def __init__(
        self,
        write: "WriterThread",
        library: Path,
        render_on: Sequence[str],
        stay_off: Callable[[str | None], None],
        *,
        no_render: bool,
    ) -> None:
        """For one engine process.

        Args:
            write: the library's.
            library: its folder.
            render_on: the setting.
            stay_off: told why nothing is to be rendered here; None: it is.
            no_render: it was started so as to render nothing.
        """
        self._write = write
        self._library = library
        self._render_on = render_on
        self._stay_off = stay_off
        self._no_render = no_render

    async def decide(self) -> None:
        """Render or not, by what is known."""
        known = await self._write(render_hosts)
        reason = _NO_RENDER if self._no_render else None
        self._stay_off(reason or self._why_not(known))

    def _why_not(self, known: Collection[str]) -> str | None:
        return why_not_here(self._render_on, known, this_host(), self._library, held=True)

    async def ask(self, *, of_the_engine: bool = False) -> None:
        """Someone wants work of this library to be done, here.

        Args:
            of_the_engine: they want this process to render, whatever was said at its start.
        """
        self._no_render &= not of_the_engine
        host = this_host()
        may = not self._no_render and self._why_not({host}) is None
        if may and host not in await self._write(render_hosts):
            await self._write(add_render_host, host)
        await self.decide()

    @property
    def no_render(self) -> bool:
        """Whether this process is to render nothing, by the word of who started it."""
        return self._no_render
