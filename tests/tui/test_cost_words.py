"""What rendering would take, in words."""

from pathlib import Path
from typing import Any

from msgspec.structs import replace

from engine.api import BlankCount, Estimate, Library, MemoryNeed
from engine.plan.estimate import DiskNeed
from engine.settings import Settings
from tui.cost_words import blank_words, disk_words, memory_words

GB = 10**9


def test_a_blank_number_of_images_is_said_as_it_is() -> None:
    plain, drawn_on = BlankCount(False, 4, 7), BlankCount(True, 1, 2)
    assert blank_words([plain]) == "blank num_images: 4"
    assert blank_words([drawn_on]) == "blank num_images: 1 on a picture"
    assert blank_words([plain, drawn_on]) == "blank num_images: 4, and 1 on a picture"
    assert blank_words([]) == ""


def need(**changes: object) -> MemoryNeed:
    usual: dict[str, Any] = {
        "model": "flux",
        "bytes": 37 * GB,
        "placed_bytes": 27 * GB,
        "device": "cuda:0",
        "device_bytes": 32 * GB,
        "dtype": "bfloat16",
        "offload": "text",
        "tiled": False,
        "halves": False,
        "fits": True,
    }
    return MemoryNeed(**usual | changes)


def said(*needs: MemoryNeed) -> list[str]:
    return list(memory_words(Estimate(None, None, memory=needs)))


def test_a_model_larger_than_the_memory_is_said_with_what_will_be_done() -> None:
    whole = need(offload="none", placed_bytes=37 * GB, device_bytes=80 * GB)
    assert said(whole) == ["memory 37 GB of 80 GB"]
    assert said(whole, need()) == [
        "flux needs about 37 GB of memory for one image; cuda:0 has 32 GB: its text encoders leave"
        " the GPU once the texts are encoded (about 27 GB)"
    ]
    assert said(need(offload="model", tiled=True))[0].endswith(
        ": its parts take turns on the GPU and its pictures are decoded in tiles (about 27 GB)"
    )
    (lacking,) = said(need(offload="layers", fits=False))
    assert lacking.startswith("! ") and lacking.endswith(
        "it will not fit, even if its layers come to the GPU one by one, which is slow"
    )
    assert said(need(offload="none", fits=False))[0].endswith(": it will not fit")


def test_images_that_the_disk_will_not_hold_are_warned_of_before_they_are_started() -> None:
    def warned(room: int) -> list[str]:
        disk = DiskNeed(5 * GB, room, room >= 5 * GB)
        return list(disk_words(Estimate(60.0, 5 * GB, disk=disk)))

    assert warned(6 * GB) == []
    (warning,) = warned(2 * GB)
    assert warning.startswith("! the disk has room for 2.0 GB of that")
    assert list(disk_words(Estimate(None, None))) == []


def test_the_reserve_is_no_room_for_images(tmp_path: Path) -> None:
    settings = Settings(library=tmp_path / "none yet")
    for reserve, fits in ((0, True), (1 << 30, False)):  # MiB: more than any disk has
        reserving = replace(settings, engine=replace(settings.engine, reserve_mib=reserve))
        need = Library(reserving).sheets.check_prompts(["a boat"]).estimate.disk
        assert need is not None and need.fits is fits
