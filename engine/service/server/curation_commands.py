"""The engine process's commands by which people keep, sort out and clear away what was made."""

import asyncio
from collections.abc import Iterable
from typing import Any

from engine.library.database import LibraryError
from engine.library.write import curation, trash
from engine.library.write.requests import on_behalf_of
from engine.library.write.states import Scope
from engine.library.write.writer import Writer
from engine.protocol.answers import Deleted, Done, ImagesChanged, Moved, Rated, Tags
from engine.protocol.commands import (
    Command,
    Decide,
    EmptyTrash,
    Favour,
    Rate,
    Rename,
    RestoreImages,
    RestoreSession,
    Tag,
    TrashImages,
    TrashSession,
)
from engine.protocol.events import Curated
from engine.service.server.dispatcher import Dispatcher, Publish
from engine.service.server.socket_server import Handler
from engine.service.server.writer_thread import WriterThread

_REST_SECONDS = 60.0
"""How long a stopped session's batches may take to come to rest before it can be trashed."""


class CurationCommands:
    """Each command is answered after its effect is committed, and its files have moved."""

    def __init__(
        self,
        write: WriterThread,
        dispatcher: Dispatcher,
        publish: Publish,
        accepting: asyncio.Lock,
    ) -> None:
        """Args: accepting: held while a session is being accepted."""
        self._accepting = accepting
        self._write = write
        self._dispatcher = dispatcher
        self._publish = publish

    def handlers(self) -> dict[type[Command[Any]], Handler]:
        """What is done for each command."""
        return {
            Favour: self._favour,
            Rate: self._rate,
            Decide: self._decide,
            TrashImages: self._trash,
            RestoreImages: self._restore,
            Rename: self._rename,
            Tag: self._tag,
            TrashSession: self._trash_session,
            RestoreSession: self._restore_session,
            EmptyTrash: self._empty_trash,
        }

    async def _favour(self, wanted: Favour) -> Rated:
        before = await self._write(curation.favour, wanted.images, on=wanted.on)
        self._tell(before)
        return Rated(before)

    async def _rate(self, wanted: Rate) -> Rated:
        before = await self._write(curation.rate, wanted.ratings)
        self._tell(before)
        return Rated(before)

    async def _decide(self, wanted: Decide) -> Rated:
        session, row = wanted.session, wanted.row
        before, decided = await self._write(
            curation.decide, session, row, wanted.ratings, decided=wanted.decided
        )
        self._publish(Curated([session]))
        return Rated(before, decided)

    async def _trash(self, wanted: TrashImages) -> Moved:
        at_work = self._dispatcher.at_work()
        trashed = await self._write(trash.trash_images, wanted.images, at_work)
        await self._tell_tallies(trashed.images)
        return Moved(trashed)

    async def _restore(self, wanted: RestoreImages) -> ImagesChanged:
        restored = await self._write(trash.restore_images, wanted.images)
        await self._tell_tallies(restored)
        return ImagesChanged(restored)

    async def _rename(self, wanted: Rename) -> Done:
        await self._write(curation.rename, wanted.session, wanted.name)
        self._publish(Curated([wanted.session]))
        return Done()

    async def _tag(self, wanted: Tag) -> Tags:
        stored = await self._write(curation.set_tags, wanted.session, wanted.tags)
        self._publish(Curated([wanted.session]))
        return Tags(stored)

    async def _trash_session(self, wanted: TrashSession) -> Done:
        session = wanted.session
        with on_behalf_of(None):  # it is carried out once it is in the trash
            await self._dispatcher.stop(Scope(session))
        deadline = asyncio.get_running_loop().time() + _REST_SECONDS
        batches = await self._write(Writer.batches_of, session)
        while batches & self._dispatcher.at_work():
            if asyncio.get_running_loop().time() > deadline:
                raise LibraryError(
                    f"The session {session} has stopped, but its last step is still running. Try"
                    " again in a moment."
                )
            await asyncio.sleep(0.05)
        await self._write(trash.trash_session, session)
        self._publish(Curated([session]))
        return Done()

    async def _restore_session(self, wanted: RestoreSession) -> Done:
        await self._write(trash.restore_session, wanted.session)
        self._publish(Curated([wanted.session]))
        return Done()

    async def _empty_trash(self, _: EmptyTrash) -> Deleted:
        async with self._accepting:  # what it is drawn on is not that of any row yet
            return Deleted(await self._write(trash.empty_trash))

    def _tell(self, images: Iterable[str]) -> list[str]:
        sessions = sorted({image.partition("-")[0] for image in images})
        if sessions:
            self._publish(Curated(sessions))
        return sessions

    async def _tell_tallies(self, images: Iterable[str]) -> None:
        for session in self._tell(images):
            self._dispatcher.tell(await self._write(Writer.tally, session))
