"""Pictures that are found in folders, by patterns and among files; what is refused, and why."""

import io
import os
import subprocess
import tarfile
from collections.abc import Callable
from itertools import count
from pathlib import Path
from zipfile import ZipFile

import pytest

from engine.api.found_pictures import FoundPictures, find_pictures
from engine.api.picture_archives import unpacked_pictures
from engine.api.pictures_to_add import pictures_for_cells

NAMES = ("b.png", "a.JPG", "c/d.webp", "c/.hidden.png", ".h/e.png", "notes.txt", "z.png")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    for name in NAMES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    return folder


def names(found: FoundPictures) -> list[str]:
    return [picture.name for picture in found.pictures]


def reasons(found: FoundPictures) -> list[tuple[str, str]]:
    return [(Path(each.file).name, each.reason) for each in found.refused]


def test_a_folder_is_searched_in_the_order_of_its_names_and_those_below_keep_their_folders(
    photos: Path,
) -> None:
    assert names(find_pictures([photos])) == ["a.JPG", "b.png", "c/d.webp", "z.png"]
    assert names(find_pictures([photos], recursive=False)) == ["a.JPG", "b.png", "z.png"]
    both = find_pictures([photos / "c", photos])
    assert names(both) == ["c/d.webp", "photos/a.JPG", "photos/b.png", "photos/z.png"]
    assert reasons(both) == [
        ("d.webp", f"Same file as {photos / 'c' / 'd.webp'}, which is added only once.")
    ]


def test_a_pattern_stands_for_the_pictures_that_it_fits(photos: Path) -> None:
    assert sorted(names(find_pictures([photos / "**" / "*"]))) == [
        *("a.JPG", "b.png", "d.webp", "z.png"),
    ]
    assert names(find_pictures([photos / "?.png", photos / "b*"])) == ["b.png", "z.png"]
    (photos / "[a].png").write_text("called like a pattern")
    assert names(find_pictures([photos / "[a].png"])) == ["[a].png"]
    nothing = find_pictures([photos / "*.gif", photos / ".h" / "*", photos / "c" / "none"])
    assert reasons(nothing)[0] == ("*.gif", "No pictures found there.")
    assert names(nothing) == ["e.png", "none"], "of one that is not there, looking at it says so"


def test_what_is_found_again_by_another_name_or_round_a_circle_is_taken_once(photos: Path) -> None:
    (photos / "c" / "up").symlink_to(photos)
    (photos / "folder.png").symlink_to(photos / "c")
    os.link(photos / "b.png", photos / "c" / "b.png")
    (photos / "y.png").symlink_to(photos / "z.png")
    found = find_pictures([photos])
    assert names(found) == ["a.JPG", "b.png", "c/d.webp", "y.png"]
    assert [name for name, _ in reasons(found)] == ["b.png", "z.png"]
    assert names(find_pictures([photos, photos / "folder.png"]))[:1] == ["photos/a.JPG"]


def test_folders_may_be_as_deep_as_a_path_can_be_long(tmp_path: Path) -> None:
    folder = tmp_path
    for _ in range(1200):
        folder /= "a"
        folder.mkdir()
    (folder / "b.png").write_text("")
    try:
        assert len(find_pictures([tmp_path]).pictures) == 1
    finally:  # what clears pytest's folders away gives up at such a depth
        subprocess.run(["rm", "-rf", str(tmp_path / "a")], check=True)


def test_no_more_are_taken_than_may_be_and_that_is_said(photos: Path) -> None:
    found = find_pictures([photos, photos / "b.png"], most=3)
    assert len(found.pictures) == 3
    assert reasons(found) == [
        ("z.png", "Only the first 3 pictures were added. Add the rest separately.")
    ]
    assert reasons(find_pictures([photos], most=4)) == []


def stopping(after: int) -> Callable[[], bool]:
    asked = count()
    return lambda: next(asked) < after


def test_the_search_ends_wherever_it_is_stopped_without_a_word(photos: Path) -> None:
    given = [photos, photos / "**", photos / "b.png"]
    for after in range(40):
        found = find_pictures(given, wanted=stopping(after))
        assert {reason for _, reason in reasons(found)} <= {
            f"Same file as {photos / name}, which is added only once." for name in NAMES
        }
    assert find_pictures(given, wanted=lambda: False) == FoundPictures(())


def test_what_no_cell_can_name_is_refused_for_the_sheet_alone(photos: Path) -> None:
    for name in (b"\xff.png", b"end.png#0123456789abcdef0123456789abcdef", b" .png "):
        Path(os.fsdecode(os.fsencode(photos) + b"/" + name)).write_text("")
    whole = [path for path in photos.iterdir() if path.is_file()]
    found = pictures_for_cells(whole, lambda: True)
    assert sorted(names(found)) == ["a.JPG", "b.png", "notes.txt", "z.png"]
    assert len(found.refused) == 3 and all(
        "Rename the file." in reason for _, reason in reasons(found)
    )
    assert len(find_pictures(whole).pictures) == 7


@pytest.mark.parametrize("kind", ["tar", "zip"])
def test_an_archive_gives_the_pictures_in_the_order_of_a_folder(photos: Path, kind: str) -> None:
    (photos / "c.png").write_text("c.png")
    body = io.BytesIO()
    with tarfile.open(fileobj=body, mode="w") if kind == "tar" else ZipFile(body, "w") as archive:
        for path in sorted(photos.rglob("*.*"), reverse=True):
            add = archive.add if isinstance(archive, tarfile.TarFile) else archive.write
            add(path, path.relative_to(photos))
    body.seek(0)
    with unpacked_pictures(body) as found:
        assert names(found) == names(find_pictures([photos]))
