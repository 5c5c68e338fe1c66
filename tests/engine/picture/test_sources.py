"""Pictures that people bring: what is taken, what is refused and why, which pixels come of it."""

import hashlib
import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from PIL import Image, ImageCms

from engine.picture import looking
from engine.picture.looking import look_at_all
from engine.picture.source_files import SourceError, SourceFacts, open_plain
from engine.picture.sources import fitted, read_rgb, ready_mask, ready_pixels

pytestmark = pytest.mark.slow

WHITE = (255, 255, 255)


def halves(mode: str = "RGB", left: Any = (255, 0, 0), right: Any = (0, 0, 255)) -> Image.Image:
    """Two colours side by side, 40 × 20 pixels."""
    picture = Image.new(mode, (40, 20), left)
    picture.paste(right, (20, 0, 40, 20))
    return picture


def saved(picture: Image.Image, path: Path, **options: Any) -> Path:
    picture.save(path, **options)
    return path


def read(path: Path, background: tuple[int, int, int] = WHITE) -> Image.Image:
    with open_plain(path) as file:
        return read_rgb(file, background)


def look(path: Path) -> SourceFacts | str:
    ((_, found),) = look_at_all([path])
    return found


def near(pixel: Any, wanted: tuple[int, int, int], most: int = 4) -> bool:
    return all(abs(a - b) <= most for a, b in zip(pixel, wanted, strict=True))


# -------------------------------------------------------------------- pixels


