"""Device workers of a cluster's nodes, which come and go."""

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path

from engine.models.loras import LookForLoras
from engine.service.server.cluster import Cluster, NodeDevice
from engine.service.server.device_worker import DeviceWorker
from engine.settings import Settings


class NodeWorkers:
    """Which device workers there are for a cluster's nodes."""

    def __init__(
        self,
        cluster: Cluster,
        workers: list[DeviceWorker],
        library: Path,
        settings: Settings,
        loras: LookForLoras,
        loading: Callable[[], object],
    ) -> None:
        """None yet.

        Args:
            cluster: whose nodes.
            workers: of all devices; what comes is put there.
            library: the library's folder.
            settings: what holds.
            loras: tells which LoRAs there are now.
            loading: told when what is being loaded is something else.
        """
        self.cluster = cluster
        self._serving: set[asyncio.Task[None]] = set()
        self._workers = workers
        self._of: dict[NodeDevice, DeviceWorker] = {}
        self._library = library
        self._settings = settings
        self._loras = loras
        self._loading = loading

    def meet(self) -> list[DeviceWorker]:
        """Those that have come, to be served; on those that have gone nothing more is begun."""
        for place in self._of.keys() - set(self.cluster.devices):
            worker = self._of.pop(place)
            worker.gone = True
            worker.news.set()
        new = [place for place in self.cluster.devices if place not in self._of]
        for place in new:
            self._of[place] = self._made(place)
            self._workers.append(self._of[place])
        return [self._of[place] for place in new]

    def _made(self, place: NodeDevice) -> DeviceWorker:
        return DeviceWorker(
            place.device,
            place.kind,
            1,
            self._library,
            self._settings,
            self._loras,
            self._loading,
            node=place.node.name,
            start=partial(self.cluster.start, place, self._settings.render.load_timeout),
            mix=self._settings.ray.mix,
        )

    def served_by(self, task: "asyncio.Task[None]") -> None:
        """One of them is served by a task."""
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    async def ended(self) -> None:
        """Wait until all have ended what they had begun: until then the cluster is needed."""
        if self._serving:
            await asyncio.wait(set(self._serving))
