"""Devices of a cluster's nodes, which come and go, with renderers that do as they are told."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest

from engine.library.maintain.verify import verify
from engine.library.write.states import Scope
from engine.library.write.writer import Writer
from engine.picture.recipe import Conditions
from engine.protocol.cluster import Node
from engine.protocol.events import AnyEvent
from engine.protocol.framing import Framed
from engine.protocol.rendering import AnyFromRenderer, RenderBatch
from engine.service.devices import find_devices
from engine.service.server.cluster import Cluster, NodeDevice, devices_of
from engine.service.server.dispatcher import Dispatcher
from engine.service.server.renderer_client import MachineError, RendererDiedError
from engine.service.server.writer_thread import WriterThread
from engine.settings import (
    RaySettings,
    Settings,
    SettingsError,
    asks_for_ray_token,
    renderers_on_nodes,
    with_devices,
)
from tests.support.libraries import CONDITIONS, new_session
from tests.support.renderers import FakeRenderer, fake, reasons_of, states

pytestmark = pytest.mark.slow

__all__ = ["fake"]

GPUS = Node("g1", "big", 2, 64.0, "H200")
PLAIN = Node("p1", "box", 0, 8.0)


def test_a_node_has_a_device_for_each_accelerator_or_for_so_many_processors() -> None:
    def named(*nodes: Node, most: int = 99, cpus: float = 0) -> list[str]:
        return [place.device for place in devices_of(nodes, most, cpus)]

    assert named(PLAIN, GPUS) == ["big/cuda:0", "big/cuda:1", "box/cpu"]
    assert named(PLAIN, GPUS, most=2) == ["big/cuda:0", "big/cuda:1"]
    assert named(PLAIN, cpus=3) == ["box/cpu:0", "box/cpu:1"]
    assert named(PLAIN, cpus=9) == []
    assert named(Node("head", "head", 0, 0.0)) == []
    assert named(PLAIN, Node("q2345", "box", 0, 1.0)) == ["box-p1/cpu", "box-q234/cpu"]


def test_devices_of_a_cluster_stand_beside_those_of_this_machine() -> None:
    assert find_devices(["cpu", "ray:4"]).devices == ["cpu"]
    assert find_devices(["ray"]).devices == []
    assert renderers_on_nodes(["cpu"]) == 0
    assert renderers_on_nodes(["cpu", "ray:4"]) == 4
    assert renderers_on_nodes(["ray"]) > 500
    for wrong in ("ray:", "ray:0", "ray:x", "ray:-1", "ray:²"):
        with pytest.raises(SettingsError, match='write "ray"'):
            with_devices(Settings(), [wrong])


def test_a_token_that_the_user_has_is_asked_for_unless_they_say_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert not asks_for_ray_token()
    (tmp_path / ".ray").mkdir()
    (tmp_path / ".ray" / "auth_token").write_text("5ec2e7")
    assert asks_for_ray_token()
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    assert not asks_for_ray_token()
    monkeypatch.setenv("RAY_AUTH_MODE", "Token")
    assert asks_for_ray_token()


class FakeCluster:
    """A cluster whose nodes come and go as a test says."""

    lack = Cluster(RaySettings(address="10.0.0.5:6379"), 1, Path()).lack

    def __init__(self, *names: str) -> None:
        self.fault: str | None = None
        self.over = self.starting = False
        self.cut_off: list[str] = []
        """Devices that were still rendered on when it was let go."""
        self.devices: list[NodeDevice] = []
        self.set(*names)
        self._changed: Callable[[], object] = lambda: None

    def set(self, *names: str) -> None:
        nodes = [Node(name, name, 0, 1.0) for name in names]
        self.devices = devices_of(nodes, 99, 0)

    def has(self, *names: str) -> None:
        self.set(*names)
        self._changed()

    async def run(self, changed: Callable[[], object]) -> None:
        self._changed = changed
        try:
            await asyncio.Event().wait()
        finally:
            self.over = True

    async def start(self, place: NodeDevice, timeout: float) -> FakeRenderer:
        if place.device == "full/cpu":
            raise MachineError("full/cpu has no free processors now")
        if place.device == "slow/cpu":
            self.starting = True
            await until(lambda: not self.starting)
            raise MachineError("slow/cpu has left the cluster")
        found = await FakeRenderer.start(place.device, 1, 1, Path(), timeout)
        kill = found.kill

        async def killed() -> None:
            self.cut_off += [place.device] if self.over else []
            await kill()

        found.kill = killed  # type: ignore[method-assign]
        return found


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.01)


async def serving(
    writer: Writer,
    cluster: FakeCluster,
    act: Callable[[Dispatcher, list[AnyEvent]], Any],
    settings: Settings | None = None,
) -> list[AnyEvent]:
    """Serve a cluster's nodes alone while a test acts; what was published."""
    events: list[AnyEvent] = []
    dispatcher = Dispatcher(
        WriterThread(writer),
        writer.library,
        settings or Settings(),
        [],
        events.append,
        cluster=cluster,  # type: ignore[arg-type]
    )
    running = asyncio.create_task(dispatcher.run())
    try:
        await act(dispatcher, events)
    finally:
        await dispatcher.close()
        await asyncio.wait_for(running, 10)
    assert cluster.over and not cluster.cut_off
    return events


