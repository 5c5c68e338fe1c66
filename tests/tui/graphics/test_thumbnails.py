import os
from pathlib import Path

import pytest
from PIL import Image
from rich.console import Console

from tui.graphics.encode import EncodedPicture, draw, encode, pixel_size
from tui.graphics.thumbnails import THUMBNAIL, thumbnail, tidy


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


def picture(path: Path, size: tuple[int, int] = (1200, 800), colour: str = "red") -> Path:
    Image.new("RGB", size, colour).save(path)
    return path


def kept(cache: Path) -> list[Path]:
    return [p for p in cache.rglob("*") if p.is_file()]


def test_a_large_picture_is_decoded_once(cache: Path, tmp_path: Path) -> None:
    path = picture(tmp_path / "a.png")
    first = thumbnail(path, path.stat())
    assert first.size == (THUMBNAIL, 256)
    (file,) = kept(cache)
    assert file.stat().st_mode & 0o077 == 0, "others can read what was rendered"
    about = path.stat()
    path.unlink()
    again = thumbnail(path, about)
    assert again.size == first.size
    assert max(abs(a - b) for a, b in zip(again.getpixel((5, 5)), (255, 0, 0), strict=True)) < 6  # type: ignore[arg-type]


def test_a_changed_file_has_a_new_thumbnail(cache: Path, tmp_path: Path) -> None:
    path = picture(tmp_path / "a.png")
    thumbnail(path, path.stat())
    picture(path, (800, 1300), "blue")
    assert thumbnail(path, path.stat()).height == THUMBNAIL
    assert len(kept(cache)) == 2


def test_small_pictures_are_not_worth_keeping(cache: Path, tmp_path: Path) -> None:
    path = picture(tmp_path / "a.png", (128, 128))
    assert thumbnail(path, path.stat()).size == (128, 128)
    assert not kept(cache)


def test_a_damaged_or_unwritable_cache_only_costs_time(cache: Path, tmp_path: Path) -> None:
    path = picture(tmp_path / "a.png")
    thumbnail(path, path.stat())
    (file,) = kept(cache)
    file.write_bytes(file.read_bytes()[:60])
    assert thumbnail(path, path.stat()).width == THUMBNAIL
    for each in kept(cache):
        each.unlink()
    (cache / "promptsheet" / "thumbnails" / file.parent.name).rmdir()
    (cache / "promptsheet" / "thumbnails" / file.parent.name).write_text("in the way")
    assert thumbnail(path, path.stat()).width == THUMBNAIL


def test_the_oldest_thumbnails_go_when_there_are_too_many(tmp_path: Path) -> None:
    for age in range(5):
        file = tmp_path / f"{age}.jpg"
        file.write_bytes(bytes(100))
        os.utime(file, (1000 - age, 1000 - age))
    tidy(tmp_path, 250)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["0.jpg", "1.jpg"]


def sent(picture: EncodedPicture) -> int:
    """Bytes on the line."""
    if picture.halves is None or picture.sixels:
        return sum(map(len, (*(strip.text for strip in picture.sixels), *picture.transmission)))
    console = Console(color_system="truecolor", force_terminal=True)
    return sum(len(strip.render(console)) for strip in draw(picture))


@pytest.mark.parametrize("protocol", ["sixel", "kitty", "half-cells"])
@pytest.mark.parametrize("cells", [(14, 7), (60, 30)])
def test_a_thin_line_costs_less_than_half(
    protocol: str, cells: tuple[int, int], tmp_path: Path
) -> None:
    size = pixel_size(protocol, cells, (10, 20))  # type: ignore[arg-type]
    channels = [Image.effect_noise((16, 16), 150).resize(size, Image.Resampling.BICUBIC)] * 3
    photo = Image.merge("RGB", [c.rotate(90 * n).resize(size) for n, c in enumerate(channels)])
    image = Image.blend(photo, Image.effect_noise(size, 60).convert("RGB"), 0.1)
    full, low = (encode(image, protocol, cells, low=low) for low in (False, True))  # type: ignore[arg-type]
    assert sent(low) < 0.5 * sent(full)
