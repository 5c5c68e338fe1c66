"""The dispatcher with renderers that do as they are told."""

import asyncio
import json
import sqlite3
from collections.abc import AsyncGenerator, Callable
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from engine.api import Library
from engine.library.database import LibraryError, database_path
from engine.library.files import publish
from engine.library.maintain.verify import verify
from engine.library.read.reader import list_images
from engine.library.write import trash
from engine.library.write.batch_limits import fits_on
from engine.library.write.states import Scope
from engine.library.write.writer import DEATHS, Writer
from engine.picture.recipe import Conditions
from engine.protocol.commands import RequestedRow, RowsSource, Submit
from engine.protocol.events import AnyEvent, Paused
from engine.protocol.framing import Framed
from engine.protocol.rendering import (
    AnyFromRenderer,
    BatchEnded,
    BatchStarted,
    RenderBatch,
)
from engine.service.server.dispatcher import Dispatcher
from engine.service.server.renderer_client import (
    LoadError,
    MachineError,
    RendererDiedError,
    RendererHungError,
)
from engine.service.server.submissions import Submissions
from engine.service.server.writer_thread import WriterThread
from engine.settings import RenderSettings, Settings
from tests.support.libraries import CONDITIONS, new_session
from tests.support.renderers import (
    DeviceFaultError,
    FakeRenderer,
    MachineFaultError,
    OutOfMemoryFaultError,
    fake,
    reasons_of,
    settle,
    states,
)

pytestmark = pytest.mark.slow

__all__ = ["fake"]


@pytest.mark.parametrize("devices", [1, 3])
def test_everything_is_rendered_once_on_one_renderer_or_several(
    writer: Writer, devices: int
) -> None:
    writer.add_session(new_session(rows=20, images=2, largest=4))
    settle(writer, ["cpu"] * devices)
    assert states(writer) == ["done"] * 40
    assert FakeRenderer.sizes == [4] * 10
    assert verify(writer.library).whole


def test_one_failing_image_fails_alone(writer: Writer) -> None:
    def fault(wanted: RenderBatch) -> None:
        if any(image.image == "k3f9x2-3-2" for image in wanted.images):
            raise ValueError("ValueError: a bad prompt")

    FakeRenderer.fault = staticmethod(fault)
    writer.add_session(new_session(rows=3, images=4, largest=4))
    settle(writer)
    assert states(writer).count("done") == 11
    assert states(writer)[5] == "failed"
    assert set(FakeRenderer.sizes) == {4}


def test_memory_is_found_by_halving_and_the_image_says_so(writer: Writer) -> None:
    def fault(wanted: RenderBatch) -> None:
        if wanted.size > 2:
            raise OutOfMemoryFaultError

    FakeRenderer.fault = staticmethod(fault)
    writer.add_session(new_session(rows=2, images=4))
    settle(writer)
    assert states(writer) == ["done"] * 8
    assert FakeRenderer.sizes == [8, 4, 4, 2, 2, 2, 2]


def test_no_memory_for_a_single_image_fails_it_after_three_strikes(writer: Writer) -> None:
    def fault(wanted: RenderBatch) -> None:
        raise OutOfMemoryFaultError

    FakeRenderer.fault = staticmethod(fault)
    writer.add_session(new_session(rows=1, images=1))
    settle(writer)
    assert states(writer) == ["failed"]
    assert FakeRenderer.sizes == [1, 1, 1]
    said = str(list_images(writer.library, "k3f9x2")[0].error)
    assert "out of memory on cpu for 8×8 with builtin" in said
    assert "smaller size" in said


def test_renderers_that_are_killed_are_replaced_without_a_strike(writer: Writer) -> None:
    kills = iter(range(6))

    def fault(wanted: RenderBatch) -> None:
        if next(kills, None) is not None:
            raise RendererDiedError("killed")

    FakeRenderer.fault = staticmethod(fault)
    writer.add_session(new_session())
    settle(writer)
    assert states(writer) == ["done"] * 12
    assert FakeRenderer.started == 7