def test_nodes_that_come_are_used_and_those_that_go_are_missed_by_nobody(writer: Writer) -> None:
    drew: list[str] = []
    lost: list[FakeRenderer] = []

    def fault(renderer: FakeRenderer, wanted: RenderBatch) -> None:
        if renderer.device == "left/cpu" and lost:
            raise RendererDiedError("the node was lost")
        drew.append(renderer.device)

    async def act(dispatcher: Dispatcher, events: list[AnyEvent]) -> None:
        await until(lambda: any(reasons_of(events)))
        said = "the Ray cluster at 10.0.0.5:6379 is being asked for its nodes"
        assert any(said in str(reason) for reason in reasons_of(events)), "it says why it waits"
        cluster.has("slow")
        await until(lambda: cluster.starting)
        assert dispatcher.paused is None, "a renderer is being started"
        cluster.starting = False
        cluster.has("left")
        await until(lambda: "left/cpu" in drew)
        assert dispatcher.names() == {"cpu"}
        lost.append(True)  # type: ignore[arg-type]
        cluster.has("full", "right")
        await until(lambda: states(writer) == ["done"] * 12)
        assert "right/cpu" in drew
        assert [each.device for each in dispatcher.renderers()] == ["right/cpu"]

    FakeRenderer.fault = None
    cluster = FakeCluster()
    writer.add_session(new_session(largest=1))
    with told_who(fault):
        asyncio.run(serving(writer, cluster, act))
    assert verify(writer.library).whole


class told_who:  # noqa: N801
    """A fault that is told which renderer has the batch."""

    def __init__(self, fault: Callable[[FakeRenderer, RenderBatch], None]) -> None:
        self._fault = fault
        self._render = FakeRenderer.render

    def __enter__(self) -> None:
        fault, render = self._fault, self._render

        async def told(
            renderer: FakeRenderer, wanted: RenderBatch, timeout: float
        ) -> AsyncGenerator[Framed[AnyFromRenderer]]:
            FakeRenderer.fault = staticmethod(partial(fault, renderer))
            async for frame in render(renderer, wanted, timeout):
                yield frame

        FakeRenderer.render = told  # type: ignore[assignment, method-assign]

    def __exit__(self, *_: object) -> None:
        FakeRenderer.render = self._render  # type: ignore[method-assign]


@pytest.mark.parametrize("mix", [False, True])
def test_nodes_of_another_kind_take_no_part_in_a_session_unless_they_may(
    writer: Writer, mix: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    drew: set[str] = set()
    other = replace(CONDITIONS, versions={**CONDITIONS.versions, "torch": "9.9"})

    async def load(renderer: FakeRenderer, *_: object) -> Conditions:
        return other if renderer.device == "other/cpu" else CONDITIONS

    def fault(renderer: FakeRenderer, wanted: RenderBatch) -> None:
        drew.add(renderer.device)

    async def act(dispatcher: Dispatcher, events: list[AnyEvent]) -> None:
        await until(lambda: states(writer).count("done") > 2)
        cluster.has("other")
        if mix:
            await until(lambda: states(writer) == ["done"] * 12)
            return
        await until(lambda: "ray.mix = true" in str(reasons_of(events)))
        said = next(text for text in map(str, reasons_of(events)) if "ray.mix" in text)
        assert "other/cpu is left alone for session k3f9x2" in said
        assert "torch version" in said and "9.9" in said
        writer.add_session(new_session("m4m4m4", rows=1, images=1))
        dispatcher.wake()
        await until(lambda: states(writer, "m4m4m4") == ["done"])
        await dispatcher.stop(Scope("k3f9x2"))

    monkeypatch.setattr(FakeRenderer, "load", load)
    cluster = FakeCluster("like")
    writer.add_session(new_session(largest=1))
    settings = Settings()
    settings = msgspec.structs.replace(settings, ray=msgspec.structs.replace(settings.ray, mix=mix))
    with told_who(fault):
        asyncio.run(serving(writer, cluster, act, settings))
    assert drew == {"like/cpu", "other/cpu"}


def test_devices_with_nothing_to_do_do_not_wake_each_other(
    writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[object] = []
    look = Writer.next_batch

    def counted(*arguments: Any) -> Any:
        looks.append(1)
        return look(*arguments)

    async def idle() -> None:
        dispatcher = Dispatcher(
            WriterThread(writer), writer.library, Settings(), ["cpu"] * 3, lambda _: None
        )
        running = asyncio.create_task(dispatcher.run())
        await until(lambda: len(looks) >= 3)
        for _ in range(300):  # long enough for thousands, where each woke the others
            await asyncio.sleep(0.001)
        await dispatcher.close()
        await running

    monkeypatch.setattr(Writer, "next_batch", counted)
    asyncio.run(idle())
    assert len(looks) < 40
