"""Sessions as they are asked for: planned beside other work, stored piece by piece."""

import asyncio
import shutil
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from engine.library.sources import Intake, StoppedError, TakingError, source_path
from engine.library.write.batch_limits import fits_on, shape_text
from engine.library.write.writer import Writer
from engine.models.catalog import load_models
from engine.models.loras import LookForLoras, listed_loras
from engine.picture.formats import SUFFIXES, is_available
from engine.picture.recipe import Recipe
from engine.plan.batch_limits import largest_batch
from engine.protocol.answers import Underway
from engine.protocol.commands import RequestedRow, Submit
from engine.protocol.records import Tally
from engine.service.server.session_planning import RefusedError, plan_session
from engine.service.server.waiting_client import WaitingClient
from engine.service.server.writer_thread import WriterThread
from engine.settings import RenderSettings
from engine.sheet.gc_pause import gc_paused
from engine.sheet.picture_names import shown_path
from engine.sheet.rows import SourcePicture


class Submissions:
    """Accepts sessions, one after the other."""

    def __init__(
        self,
        write: WriterThread,
        render: RenderSettings,
        names: Callable[[], Collection[str]],
        reserve_mib: int = 0,
        loras: LookForLoras = listed_loras,
    ) -> None:
        """Something that has accepted nothing yet.

        Args:
            write: the library's writer.
            render: what is chosen for new sessions.
            names: tells those of the devices there are now.
            reserve_mib: of the disk, that is to stay free.
            loras: tells which LoRAs there are now.
        """
        self._loras = loras
        self._reserve = reserve_mib << 20
        self._write = write
        self._render = render
        self._names = names
        self.turn = asyncio.Lock()
        """Held while a session is being accepted: what it is drawn on is noted before its rows are,
        so nobody may clear away meanwhile what no row is drawn on."""

    async def accept(
        self, wanted: Submit, client: WaitingClient | None = None, *, rewriting: bool = False
    ) -> tuple[Tally, str]:
        """Plan and store a session; no other commit waits for a large one.

        Args:
            wanted: what is to be rendered.
            client: who wants it, is told how many pictures are copied, and may leave until all are.
            rewriting: whether a language model is to rewrite prompts that ask for magic.

        Returns:
            Its counts, and what it is, in words.

        Raises:
            RefusedError: it cannot be rendered.
            IllFormedRowError: a row is not as it should be.
            SettingsError: the model list is not right.
            OSError, sqlite3.Error: the disk is full, or fails; nothing of the session is there.
        """
        models, kind = load_models(), self._render.format
        if not is_available(kind):
            raise RefusedError(
                f"The settings ask for {kind} files, which need `pip install 'promptsheet[jxl]'`."
            )
        fits = {device: await self._write(fits_on, device) for device in self._names()}

        def largest(recipe: Recipe) -> int:
            model = models[recipe.model]
            asked = 1 if model.draws_alone else self._render.max_batch or model.max_batch
            shape = (recipe.model_hash, shape_text(recipe))
            return min(
                largest_batch(asked, held.get(shape), gpu=device != "cpu")
                for device, held in fits.items()
            )

        async with self.turn:
            rows = list(wanted.requested())
            with gc_paused():
                new = await asyncio.to_thread(
                    plan_session,
                    wanted.name,
                    wanted.source,
                    rows,
                    models,
                    largest=largest,
                    taken=await self._write(Writer.session_keys),
                    suffix=SUFFIXES[kind],
                    rewriting=rewriting,
                    background=self._render.background,
                    loras=self._loras,
                )
                await self._take_in(rows, client or WaitingClient())
                if lacking := await self._write(Writer.lacking_room, new, self._reserve):
                    raise RefusedError(lacking)
                steps = await self._write(Writer.storing, new)
                while await self._write(_take, steps):
                    pass
                key, words = new.key, f"{new.name}, in {len(new.batches)} batches"
                del new, steps
        return await self._write(Writer.tally, key), words

    async def _take_in(self, rows: Sequence[RequestedRow], client: WaitingClient) -> None:
        """Copy what rows are drawn on into the library, before the session is there.

        Raises:
            RefusedError: one is gone, or another than when it was looked at, or the disk has no
                room for them, or nobody waits for the session any more.
            OSError: the disk is full, or fails.
        """
        library = await self._write(lambda writer: writer.library)
        given: dict[str, tuple[SourcePicture, int]] = {}
        for row in rows:
            for found in (row.values.image, row.values.mask):
                if found is not None:
                    given.setdefault(found.digest, (found, row.number))
        if not given:
            return
        new = [found for found, _ in given.values() if not _is_in(library, found)]
        free = await asyncio.to_thread(_free_bytes, library)
        needed = await asyncio.to_thread(_bytes_of, library, new)
        if needed > free - self._reserve:
            raise RefusedError(
                f"Not enough disk space for source pictures in {library}: copies of {len(new):,}"
                f" pictures take {needed >> 20:,} MiB, and {free >> 20:,} MiB are free, with a"
                f" reserve of {self._reserve >> 20:,} MiB (engine.reserve_mib). Nothing was"
                " stored: free some space, or use fewer pictures."
            )
        originals = [(found.file_in(library), found.digest) for found, _ in given.values()]
        intake = Intake(library, originals, lambda: not client.has_left())
        client.underway = lambda: Underway(intake.done, len(originals))
        try:
            await self._run(intake)
        except StoppedError:
            raise RefusedError("The program that asked has quit, so nothing was started.") from None
        except TakingError as error:
            name = shown_path(originals[error.number][0])
            number = [row_number for _, row_number in given.values()][error.number]
            raise RefusedError(f"Row {number}, {name}: {error}") from error
        finally:
            client.underway = Underway
        sizes = {digest: source_path(library, digest).stat().st_size for digest in given}
        await self._write(Writer.note_sources, [found for found, _ in given.values()], sizes)

    async def _run(self, intake: Intake) -> None:
        """Take in what is drawn on, or nothing of it; raises as `Intake.run`."""
        running = asyncio.create_task(asyncio.to_thread(intake.run))
        try:
            await asyncio.shield(running)
        except BaseException:
            intake.stop()
            with suppress(Exception):  # the one that was raised
                await running
            with suppress(Exception):  # at the next start it is done
                noted = await self._write(Writer.source_digests)
                await asyncio.to_thread(intake.take_back, noted)
            raise


def _is_in(library: Path, found: SourcePicture) -> bool:
    return source_path(library, found.digest).is_file()


def _free_bytes(library: Path) -> int:
    return shutil.disk_usage(library).free


def _bytes_of(library: Path, pictures: Iterable[SourcePicture]) -> int:
    total = 0
    for found in pictures:
        with suppress(OSError):  # what is gone is said when it is copied
            total += found.file_in(library).stat().st_size
    return total


def _take(_: Writer, steps: Iterator[None]) -> bool:
    """Take the next of several steps; whether there was one."""
    return next(steps, ...) is None
