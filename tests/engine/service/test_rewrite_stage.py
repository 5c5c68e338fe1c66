"""The language model's stage, with a model that does as it is told."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from engine.library.records import Rewrite
from engine.library.write.writer import Writer
from engine.protocol.events import AnyEvent, Counted, Paused
from engine.service.rewriting import RewriterDiedError
from engine.service.server.current_settings import CurrentSettings
from engine.service.server.dispatcher import Dispatcher
from engine.service.server.rewrite_stage import RewriteStage
from engine.service.server.writer_thread import WriterThread
from engine.settings import MagicSettings, Settings
from tests.support.libraries import new_session
from tests.support.renderers import FakeRenderer, fake, states

__all__ = ["fake"]


def test_a_machine_that_cannot_run_it_pauses_with_the_reason_and_fails_no_image(
    writer: Writer, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[int] = []
    said: list[str] = []

    async def rewrites(
        prompts: Sequence[str], settings: MagicSettings, kind: str
    ) -> AsyncGenerator[dict[str, str]]:
        tries.append(1)
        if not said:
            raise RewriterDiedError("No CUDA GPUs are available.")
        yield {prompt: f"{prompt}, rewritten" for prompt in prompts}

    monkeypatch.setattr("engine.service.server.rewrite_stage.rewrites", rewrites)
    new = new_session(rows=2, images=2)
    rows = [
        replace(row, rewrites=[Rewrite(row.cells["prompt"], "{prompt}")] * 2) for row in new.rows
    ]
    writer.add_session(replace(new, rows=rows))

    async def run() -> None:
        settled = asyncio.Event()

        def publish(event: AnyEvent) -> None:
            match event:
                case Paused(reason) if reason:
                    assert set(states(writer)) == {"waiting"}
                    said.append(reason)
                case Counted(tally) if tally.settled:
                    settled.set()

        thread = WriterThread(writer)
        settings = Settings(magic=MagicSettings(model="a/model"))
        dispatcher = Dispatcher(thread, writer.library, settings, ["cpu"], publish)
        stage = RewriteStage(thread, dispatcher, CurrentSettings(settings), lambda *_: None)
        tasks = [asyncio.create_task(dispatcher.run()), asyncio.create_task(stage.run())]
        await asyncio.wait_for(settled.wait(), 60)
        tasks[1].cancel()
        await dispatcher.close()
        await asyncio.wait_for(tasks[0], 10)

    asyncio.run(run())
    assert states(writer) == ["done"] * 4
    assert len(tries) == 4 and "No CUDA GPUs" in said[0]
    assert FakeRenderer.started == 1
