"""The machine in a few characters."""

import pytest

from engine.api import DeviceUse
from tui.widgets.gauges import device_gauge


@pytest.mark.parametrize(
    ("used", "total", "shown"),
    [
        (3_200_000_000, 25_000_000_000, "cpu 42% 3/25 GB"),
        (300_000_000, 450_000_000, "cpu 42% 300/450 MB"),
        (900_000_000, 2_100_000_000, "cpu 42% 0.9/2.1 GB"),
    ],
)
def test_little_memory_is_shown_as_it_is(
    monkeypatch: pytest.MonkeyPatch, used: int, total: int, shown: str
) -> None:
    use = DeviceUse("cpu", 42.0, used, total)
    monkeypatch.setattr("engine.api.devices_in_use", lambda: [use])
    assert device_gauge() == (shown,)
