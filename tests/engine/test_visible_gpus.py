"""Which GPUs may be used, as CUDA_VISIBLE_DEVICES says."""

import sys
from types import SimpleNamespace

import pytest

from engine import machine
from engine.api import diagnosis
from engine.api.diagnosis import machine_state
from engine.service import devices
from engine.service.devices import find_devices
from engine.settings import Settings
from engine.visible_gpus import visible_gpus, why_no_gpu

UUIDS = ("GPU-aaaa-1111", "GPU-bbbb-2222", "GPU-cccc-3333")


@pytest.mark.parametrize(
    ("value", "seen"),
    [
        ("2,0", ("2", "0")),
        (" 1 , 2x", ("1", "2")),
        ("0,-1,1", ("0",)),
        ("0,,1", ("0",)),
        ("0,GPU-aaaa", ("0",)),
        ("1,1", ()),
        ("GPU-bbbb,GPU-aaaa", ("GPU-bbbb", "GPU-aaaa")),
        ("GPU-bbbb,0", ("GPU-bbbb",)),
        ("MIG-5f8f2ba9-1", ("MIG-5f8f2ba9-1",)),
        ("MIG-GPU-aaaa-1111/1/0", ("MIG-GPU-aaaa-1111/1/0",)),
        ("", ()),
        ("-1", ()),
        ("NoDevFiles", ()),
    ],
)
def test_the_list_is_read_as_cuda_reads_it(
    monkeypatch: pytest.MonkeyPatch, value: str, seen: tuple[str, ...]
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", value)
    assert visible_gpus() == seen
    assert (why_no_gpu() or "").endswith(("no GPU may be used", "names no GPU of this machine"))


class DriverError(Exception):
    pass


@pytest.fixture
def three_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    """NVIDIA's driver with three GPUs of 10, 20, and 30 bytes, and a part of one with 5."""

    def by_index(number: int) -> str:
        if number >= len(UUIDS):
            raise DriverError
        return UUIDS[number]

    def by_uuid(name: str) -> str:
        if name != "MIG-1":
            raise DriverError
        return name

    def use(handle: str) -> SimpleNamespace:
        if handle == "MIG-1":
            raise DriverError
        return SimpleNamespace(gpu=50)

    def room(handle: str) -> SimpleNamespace:
        total = 5 if handle == "MIG-1" else 10 * (UUIDS.index(handle) + 1)
        return SimpleNamespace(used=0, total=total)

    driver = SimpleNamespace(
        NVMLError=DriverError,
        nvmlInit=lambda: None,
        nvmlShutdown=lambda: None,
        nvmlDeviceGetCount=lambda: len(UUIDS),
        nvmlDeviceGetHandleByIndex=by_index,
        nvmlDeviceGetHandleByUUID=by_uuid,
        nvmlDeviceGetUUID=lambda handle: handle,
        nvmlDeviceGetMemoryInfo=room,
        nvmlDeviceGetUtilizationRates=use,
        nvmlDeviceGetCudaComputeCapability=lambda _: (9, 0),
    )
    monkeypatch.setitem(sys.modules, "pynvml", driver)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


@pytest.mark.parametrize(
    ("value", "totals"),
    [
        ("2,0", [30, 10]),
        ("GPU-bbbb", [20]),
        ("1,7,0", [20]),
        ("MIG-1", [5]),
    ],
)
def test_gpus_are_shown_by_the_numbers_that_torch_gives_them(
    monkeypatch: pytest.MonkeyPatch, three_gpus: None, value: str, totals: list[int]
) -> None:
    assert [use.total for use in machine.devices_in_use()] == [10, 20, 30]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", value)
    found = machine.devices_in_use()
    assert [use.total for use in found] == totals
    assert [use.device for use in found] == [f"cuda:{n}" for n in range(len(totals))]
    roomiest = machine.roomiest_gpu()
    assert roomiest is not None and roomiest.total == max(totals)


def test_without_a_gpu_that_may_be_used_the_processor_is_and_that_is_said(
    monkeypatch: pytest.MonkeyPatch, three_gpus: None
) -> None:
    monkeypatch.setattr(devices, "_GPU_NODES", ("/dev/null",))
    monkeypatch.setattr(devices, "ask_torch", lambda: {"cuda:0": "one", "cuda:1": "one"})
    assert find_devices(["auto"]).devices == ["cuda:0", "cuda:1"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    found = find_devices(["auto"])
    assert (found.devices, found.fault) == (["cpu"], None)
    assert found.hidden == "CUDA_VISIBLE_DEVICES is set, and empty: no GPU may be used"
    assert find_devices(["cuda:0"]).hidden, "asked for by name, too"
    assert find_devices(["cpu"]).hidden is None
    assert not machine.may_have_gpu()
    assert [use.device for use in machine.devices_in_use()] == ["cpu"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "5")
    monkeypatch.setattr(devices, "ask_torch", lambda: {"cpu": "cpu"})
    assert "5, which names no GPU of this machine" in (find_devices(["auto"]).hidden or "")


def test_doctor_says_that_a_name_is_none_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "GPU-nope")
    monkeypatch.setattr(diagnosis, "ask_torch", lambda: {"cpu": "cpu"})
    assert "GPU-nope, which names no GPU" in (machine_state(Settings()).hidden or "")
    monkeypatch.setattr(diagnosis, "ask_torch", lambda: {"cuda:0": "one"})
    assert machine_state(Settings()).hidden is None
