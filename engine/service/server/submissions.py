"""Sessions as they are asked for: planned beside other work, stored piece by piece."""

import asyncio
import gc
from collections.abc import Collection, Iterator
from contextlib import contextmanager

from msgspec import to_builtins

from engine.library.write.batch_limits import fits_on, shape_text
from engine.library.write.writer import Writer
from engine.models.catalog import load_models
from engine.picture.formats import SUFFIXES, is_available
from engine.picture.recipe import Recipe
from engine.plan.batch_limits import largest_batch
from engine.protocol.commands import Submit
from engine.protocol.records import Tally
from engine.service.server.session_planning import RefusedError, plan_session
from engine.service.server.writer_thread import WriterThread
from engine.settings import RenderSettings


class Submissions:
    """Accepts sessions, one after the other."""

    def __init__(
        self,
        write: WriterThread,
        render: RenderSettings,
        names: Collection[str],
        reserve_mib: int = 0,
    ) -> None:
        """Args: names: of the devices. reserve_mib: of the disk, that is to stay free."""
        self._reserve = reserve_mib << 20
        self._write = write
        self._render = render
        self._names = names
        self._turn = asyncio.Lock()

    async def accept(self, wanted: Submit, *, rewriting: bool = False) -> tuple[Tally, str]:
        """Plan and store a session; no other commit waits for a large one.

        Args:
            wanted: what is to be rendered.
            rewriting: whether a language model is to rewrite prompts that ask for magic.

        Returns:
            Its counts, and what it is, in words.

        Raises:
            RefusedError: it cannot be rendered.
            msgspec.ValidationError: a row is not as it should be.
            SettingsError: the model list is not right.
            OSError, sqlite3.Error: the disk is full, or fails; nothing of the session is there.
        """
        models, kind = load_models(), self._render.format
        if not is_available(kind):
            raise RefusedError(
                f"The settings ask for {kind} files, which need `pip install 'promptsheet[jxl]'`."
            )
        fits = {device: await self._write(fits_on, device) for device in self._names}

        def largest(recipe: Recipe) -> int:
            asked = self._render.max_batch or models[recipe.model].max_batch
            shape = (recipe.model_hash, shape_text(recipe))
            return min(
                largest_batch(asked, held.get(shape), gpu=device != "cpu")
                for device, held in fits.items()
            )

        async with self._turn:
            with gc_paused():
                new = await asyncio.to_thread(
                    plan_session,
                    wanted.name,
                    to_builtins(wanted.source),
                    wanted.requested(),
                    models,
                    largest=largest,
                    taken=await self._write(Writer.session_keys),
                    suffix=SUFFIXES[kind],
                    rewriting=rewriting,
                )
                if lacking := await self._write(Writer.lacking_room, new, self._reserve):
                    raise RefusedError(lacking)
                steps = await self._write(Writer.storing, new)
                while await self._write(_take, steps):
                    pass
                key, words = new.key, f"{new.name}, in {len(new.batches)} batches"
                del new, steps
        return await self._write(Writer.tally, key), words


def _take(_: Writer, steps: Iterator[None]) -> bool:
    """Take the next of several steps; whether there was one."""
    return next(steps, ...) is None


@contextmanager
def gc_paused() -> Iterator[None]:
    """A plan is a million objects without a cycle: to search them would hold up everything."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
