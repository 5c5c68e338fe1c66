"""A picture together with the one that it was drawn on."""

from pathlib import Path

import pytest
from PIL import Image
from rich.console import Console

from tui.graphics.prepare import PictureFault, drawn
from tui.graphics.with_source import GONE, SourceView, is_across, together

RED, GREEN = (255, 0, 0), (0, 255, 0)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source"
    Image.new("RGB", (640, 320), RED).save(path, "PNG")
    return path


@pytest.fixture
def result() -> Image.Image:
    return Image.new("RGB", (400, 400), GREEN)


def at(image: Image.Image, x: float, y: float) -> object:
    return image.getpixel((int(image.width * x), int(image.height * y)))


def test_they_are_side_by_side_or_one_above_the_other_as_the_room_is(
    source: Path, result: Image.Image
) -> None:
    source_view = SourceView(source, "crop", "#FFFFFF")
    wide = together(result, source_view, (800, 300), None)
    assert wide.width > 800 and wide.height == 400
    assert (at(wide, 0.2, 0.5), at(wide, 0.8, 0.5)) == (RED, GREEN)
    tall = together(result, source_view, (300, 800), None)
    assert tall.height > 800 and tall.width == 400
    assert (at(tall, 0.5, 0.2), at(tall, 0.5, 0.8)) == (RED, GREEN)
    assert is_across((400, 400), (800, 300)) and not is_across((400, 400), (300, 800))


def test_the_source_is_seen_as_it_was_fitted(source: Path, result: Image.Image) -> None:
    padded = together(result, SourceView(source, "pad", "#0000FF", "instead"), (400, 400), None)
    assert padded.size == result.size
    assert (at(padded, 0.5, 0.05), at(padded, 0.5, 0.5)) == ((0, 0, 255), RED)


def test_it_is_wiped_over_the_result_up_to_a_line(source: Path, result: Image.Image) -> None:
    wiped = together(result, SourceView(source, "crop", "#FFFFFF", "wipe", 25), (400, 400), None)
    assert wiped.size == result.size
    assert [at(wiped, x, 0.5) for x in (0.1, 0.24, 0.27, 0.9)] == [RED, RED, GREEN, GREEN]
    for edge, colour in ((0, GREEN), (100, RED)):
        whole = together(result, SourceView(source, "crop", "#FFFFFF", "wipe", edge), (9, 9), None)
        assert whole.getcolors() == [(400 * 400, colour)]


def test_a_part_is_the_same_part_of_both(source: Path, result: Image.Image) -> None:
    part = (100, 100, 200, 150)
    both = together(result, SourceView(source, "crop", "#FFFFFF"), (800, 300), part)
    assert both.height == 50 and both.width > 200
    assert (at(both, 0.2, 0.5), at(both, 0.8, 0.5)) == (RED, GREEN)


async def test_without_its_source_the_result_is_there_and_that_is_said(
    tmp_path: Path, result: Image.Image, source: Path
) -> None:
    path = tmp_path / "result.png"
    result.save(path)
    gone = SourceView(tmp_path / "gone", "crop", "#FFFFFF")
    found = await drawn(path, (40, 20), Console(), source_view=gone)
    assert not isinstance(found, PictureFault) and found.said == GONE
    source.write_bytes(b"nonsense")
    found = await drawn(
        path, (40, 20), Console(), source_view=SourceView(source, "crop", "#FFFFFF")
    )
    assert not isinstance(found, PictureFault) and "cannot be shown" in found.said
    instead = SourceView(tmp_path / "gone", "crop", "#FFFFFF", "instead")
    fault = await drawn(path, (40, 20), Console(), source_view=instead)
    assert isinstance(fault, PictureFault) and fault.reason == GONE