def test_a_picture_is_turned_as_its_camera_noted(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned to the right
    path = saved(halves(), tmp_path / "a.jpg", exif=exif, quality=100, subsampling=0)
    found = look(path)
    assert isinstance(found, SourceFacts)
    assert (found.width, found.height) == (20, 40)
    picture = read(path)
    assert picture.size == (20, 40)
    assert near(picture.getpixel((10, 5)), (255, 0, 0))
    assert near(picture.getpixel((10, 35)), (0, 0, 255))


def swapped_profile() -> bytes:
    """An RGB profile in which red means green and green red."""
    body = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    names = {bytes(body[at : at + 4]): at for at in range(132, 132 + 12 * body[131], 12)}
    red, green = names[b"rXYZ"], names[b"gXYZ"]
    places = bytes(body[red + 4 : red + 12]), bytes(body[green + 4 : green + 12])
    body[red + 4 : red + 12], body[green + 4 : green + 12] = places[1], places[0]
    return bytes(body)


def test_colours_come_by_the_pictures_own_profile(tmp_path: Path) -> None:
    path = saved(halves(), tmp_path / "a.png", icc_profile=swapped_profile())
    assert near(read(path).getpixel((5, 5)), (0, 255, 0), 6)
    broken = saved(halves(), tmp_path / "b.png", icc_profile=b"no profile")
    assert read(broken).getpixel((5, 5)) == (255, 0, 0)


def test_what_is_transparent_shows_the_background(tmp_path: Path) -> None:
    picture = halves("RGBA", (255, 0, 0, 0), (0, 0, 255, 255))
    path = saved(picture, tmp_path / "a.png")
    assert read(path, (10, 200, 30)).getpixel((5, 5)) == (10, 200, 30)
    assert read(path, (10, 200, 30)).getpixel((35, 5)) == (0, 0, 255)
    palette = halves("P", 0, 1)
    palette.putpalette([255, 0, 0, 0, 0, 255])
    path = saved(palette, tmp_path / "p.png", transparency=0)
    assert read(path, (10, 200, 30)).getpixel((5, 5)) == (10, 200, 30)
    assert read(path).getpixel((35, 5)) == (0, 0, 255)
    grey = saved(halves("LA", (90, 255), (90, 0)), tmp_path / "la.png")
    assert read(grey).getpixel((5, 5)) == (90, 90, 90)
    assert read(grey).getpixel((35, 5)) == WHITE


def lab() -> Image.Image:
    srgb, other = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    picture = ImageCms.profileToProfile(halves(), srgb, other, outputMode="LAB")
    assert picture is not None
    return picture


@pytest.mark.parametrize(
    ("name", "make", "left", "right"),
    [
        ("p.png", lambda: halves().convert("P", palette=Image.Palette.ADAPTIVE), 0, 0),
        ("cmyk.jpg", lambda: halves().convert("CMYK"), 0, 0),
        ("cmyk.tif", lambda: halves().convert("CMYK"), 0, 0),
        ("lab.tif", lab, 0, 0),
        ("l.png", lambda: halves("L", 40, 200), (40,) * 3, (200,) * 3),
        ("one.png", lambda: halves("1", 0, 1), (0,) * 3, WHITE),
        ("one.tif", lambda: halves("1", 0, 1), (0,) * 3, WHITE),
        ("deep.png", lambda: halves("I;16", 40 * 257, 200 * 257), (40,) * 3, (200,) * 3),
        ("deep.tif", lambda: halves("I;16", 40 * 257, 200 * 257), (40,) * 3, (200,) * 3),
        ("a.webp", lambda: halves(), 0, 0),
        ("a.bmp", lambda: halves(), 0, 0),
        ("a.gif", lambda: halves(), 0, 0),
        ("a.ppm", lambda: halves(), 0, 0),
        ("a.avif", lambda: halves(), 0, 0),
    ],
)
def test_every_kind_of_pixels_comes_as_it_is_looked_at(
    tmp_path: Path, name: str, make: Callable[[], Image.Image], left: Any, right: Any
) -> None:
    options: dict[str, Any] = {"quality": 95} if name.endswith((".jpg", ".webp", ".avif")) else {}
    path = saved(make(), tmp_path / name, **options)
    found = look(path)
    assert isinstance(found, SourceFacts), found
    assert (found.width, found.height, found.note) == (40, 20, "")
    picture = read(path)
    assert picture.mode == "RGB"
    most = 24 if name.startswith("lab") else 12  # a level of Lab is several of blue
    assert near(picture.getpixel((5, 10)), left or (255, 0, 0), most)
    assert near(picture.getpixel((34, 10)), right or (0, 0, 255), most)


def test_a_picture_is_brought_to_the_size_that_is_drawn(tmp_path: Path) -> None:
    path = saved(halves(), tmp_path / "a.png")
    crop = ready_pixels(path, (20, 20), "crop", WHITE)
    assert crop.shape == (20, 20, 3)
    assert near(crop[10, 0], (255, 0, 0)) and near(crop[10, 19], (0, 0, 255))
    pad = ready_pixels(path, (40, 40), "pad", (9, 8, 7))
    assert tuple(pad[2, 20]) == (9, 8, 7)
    assert tuple(pad[20, 2]) == (255, 0, 0)
    stretch = ready_pixels(path, (40, 40), "stretch", WHITE)
    assert near(stretch[1, 2], (255, 0, 0))
    same = ready_pixels(path, (40, 20), "crop", WHITE)
    assert np.array_equal(same, np.asarray(halves()))
    assert fitted(halves(), (40, 20), "pad", WHITE).size == (40, 20)


def test_a_mask_is_white_or_transparent_where_it_is_drawn_anew(tmp_path: Path) -> None:
    grey = saved(halves("L", 0, 255), tmp_path / "a.png")
    assert ready_mask(grey, (40, 20), "crop")[5, 5] == 0
    assert ready_mask(grey, (40, 20), "crop")[5, 35] == 255
    hole = saved(halves("RGBA", (0, 0, 0, 255), (0, 0, 0, 0)), tmp_path / "b.png")
    assert ready_mask(hole, (40, 20), "crop")[5, 5] == 0
    assert ready_mask(hole, (40, 20), "crop")[5, 35] == 255
    assert ready_mask(grey, (40, 40), "pad")[2, 35] == 0, "what is put around is not drawn on"


# -------------------------------------------------------------------- what is refused


def test_what_cannot_be_drawn_on_is_refused_with_the_reason(tmp_path: Path) -> None:
    whole = saved(Image.effect_noise((64, 64), 90).convert("RGB"), tmp_path / "whole.png")
    photo = saved(Image.effect_noise((64, 64), 90).convert("RGB"), tmp_path / "whole.jpg")
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    files = {
        "cut.png": whole.read_bytes()[:300],
        "cut.jpg": photo.read_bytes()[:-900],
        "paper.png": b"%PDF-1.7 and so on",
        "drawing.png": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        "phone.jpg": b"\0\0\0\x18ftypheic" + bytes(100),
        "text.png": b"not a picture at all",
        "empty.png": b"",
    }
    for name, body in files.items():
        (tmp_path / name).write_bytes(body)
    saved(frames[0], tmp_path / "moving.gif", save_all=True, append_images=frames[1:])
    saved(frames[0], tmp_path / "moving.webp", save_all=True, append_images=frames[1:])
    saved(frames[0], tmp_path / "pages.tif", save_all=True, append_images=frames[1:])
    saved(Image.new("F", (8, 8)), tmp_path / "decimal.tif")
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "lost.png").symlink_to(tmp_path / "nowhere.png")
    wanted = {
        "cut.png": "incomplete",
        "cut.jpg": "incomplete",
        "paper.png": "a PDF",
        "drawing.png": "SVG",
        "phone.jpg": "HEIC",
        "text.png": "no picture that is known",
        "empty.png": "empty",
        "moving.gif": "animated (2 frames)",
        "moving.webp": "animated (2 frames)",
        "pages.tif": "2 pages",
        "decimal.tif": "decimal numbers",
        "pipe.png": "a named pipe",
        "folder.png": "a folder",
        "lost.png": "not found",
    }
    for path, found in look_at_all([tmp_path / name for name in wanted]):
        assert isinstance(found, str) and wanted[path.name] in found, (path.name, found)


