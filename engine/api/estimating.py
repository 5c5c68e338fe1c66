"""What rendering rows would take, by what the library has recorded and what this machine has."""

from collections.abc import Sequence
from dataclasses import replace

from engine.library.database import LibraryError
from engine.library.read.pace import measured_rates
from engine.library.read.usage import disk_use
from engine.machine import devices_in_use
from engine.models.catalog import ModelList
from engine.models.weights import model_size
from engine.plan.estimate import DiskNeed, Estimate, ModelRate, estimate, expected_rates
from engine.plan.memory import memory_needs
from engine.service.devices import AUTO
from engine.settings import Settings
from engine.sheet.rows import RowValues


def estimated(
    rows: Sequence[RowValues], models: ModelList, settings: Settings
) -> tuple[int, Estimate]:
    """How many images rows have, and what rendering them would take."""
    images, found = estimate(rows, models, _rates(models, settings))
    labels = {label for row in rows for label in (row.model, row.upscaler) if label}
    sizes = {label: model_size(models[label].files) for label in labels}
    devices = {
        use.device: use.total
        for use in devices_in_use()
        if {AUTO, use.device} & set(settings.render.devices)
    }
    memory = memory_needs(rows, models, sizes, devices)
    return images, replace(found, memory=memory, disk=_disk_need(found.bytes, settings))


def _disk_need(needed: int | None, settings: Settings) -> DiskNeed | None:
    if needed is None:
        return None
    try:
        use = disk_use(settings.library)
    except (LibraryError, OSError):  # that is for whoever opens it to complain of
        return None
    room = max(0, use.free - (settings.engine.reserve_mib << 20) - use.needed)
    return DiskNeed(needed, room, needed <= room)


def _rates(models: ModelList, settings: Settings) -> dict[str, ModelRate]:
    expected = expected_rates(models)
    try:
        measured = measured_rates(settings.library)
    except LibraryError:  # of another version, say: that is for whoever opens it to complain of
        return expected
    for label, rate in measured.items():
        if rate.bytes_per_pixel is None and label in expected:
            measured[label] = replace(rate, bytes_per_pixel=expected[label].bytes_per_pixel)
    return expected | measured
