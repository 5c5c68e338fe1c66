import io
import os
import re
import threading
from base64 import b64decode
from pathlib import Path

import pytest
from PIL import Image
from rich.cells import cell_len
from rich.console import Console

from tui.graphics import prepare as module
from tui.graphics.encode import EncodedPicture, draw
from tui.graphics.prepare import PictureCache, PictureFault, fitting, prepare
from tui.graphics.protocol import Protocol

pytestmark = pytest.mark.slow


CELL = (9, 18)


def made(
    path: Path, protocol: Protocol = "half-cells", box: tuple[int, int] = (40, 20)
) -> EncodedPicture:
    picture = prepare(path, box, CELL, protocol, PictureCache())
    assert isinstance(picture, EncodedPicture)
    return picture


def reason(path: Path) -> str:
    picture = prepare(path, (40, 20), CELL, "half-cells", PictureCache())
    assert isinstance(picture, PictureFault)
    return picture.reason


@pytest.mark.parametrize(
    ("size", "box", "cells"),
    [
        ((512, 512), (60, 30), (60, 30)),
        ((512, 512), (100, 30), (60, 30)),
        ((1024, 512), (60, 60), (60, 15)),
        ((512, 1024), (60, 30), (30, 30)),
        ((8, 8), (60, 30), (60, 30)),
        ((10_000, 1), (60, 30), (60, 1)),
        ((512, 512), (2000, 1000), (297, 148)),
    ],
)
def test_proportions_are_kept(
    size: tuple[int, int], box: tuple[int, int], cells: tuple[int, int]
) -> None:
    assert fitting(size, box, (10, 20)) == cells


def test_half_cells_have_the_exact_size(photo: Path) -> None:
    picture = made(photo)
    assert (picture.columns, picture.rows) == (40, 15)
    assert [strip.cell_length for strip in draw(picture)] == [40] * 15
    assert all(cell_len(strip.text) == 40 for strip in draw(picture))


def test_sixels_have_the_exact_size_and_half_cells_to_stand_in(photo: Path) -> None:
    picture = made(photo, "sixel")
    assert [row for s in picture.sixels for row in range(s.first, s.first + s.rows)] == [*range(15)]
    for strip in picture.sixels:
        assert strip.text.startswith(f'\x1bP0;0;0q"1;1;{40 * 9};{strip.rows * 18}#')
        assert strip.text.endswith("\x1b\\")
    assert len(picture.sixels) > 1, "a key need not wait for all of it"
    assert len(draw(picture)) == 15


def test_kitty_gets_a_png_of_the_exact_size_in_small_pieces(photo: Path) -> None:
    picture = made(photo, "kitty")
    sent = "".join(picture.transmission)
    messages = re.findall(r"\x1b_G([^;]*);([^\x1b]*)\x1b\\", sent)
    assert tuple(f"\x1b_G{a};{b}\x1b\\" for a, b in messages) == picture.transmission
    assert all(len(data) <= 4096 for _, data in messages)
    assert [keys[-3:] for keys, _ in messages] == ["m=1"] * (len(messages) - 1) + ["m=0"]
    image = Image.open(io.BytesIO(b64decode("".join(data for _, data in messages))))
    assert image.size == (40 * 9, 15 * 18)
    assert f"i={picture.number},c=40,r=15" in messages[0][0]
    assert [cell_len(strip.text) for strip in draw(picture)] == [40] * 15


def test_transparent_and_rotated_pictures_are_shown_as_meant(tmp_path: Path) -> None:
    path = tmp_path / "clear.png"
    Image.new("RGBA", (50, 50), (255, 0, 0, 0)).save(path)
    style = draw(made(path))[0]._segments[0].style
    assert style and style.color and style.color.triplet == (255, 255, 255)
    path = tmp_path / "turned.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (80, 40)).save(path, exif=exif)
    picture = made(path)
    assert picture.columns == picture.rows


def test_bad_files_give_words_and_never_an_exception(photo: Path, tmp_path: Path) -> None:
    whole = photo.read_bytes()
    (truncated := tmp_path / "truncated.png").write_bytes(whole[: len(whole) // 2])
    (head := tmp_path / "head.png").write_bytes(whole[:20])
    (empty := tmp_path / "empty.png").touch()
    (text := tmp_path / "text.png").write_text("not a picture")
    (pipe := tmp_path / "pipe.png").unlink(missing_ok=True)
    os.mkfifo(pipe)
    assert "damaged" in reason(truncated)
    assert reason(head)
    assert "not a picture" in reason(empty)
    assert "not a picture" in reason(text)
    assert "not found" in reason(tmp_path / "missing.png")
    assert "not a file" in reason(tmp_path)
    assert "not a file" in reason(pipe)


def test_a_file_broken_anywhere_never_raises(photo: Path, tmp_path: Path) -> None:
    whole, path = photo.read_bytes(), tmp_path / "bent.png"
    for at in range(0, len(whole), max(1, len(whole) // 60)):
        path.write_bytes(whole[:at] + b"\xff\x00" + whole[at + 2 :])
        prepare(path, (10, 5), CELL, "half-cells", PictureCache())


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_a_huge_picture_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    path = tmp_path / "huge.png"
    for size in ((10_100, 10_000), (20_000, 10_000)):
        Image.new("1", size).save(path)
        assert "too large to show" in reason(path)


def test_an_unchanged_file_is_made_once_and_a_changed_one_anew(
    photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = PictureCache()
    first = prepare(photo, (40, 20), CELL, "half-cells", cache)
    assert prepare(photo, (40, 20), CELL, "half-cells", cache) is first
    assert prepare(photo, (20, 20), CELL, "half-cells", cache) is not first
    assert prepare(photo, (40, 20), (8, 17), "half-cells", cache) is not first
    os.utime(photo, ns=(1, 1))
    assert prepare(photo, (40, 20), CELL, "half-cells", cache) is not first


def test_the_cache_stays_within_its_bounds_and_drops_the_oldest(photo: Path) -> None:
    weight = made(photo).weight
    cache = PictureCache(most_bytes=weight * 3)
    kept = prepare(photo, (40, 20), CELL, "half-cells", cache)
    for width in range(20, 40):
        prepare(photo, (width, 20), CELL, "half-cells", cache)
        assert prepare(photo, (40, 20), CELL, "half-cells", cache) is kept
        assert cache.bytes <= weight * 3
    assert len(cache) < 8


async def test_work_runs_beside_the_event_loop(
    photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[threading.Thread] = []

    def note(*_: object, **__: object) -> PictureFault:
        threads.append(threading.current_thread())
        return PictureFault("noted")

    monkeypatch.setattr(module, "prepare", note)
    assert await module.drawn(photo, (10, 10), Console()) == PictureFault("noted")
    assert threads and threads[0] is not threading.main_thread()