def png_of(width: int, height: int) -> bytes:
    """A small file that says it is a large picture."""

    def part(kind: bytes, body: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + body))
        return struct.pack(">I", len(body)) + kind + body + check

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = zlib.compress(bytes(1 << 20))
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", head) + part(b"IDAT", rows) + part(b"IEND", b"")


def test_a_picture_with_too_many_pixels_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    path = tmp_path / "bomb.png"
    path.write_bytes(png_of(60_000, 60_000))
    found = look(path)
    assert isinstance(found, str) and "more than the limit of 200 million" in found


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_refused(tmp_path: Path) -> None:
    path = saved(halves(), tmp_path / "a.png")
    path.chmod(0)
    assert look(path) == "You have no permission to read this file."


def test_names_are_no_part_of_the_conversation_with_the_child(tmp_path: Path) -> None:
    names = [b'a\nb".png', "ü \u202e.png".encode(), b"\xff\xfe.png", b"-rf.png"]
    paths = [Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)) for name in names]
    for path in paths:
        saved(halves(), path)
    found = dict(look_at_all(paths))
    assert list(found) == paths
    digest = hashlib.blake2b(paths[0].read_bytes(), digest_size=16).hexdigest()
    for facts in found.values():
        assert isinstance(facts, SourceFacts) and facts.digest == digest


def test_a_wrong_ending_is_taken_and_said(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(saved(halves(), tmp_path / "a.png").read_bytes())
    found = look(path)
    assert isinstance(found, SourceFacts)
    assert (found.kind, found.note) == ("PNG", "Despite its name, it is a PNG picture.")


def test_a_child_that_dies_at_one_picture_loses_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    killer = tmp_path / "killer.png"
    paths = [saved(halves(), tmp_path / f"{n}.png") for n in range(6)]
    saved(halves(), killer)
    # What a hostile file can do to a decoder, done on purpose: the process ends at this one.
    monkeypatch.setattr(
        looking,
        "_CHILD",
        "import os, sys; sys.path[:] = sys.argv[2:]; from engine.picture import looker;"
        " look = looker._look\n"
        "def dying(path): return os.abort() if path.name == 'killer.png' else look(path)\n"
        "looker._look = dying; looker.main(int(sys.argv[1]))",
    )
    found = dict(look_at_all([*paths[:3], killer, *paths[3:]]))
    refused = found.pop(killer)
    assert isinstance(refused, str) and "damaged or very unusual" in refused
    assert all(isinstance(facts, SourceFacts) for facts in found.values())


def test_a_picture_that_takes_too_long_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = saved(halves(), tmp_path / "a.png")
    monkeypatch.setattr(looking, "_SECONDS", 0.2)
    monkeypatch.setattr(looking, "_CHILD", "import time; time.sleep(60)")
    found = look(path)
    assert isinstance(found, str) and "longer than" in found


@pytest.mark.usefixtures("in_earnest")
def test_children_end_with_whoever_asked(tmp_path: Path) -> None:
    paths = [saved(halves(), tmp_path / f"{n}.png") for n in range(4)]
    before = set(psutil.Process().children())
    found = look_at_all(paths)
    next(found)
    found.close()  # type: ignore[attr-defined]
    left = set(psutil.Process().children()) - before
    assert not [child for child in left if child.status() != psutil.STATUS_ZOMBIE]


def test_of_hundreds_of_pictures_none_is_left_out(tmp_path: Path) -> None:
    paths = [saved(Image.new("RGB", (n % 30 + 1, 4)), tmp_path / f"{n}.png") for n in range(200)]
    found = list(look_at_all(iter(paths)))
    assert [path for path, _ in found] == paths
    widths = [facts.width for _, facts in found if isinstance(facts, SourceFacts)]
    assert widths == [n % 30 + 1 for n in range(200)]


def test_only_plain_files_are_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(SourceError, match="named pipe"):
        open_plain(tmp_path / "pipe")
    with pytest.raises(SourceError, match="a device"):
        open_plain(Path("/dev/zero"))