def test_a_batch_that_kills_every_renderer_fails_and_the_rest_goes_on(writer: Writer) -> None:
    def fault(wanted: RenderBatch) -> None:
        if wanted.images[0].image.startswith("k3f9x2-2-"):
            raise RendererDiedError("the renderer was killed (SIGSEGV)")

    FakeRenderer.fault = staticmethod(fault)
    writer.add_session(new_session(rows=3, images=4, largest=4))
    settle(writer)
    assert states(writer) == ["failed"] * 4 + ["done"] * 8
    assert "SIGSEGV" in str(list_images(writer.library, "k3f9x2")[0].error)
    assert len(FakeRenderer.sizes) == DEATHS + 2


def test_a_hanging_renderer_is_replaced_and_counts_as_a_strike(writer: Writer) -> None:
    def fault(wanted: RenderBatch) -> None:
        raise RendererHungError("no sign of life for 600 s")

    FakeRenderer.fault = staticmethod(fault)
    writer.add_session(new_session(rows=1, images=1))
    settle(writer)
    assert states(writer) == ["failed"]
    assert FakeRenderer.started == 3
    assert "hangs" in str(list_images(writer.library, "k3f9x2")[0].error)


def test_a_model_that_does_not_load_fails_with_the_reason(writer: Writer) -> None:
    def load_fault(device: str) -> None:
        raise LoadError("weights are pickled, not safetensors")

    FakeRenderer.load_fault = staticmethod(load_fault)
    writer.add_session(new_session())
    settle(writer)
    assert set(states(writer)) == {"failed"}
    assert "safetensors" in str(list_images(writer.library, "k3f9x2")[0].error)


def test_a_session_deleted_while_its_model_loads_does_not_end_the_others(writer: Writer) -> None:
    def load_fault(device: str) -> None:
        FakeRenderer.load_fault = None
        trash.trash_session(writer, "gone00")
        trash.empty_trash(writer)

    FakeRenderer.load_fault = staticmethod(load_fault)
    writer.add_session(new_session("gone00"))
    writer.add_session(new_session())
    settle(writer)
    assert states(writer) == ["done"] * 12


def test_dying_while_loading_pauses_with_the_reason_and_fails_no_image(writer: Writer) -> None:
    """Too little memory, say: the model waits, longer each time, until it can be loaded."""
    deaths = []

    def load_fault(device: str) -> None:
        deaths.append(device)
        raise RendererDiedError("the renderer on cpu was killed (Killed)")

    def hear(event: AnyEvent) -> None:
        if isinstance(event, Paused) and event.reason:
            assert states(writer) == ["waiting"] * 4
            FakeRenderer.load_fault = None

    FakeRenderer.load_fault = staticmethod(load_fault)
    writer.add_session(new_session(rows=1))
    events = settle(writer, hear=hear)
    said = reasons_of(events)
    # Where the machine is busy, it may have been tried again before the pause was heard of.
    assert len(deaths) >= 3 and "while it loaded builtin, " in str(said[0])
    assert states(writer) == ["done"] * 4


