"""The engine process's commands by which people keep, sort out and clear away what was made."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import asdict
from typing import Any

from engine.library.database import LibraryError
from engine.library.records import Tally
from engine.library.write import curation, trash
from engine.library.write.states import Scope
from engine.library.write.writer import Writer
from engine.service.server.dispatcher import Dispatcher, tally_event
from engine.service.server.writer_thread import WriterThread

_REST_SECONDS = 60.0
"""How long a stopped session's batches may take to come to rest before it can be trashed."""


class Keeping:
    """Each command is answered after its effect is committed, and its files have moved."""

    def __init__(
        self,
        write: WriterThread,
        scheduler: Dispatcher,
        publish: Callable[[dict[str, Any]], None],
    ) -> None:
        self._write = write
        self._scheduler = scheduler
        self._publish = publish

    def commands(self) -> dict[str, Callable[..., Awaitable[dict[str, Any]]]]:
        """By name."""
        return {
            "favour": self._favour,
            "trash": self._trash,
            "restore": self._restore,
            "rename": self._rename,
            "tag": self._tag,
            "trash_session": self._trash_session,
            "restore_session": self._restore_session,
            "empty_trash": self._empty_trash,
        }

    async def _favour(self, images: list[str], on: bool) -> dict[str, Any]:
        changed = await self._write(curation.favour, images, on=on)
        self._tell(changed)
        return {"images": changed}

    async def _trash(self, images: list[str]) -> dict[str, Any]:
        trashed = await self._write(trash.trash_images, images, self._scheduler.at_work())
        await self._tell_tallies(trashed.images)
        return asdict(trashed)

    async def _restore(self, images: list[str]) -> dict[str, Any]:
        restored = await self._write(trash.restore_images, images)
        await self._tell_tallies(restored)
        return {"images": restored}

    async def _rename(self, session: str, name: str) -> dict[str, Any]:
        await self._write(curation.rename, session, name)
        self._publish({"event": "curated", "sessions": [session]})
        return {}

    async def _tag(self, session: str, tags: list[str]) -> dict[str, Any]:
        kept = await self._write(curation.set_tags, session, tags)
        self._publish({"event": "curated", "sessions": [session]})
        return {"tags": kept}

    async def _trash_session(self, session: str) -> dict[str, Any]:
        await self._scheduler.stop(Scope(session))
        deadline = asyncio.get_running_loop().time() + _REST_SECONDS
        batches = set(await self._write(_batches, session))
        while batches & self._scheduler.at_work():
            if asyncio.get_running_loop().time() > deadline:
                raise LibraryError(
                    f"The session {session} is stopped, but its last step takes long. Trash it"
                    " again in a while."
                )
            await asyncio.sleep(0.05)
        await self._write(trash.trash_session, session)
        self._publish({"event": "curated", "sessions": [session]})
        return {}

    async def _restore_session(self, session: str) -> dict[str, Any]:
        await self._write(trash.restore_session, session)
        self._publish({"event": "curated", "sessions": [session]})
        return {}

    async def _empty_trash(self) -> dict[str, Any]:
        return asdict(await self._write(trash.empty_trash))

    def _tell(self, images: Iterable[str]) -> list[str]:
        sessions = sorted({image.partition("-")[0] for image in images})
        if sessions:
            self._publish({"event": "curated", "sessions": sessions})
        return sessions

    async def _tell_tallies(self, images: Iterable[str]) -> None:
        for session in self._tell(images):
            tally: Tally = await self._write(Writer.tally, session)
            self._publish(tally_event(tally))


def _batches(writer: Writer, session: str) -> list[int]:
    rows: list[sqlite3.Row] = writer.read(
        "SELECT b.id FROM batches b JOIN sessions s ON s.id = b.session WHERE s.key = ?",
        (session,),
    )
    return [row["id"] for row in rows]
