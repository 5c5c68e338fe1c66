"""The first stage of sessions: a local language model rewrites prompts that ask for magic."""

import asyncio
import contextlib
import logging
import sqlite3
from collections.abc import Callable

from engine.library.database import LibraryError
from engine.library.write.rewrites import (
    Awaited,
    awaits_prompts,
    drop_rewrites,
    fail_rewrites,
    next_rewrites,
    take_rewrites,
)
from engine.library.write.writer import Writer
from engine.models.catalog import find_model
from engine.service.backoff import next_pause
from engine.service.rewriting import RewriteError, RewriterDiedError, rewrites, who_writes
from engine.service.server.current_settings import CurrentSettings
from engine.service.server.dispatcher import Dispatcher
from engine.service.server.writer_thread import WriterThread
from engine.settings import SettingsError

log = logging.getLogger(__name__)

_DEATHS = 3
"""Ends of the language model's process, without an answer between, after which it is left alone
for a while: they are the machine's fault, and no image's."""
_REST_SECONDS = 5.0


class RewriteStage:
    """Asks for one session's prompts after another, and commits each answer as it comes.

    What is still to be asked stands in the library: an engine process that comes later goes on.
    """

    def __init__(
        self,
        writer: WriterThread,
        dispatcher: Dispatcher,
        settings: CurrentSettings,
        note: Callable[[str, str], None],
    ) -> None:
        """Args: settings: name the model. note: writes into a session's log."""
        self._write = writer
        self._dispatcher = dispatcher
        self._settings = settings
        self._note = note
        self._news = asyncio.Event()
        self._deaths = 0
        self._pause: float | None = None
        self.busy = False
        """Whether prompts are being rewritten."""

    def wake(self) -> None:
        """There may be prompts to rewrite: some came, or a pause is over."""
        self._news.set()

    async def run(self) -> None:
        """Rewrite whatever is to be rewritten, for ever.

        Raises:
            LibraryError: the database is gone.
        """
        while True:
            self._news.clear()
            try:
                awaited = None
                if not self._dispatcher.off:
                    awaited = await self._write(next_rewrites, self._dispatcher.held)
                self.busy = awaited is not None
                if awaited is None:
                    self._dispatcher.lack_prompts(None)
                    await self._news.wait()
                else:
                    await self._serve(awaited)
            except (OSError, sqlite3.OperationalError) as error:  # the disk is full, say
                log.warning("prompts wait: %s", error)
                await asyncio.sleep(_REST_SECONDS)

    async def _serve(self, awaited: Awaited) -> None:
        """Ask until all is answered, or nobody wants it any more."""
        session = awaited.session
        try:
            magic = self._settings.look().magic
            model = find_model(awaited.model) if awaited.model else None
            asked = who_writes(model, magic, captions=awaited.captions)
            if asked is None:
                self._note(session, "no language model: prompts are enriched without one")
                await self._write(drop_rewrites, awaited)
            else:
                settings, kind = asked
                self._note(session, f"{settings.model} rewrites {len(awaited.prompts)} prompts")
                answering = rewrites(awaited.prompts, settings, kind)
                async with contextlib.aclosing(answering) as answers:
                    async for some in answers:
                        await self._write(take_rewrites, session, some)
                        self._deaths, self._pause = 0, None
                        self._dispatcher.lack_prompts(None)
                        await self._tell(session)
                        if not await self._goes_on(session):
                            break
        except RewriterDiedError as error:
            self._deaths += 1
            self._note(session, str(error))
            if self._deaths >= _DEATHS:
                await self._leave_alone(error)
        except (RewriteError, SettingsError) as error:
            await self._give_up(session, error)
        else:
            await self._tell(session)
            self._dispatcher.wake()

    async def _goes_on(self, session: str) -> bool:
        """Whether any more of its prompts are wanted, now."""
        if self._dispatcher.off or session in self._dispatcher.held:
            return False
        return await self._write(awaits_prompts, session)

    async def _leave_alone(self, error: Exception) -> None:
        """Wait a while, longer each time, or until something is asked for."""
        self._pause = next_pause(self._pause)
        self._dispatcher.lack_prompts(f"{error} It retries automatically.")
        self._news.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._pause):
                await self._news.wait()

    async def _give_up(self, session: str, error: Exception) -> None:
        self._deaths = 0
        self._dispatcher.lack_prompts(None)
        log.warning("session %s: %s", session, error)
        self._note(session, str(error))
        rows = await self._write(fail_rewrites, session, str(error))
        await self._tell(session, rows)
        self._dispatcher.wake()

    async def _tell(self, session: str, rows: list[int] | None = None) -> None:
        with contextlib.suppress(LibraryError):  # it may have gone with the trash
            self._dispatcher.tell(await self._write(Writer.tally, session), rows or [])