@pytest.mark.parametrize("how", ["at its start", "at its load", "while rendering"])
def test_a_machine_that_cannot_render_pauses_and_fails_no_image(
    writer: Writer, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """Mended, work goes on; nothing counts as a strike, however often it was tried."""
    really_start, broken = FakeRenderer.start, [True]

    async def start(device: str, *rest: Any) -> FakeRenderer:
        FakeRenderer.started += 1
        if broken:
            raise MachineError("AssertionError: Torch not compiled with CUDA enabled")
        return await really_start(device, *rest)

    def load_fault(device: str) -> None:
        if broken:
            FakeRenderer.started += 1
            raise MachineError("Torch not compiled with CUDA enabled")

    def fault(wanted: RenderBatch) -> None:
        if broken:
            FakeRenderer.started += 1
            raise MachineFaultError("Torch not compiled with CUDA enabled")

    def hear(event: AnyEvent) -> None:
        if FakeRenderer.started >= 5 and isinstance(event, Paused) and event.reason:
            broken.clear()

    monkeypatch.setattr("engine.service.backoff.LONGEST_PAUSE_SECONDS", 0.3)
    monkeypatch.setattr("engine.service.backoff.LONGEST_PAUSE_SECONDS", 0.3)
    if how == "at its start":
        monkeypatch.setattr(FakeRenderer, "start", start)
    elif how == "at its load":
        FakeRenderer.load_fault = staticmethod(load_fault)
    else:
        FakeRenderer.fault = staticmethod(fault)
    writer.add_session(new_session(rows=3))
    events = settle(writer, ["cuda:0"], hear=hear)
    assert states(writer) == ["done"] * 12
    assert [image.error for image in list_images(writer.library, "k3f9x2")] == [None] * 12
    (strikes,) = writer.read("SELECT sum(strikes) AS sum FROM images")
    assert strikes["sum"] == 0
    said = [str(reason) for reason in reasons_of(events)]
    assert "cuda:0 cannot render: " in said[0]
    assert "Torch not compiled" in said[0] and "engine start --devices cpu" in said[0]
    assert any("now tries once a minute" in reason for reason in said)


def test_a_renderer_that_dies_at_its_start_three_times_is_left_alone_until_someone_asks(
    writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its next try is a long while away; `wake`, by a resume for one, has it tried at once."""
    starts: list[str] = []

    async def start(device: str, *rest: Any) -> FakeRenderer:
        starts.append(device)
        raise RendererDiedError("the renderer on cpu ended (exit code 1): no temporary folder")

    monkeypatch.setattr(FakeRenderer, "start", start)
    writer.add_session(new_session(rows=1))

    async def run() -> None:
        alone = asyncio.Event()

        def publish(event: AnyEvent) -> None:
            if isinstance(event, Paused) and "now tries once a minute" in str(event.reason):
                alone.set()

        thread = WriterThread(writer)
        dispatcher = Dispatcher(thread, writer.library, Settings(), ["cpu"], publish)
        running = asyncio.create_task(dispatcher.run())
        await asyncio.wait_for(alone.wait(), 30)
        assert len(starts) == 3
        assert "no temporary folder" in str(dispatcher.paused)
        alone.clear()
        (worker,) = dispatcher._workers
        assert worker.fault is not None and worker.fault.seconds >= 60
        dispatcher.wake()
        await asyncio.wait_for(_true(lambda: len(starts) > 3), 30)
        await dispatcher.stop(Scope(None))
        await asyncio.wait_for(_true(lambda: dispatcher.idle and dispatcher.paused is None), 30)
        await dispatcher.close()
        await asyncio.wait_for(running, 10)

    asyncio.run(run())
    assert states(writer) == ["stopped"] * 4


async def _true(condition: Callable[[], bool]) -> None:
    while not condition():
        await asyncio.sleep(0.01)


def test_a_batch_whose_gpu_fails_each_time_fails_like_one_that_kills_its_renderer(
    writer: Writer,
) -> None:
    def fault(wanted: RenderBatch) -> None:
        if wanted.images[0].image.startswith("k3f9x2-2-"):
            raise DeviceFaultError

    FakeRenderer.fault = staticmethod(fault)
    writer.add_session(new_session(rows=3, images=4, largest=4))
    settle(writer)
    assert states(writer) == ["failed"] * 4 + ["done"] * 8
    assert len(FakeRenderer.sizes) == DEATHS + 2


def test_a_full_disk_pauses_and_goes_on_by_itself(
    writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from engine.library import files

    attempts = iter(range(5))

    def full_at_first(image: str, final: Path, data: bytes) -> files.StagedFile:
        if next(attempts, None) is not None:
            raise OSError(28, "No space left on device")
        return files.stage(image, final, data)

    monkeypatch.setattr("engine.service.server.writer_thread.stage", full_at_first)
    writer.add_session(new_session())
    events = settle(writer)
    assert states(writer) == ["done"] * 12
    assert all(image.error is None for image in list_images(writer.library, "k3f9x2"))
    assert any("No space" in str(reason) for reason in reasons_of(events))


def test_what_was_rendered_is_kept_until_there_is_room_for_it(
    writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is drawn twice for a full disk, and what had room at once is not written again."""
    from engine.library import files

    attempts = iter(range(4))
    written: list[str] = []

    def full_at_times(image: str, final: Path, data: bytes) -> files.StagedFile:
        if next(attempts, 0) in (1, 2, 3):
            raise OSError(28, "No space left on device")
        written.append(image)
        return files.stage(image, final, data)

    monkeypatch.setattr("engine.service.server.writer_thread.stage", full_at_times)
    writer.add_session(new_session(largest=4))
    settle(writer)
    assert states(writer) == ["done"] * 12
    assert FakeRenderer.sizes == [4] * 3
    assert len(written) == len(set(written)) == 12
    assert verify(writer.library).whole


def test_rendering_waits_while_the_disk_is_under_its_reserve(
    writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from collections import namedtuple

    Usage = namedtuple("Usage", "total used free")
    free = iter([0, 0, 0])
    monkeypatch.setattr(
        "engine.service.server.pausing.shutil.disk_usage", lambda _: Usage(0, 0, next(free, 10**12))
    )
    writer.add_session(new_session())
    events = settle(writer)
    paused = reasons_of(events)
    assert "above the reserve of 512 MiB" in str(paused[0])
    assert paused[-1] is None
    assert states(writer) == ["done"] * 12


def test_a_device_that_cannot_load_leaves_the_work_to_the_others(writer: Writer) -> None:
    def load_fault(device: str) -> None:
        if device == "cuda:0":
            raise LoadError("out of memory")

    FakeRenderer.load_fault = staticmethod(load_fault)
    writer.add_session(new_session(rows=30, largest=2))
    settle(writer, ["cuda:0", "cpu"])
    assert states(writer) == ["done"] * 120


def test_a_renderer_that_sends_no_picture_is_not_asked_for_ever(writer: Writer) -> None:
    def fault(wanted: RenderBatch) -> None:
        wanted.images.clear()

    FakeRenderer.fault = staticmethod(fault)
    writer.add_session(new_session(rows=1, images=2))
    settle(writer)
    assert states(writer) == ["failed"] * 2
    assert "returned no image" in str(list_images(writer.library, "k3f9x2")[0].error)


def test_a_fault_nobody_thought_of_is_a_strike_and_the_rest_goes_on(writer: Writer) -> None:
    def fault(wanted: RenderBatch) -> None:
        if any(image.image == "k3f9x2-2-1" for image in wanted.images):
            raise RuntimeError("a bug")

    FakeRenderer.fault = staticmethod(fault)
    writer.add_session(new_session(rows=2, images=4, largest=4))
    settle(writer)
    assert states(writer) == ["failed"] + ["done"] * 7


def test_a_disk_that_fills_up_at_the_commit_loses_nothing(
    writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    finish = Writer.finish
    attempts = iter(range(3))

    def full_at_commit(self: Writer, staged: Any) -> Any:
        if next(attempts, None) is not None:
            publish(item for item, _ in staged)
            raise sqlite3.OperationalError("database or disk is full")
        return finish(self, staged)

    monkeypatch.setattr(Writer, "finish", full_at_commit)
    writer.add_session(new_session())
    settle(writer)
    assert states(writer) == ["done"] * 12
    assert verify(writer.library).whole


def test_a_database_that_is_full_when_a_batch_begins_is_waited_for(
    writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin = Writer.begin
    attempts = iter(range(3))

    def full_at_first(self: Writer, batch: Any, conditions: Any) -> Conditions | None:
        if next(attempts, None) is not None:
            raise sqlite3.OperationalError("database or disk is full")
        return begin(self, batch, conditions)

    monkeypatch.setattr(Writer, "begin", full_at_first)
    writer.add_session(new_session())
    settle(writer)
    assert states(writer) == ["done"] * 12


def test_a_database_deleted_under_the_last_batch_ends_the_engine_process(writer: Writer) -> None:
    def fault(wanted: RenderBatch) -> None:
        database_path(writer.library).unlink(missing_ok=True)

    FakeRenderer.fault = staticmethod(fault)
    writer.add_session(new_session(rows=1, images=2))

    async def run() -> None:
        thread = WriterThread(writer)
        dispatcher = Dispatcher(thread, writer.library, Settings(), ["cpu"], lambda _: None)
        await asyncio.wait_for(dispatcher.run(), 10)

    with pytest.raises(ExceptionGroup, match="unhandled") as caught:
        asyncio.run(run())
    assert caught.group_contains(LibraryError, match="moved or deleted")


def test_a_device_that_cannot_start_leaves_the_work_to_the_others(
    writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = FakeRenderer.start

    async def picky(device: str, *rest: Any) -> FakeRenderer:
        if device == "cuda:0":
            raise RendererDiedError("no driver")
        return await start(device, *rest)

    monkeypatch.setattr(FakeRenderer, "start", picky)
    writer.add_session(new_session(rows=30, largest=2))
    settle(writer, ["cuda:0", "cpu"])
    assert states(writer) == ["done"] * 120


def test_a_gpu_that_fails_gets_a_new_renderer(writer: Writer) -> None:
    faults = iter(range(2))

    def fault(wanted: RenderBatch) -> None:
        if next(faults, None) is not None:
            raise DeviceFaultError

    FakeRenderer.fault = staticmethod(fault)
    writer.add_session(new_session(rows=1, images=2))
    settle(writer)
    assert states(writer) == ["done"] * 2
    assert FakeRenderer.started == 3


def test_what_memory_allowed_is_remembered(writer: Writer) -> None:
    def fault(wanted: RenderBatch) -> None:
        if wanted.size > 2:
            raise OutOfMemoryFaultError

    FakeRenderer.fault = staticmethod(fault)
    writer.add_session(new_session(rows=2, images=4))
    settle(writer)
    assert fits_on(writer, "cpu") == {("h", "8x8"): 2}
    assert fits_on(writer, "another device") == {}


def test_of_calls_side_by_side_nothing_is_remembered(
    writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fault(wanted: RenderBatch) -> None:
        if wanted.size > 2:
            raise OutOfMemoryFaultError

    monkeypatch.setattr(FakeRenderer, "alone", False)
    FakeRenderer.fault = staticmethod(fault)
    writer.add_session(new_session(rows=2, images=4))
    settle(writer)
    assert states(writer) == ["done"] * 8
    assert fits_on(writer, "cpu") == {}


@pytest.mark.parametrize(
    ("mib", "max_batch", "size"), [(10, 0, 16), (90, 0, 8), (900, 0, 1), (90, 2, 2), (10, 32, 32)]
)
def test_a_session_has_the_batches_that_the_memory_of_its_gpu_was_measured_to_hold(
    writer: Writer,
    config: Path,
    monkeypatch: pytest.MonkeyPatch,
    mib: int,
    max_batch: int,
    size: int,
) -> None:
    builtin = files("assets") / "models" / "builtin"
    entry = f'label = "mine"\nsource = "{builtin}"\nmax_batch = {max_batch}\n'
    (config / "models.toml").write_text(f"[[models]]\n{entry}")
    monkeypatch.setattr(FakeRenderer, "mib", mib)
    checked = Library(Settings()).sheets.check_prompts(["a red circle"] * 40, model="mine")
    rows = Submit.packed(
        RequestedRow(row.number, {}, {}, row.values)
        for row in checked.sheet.ready
        if row.values is not None
    )

    async def largest() -> int:
        submissions = Submissions(WriterThread(writer), RenderSettings(), lambda: {"fake gpu"})
        tally, _ = await submissions.accept(Submit("a test", RowsSource("typed"), rows))
        (found,) = writer.read(
            "SELECT max(size) AS size FROM batches"
            " WHERE session = (SELECT id FROM sessions WHERE key = ?)",
            (tally.session,),
        )
        return int(found["size"])

    assert asyncio.run(largest()) == (max_batch or 4), "nothing is known yet"
    settle(writer, ["fake gpu"])
    assert asyncio.run(largest()) == size
    monkeypatch.setattr(FakeRenderer, "mib", 2 * mib)
    settle(writer, ["fake gpu"])
    assert asyncio.run(largest()) == size, "what was measured once is kept"


def test_an_idle_device_takes_what_lies_ready_at_another(
    writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first computes for as long as the other is idle: its second batch must go there."""
    drawn: dict[str, list[int]] = {"one": [], "two": []}
    elsewhere = asyncio.Event()
    stopped: dict[int, asyncio.Event] = {}
    really_render = FakeRenderer.render

    async def render(
        self: FakeRenderer, wanted: RenderBatch, timeout: float
    ) -> AsyncGenerator[Framed[AnyFromRenderer]]:
        batch = wanted.batch
        frames = really_render(self, wanted, timeout)
        if self.device == "one" and drawn["one"]:
            # it waits for its turn there, until someone takes it back
            stopped[batch] = asyncio.Event()
            await stopped[batch].wait()
            yield Framed(BatchEnded(batch))
            return
        drawn[self.device].append(batch)
        if self.device == "one":
            yield Framed(BatchStarted(batch))
            await elsewhere.wait()
        else:
            elsewhere.set()
        async for frame in frames:
            yield frame

    async def stop(self: FakeRenderer, batch: int) -> None:
        if batch in stopped:
            stopped[batch].set()

    monkeypatch.setattr(FakeRenderer, "render", render)
    monkeypatch.setattr(FakeRenderer, "stop", stop)
    writer.add_session(new_session(rows=2, images=2, largest=2))
    settle(writer, ["one", "two"])
    assert states(writer) == ["done"] * 4
    assert (len(drawn["one"]), len(drawn["two"])) == (1, 1)


def test_of_several_unlike_devices_the_first_to_begin_chooses_the_conditions(
    writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both offer their own at the start; what the later one draws is drawn under the first's."""
    offered = {
        device: replace(CONDITIONS, device=device, dtype=dtype)
        for device, dtype in (("cpu", "float32"), ("gpu", "bfloat16"))
    }
    used: list[tuple[str, Any]] = []
    loaded: dict[str, list[Any]] = {device: [] for device in offered}
    both = asyncio.Barrier(2)
    really_render = FakeRenderer.render

    async def load(self: FakeRenderer, *arguments: Any) -> Conditions:
        loaded[self.device].append(arguments[0])
        if len(loaded[self.device]) == 1:
            await both.wait()
        return offered[self.device]

    def render(self: FakeRenderer, wanted: RenderBatch, timeout: float) -> Any:
        used.append((self.device, wanted.conditions))
        return really_render(self, wanted, timeout)

    monkeypatch.setattr(FakeRenderer, "load", load)
    monkeypatch.setattr(FakeRenderer, "render", render)
    writer.add_session(new_session(rows=8, images=2, largest=2))
    settle(writer, ["cpu", "gpu"])
    (kept,) = writer.read("SELECT body FROM conditions")
    chosen = Conditions.from_json(json.loads(kept["body"]))
    assert [conditions.device for _, conditions in used] == [chosen.device] * 8
    assert [conditions.dtype for _, conditions in used] == [chosen.dtype] * 8
    asked = loaded["gpu" if chosen.device == "cpu" else "cpu"]
    assert asked[0].kept is None and asked[1].kept.dtype == chosen.dtype
    assert {each.pixels for each in asked} == {8 * 8}, "as large as the session's largest picture"
