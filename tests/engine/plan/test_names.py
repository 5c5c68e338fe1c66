"""Names of files that go out: safe in any folder, and no two alike."""

from pathlib import PurePosixPath

import pytest

from engine.plan.names import FreeNames, image_name, image_place, safe_name


def test_the_name_of_an_image_tells_its_place() -> None:
    assert image_place(image_name(4, 12, "a lighthouse by night") + ".png") == (4, 12)
    assert image_place("12345-1.png") == (12345, 1)
    assert image_place("a lighthouse.png") is None


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("beach.jpg", "beach.jpg"),
        ("summer/beach.jpg", "summer/beach.jpg"),
        ("./a//b.jpg", "a/b.jpg"),
        ("/home/me/beach.jpg", "beach.jpg"),
        ("~/beach.jpg", "beach.jpg"),
        ("../../etc/passwd", "passwd"),
        ("a/../../b.jpg", "b.jpg"),
        ("..", "picture"),
        ("", "picture"),
        ("/", "picture"),
        (".hidden", "hidden"),
        ("a\x1b[2J\n.jpg", "a_[2J_.jpg"),
        ('a"b<c>|d?.jpg', "a_b_c__d_.jpg"),
        ("C:\\photos\\a.jpg", "C__photos_a.jpg"),
        ("a\udcff.jpg", "a_.jpg"),
        ("name. ", "name"),
    ],
)
def test_a_users_name_is_safe_in_any_folder(name: str, safe: str) -> None:
    assert str(safe_name(name)) == safe


def test_a_name_is_as_long_as_a_disk_takes() -> None:
    long = safe_name("ü" * 300 + ".jpg")
    assert long.suffix == ".jpg"
    assert len(long.name.encode()) < 200


def test_results_are_called_like_their_sources_and_no_two_alike() -> None:
    names = FreeNames()
    given = [
        names.of_result(source, variation, ".png")
        for source, variation in (
            ("beach.jpg", 1),
            ("beach.jpg", 2),
            ("Beach.webp", 1),
            ("beach.jpg", 1),
            ("summer/beach.jpg", 1),
            ("/x/summer/beach.jpg", 2),
            ("beach", 1),
        )
    ]
    assert given == [
        "beach.png",
        "beach-2.png",
        "Beach-3.png",
        "beach-4.png",
        "summer/beach.png",
        "beach-5.png",
        "beach-6.png",
    ]
    assert len({name.casefold() for name in given}) == len(given)


def test_a_folder_and_a_file_never_have_the_same_name() -> None:
    names = FreeNames()
    assert names.free(PurePosixPath("a.png")) == "a.png"
    assert names.free(PurePosixPath("A.png/b.png")) == "A.png_/b.png"
    assert names.free(PurePosixPath("c/d.png")) == "c/d.png"
    assert names.free(PurePosixPath("C")) == "C-2"


def test_ten_thousand_namesakes_take_no_time() -> None:
    names = FreeNames()
    given = {names.of_result("beach.jpg", 1, ".png") for _ in range(10_000)}
    assert len(given) == 10_000
    assert "beach-10000.png" in given
