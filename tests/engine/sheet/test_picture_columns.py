"""Rows that are drawn on pictures: what their cells mean, and what is asked that cannot be."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from engine.api.pictures import PictureFolder, with_own_columns
from engine.api.sheets import Sheets
from engine.library.read.stored_rows import StoredRow
from engine.settings import Settings
from engine.sheet.check import ModelLimits, check_table
from engine.sheet.editing import Draft
from engine.sheet.picture_names import (
    digest_in,
    name_of,
    path_from_text,
    path_to_text,
    with_digest,
)
from engine.sheet.rows import RowValues, Severity, Sheet, SourcePicture
from engine.sheet.table import Cell
from engine.sheet.totals import BlankCount, blank_counts
from engine.sheet.vocabulary import LookedAt
from tests.support.sheets import VOCABULARY, errors, table

DIGEST = "0123456789abcdef" * 2
PICTURE = SourcePicture("/photos/a.jpg", DIGEST, 600, 400)


def look(texts: Iterable[str]) -> Mapping[str, LookedAt]:
    """Whatever ends in .jpg is a picture of 600 × 400."""
    return {
        text: LookedAt(PICTURE)
        if text.endswith(".jpg")
        else LookedAt(None, f"There is no {text}.", ("a.jpg",))
        for text in texts
    }


DRAWING = replace(
    VOCABULARY,
    models={
        "builtin": ModelLimits(
            max_ratio=3.0,
            draws_on="strength",
            masks=True,
            least_strength=lambda rendering, steps: 1 / (steps or {"turbo": 4}.get(rendering, 20)),
        ),
        "plain": ModelLimits(max_ratio=3.0),
        "words": ModelLimits(max_ratio=1.2, draws_on="words"),
        "unmasked": ModelLimits(max_ratio=3.0, draws_on="strength"),
    },
    pictures=look,
)


def check(header: tuple[str, ...], *rows: tuple[Cell, ...]) -> Sheet:
    return check_table(table(header, *rows), DRAWING)


def only(sheet: Sheet) -> RowValues:
    (row,) = sheet.rows
    assert row.values is not None, sheet.problems
    return row.values


def test_blank_cells_of_a_row_with_a_picture_mean_one_image_like_it() -> None:
    header = ("prompt", "image", "num_images", "magic_prompt", "aspect_ratio")
    sheet = check(header, ("a tree", "a.jpg", "", "", ""), ("a tree", "", "", "", ""))
    drawn_on, plain = (row.values for row in sheet.rows)
    assert drawn_on is not None and plain is not None
    assert (drawn_on.num_images, drawn_on.magic_prompt) == (1, False)
    assert drawn_on.aspect_ratio == "3:2", "the picture's own"
    assert (drawn_on.image, drawn_on.strength, drawn_on.fit) == (PICTURE, None, "crop")
    assert (plain.num_images, plain.magic_prompt, plain.aspect_ratio) == (4, True, "1:1")
    assert plain.image is None
    assert sheet.problems == ()


def test_what_a_blank_number_of_images_means_is_told_of_the_rows_that_have_one() -> None:
    header = ("prompt", "image", "num_images")
    rows = (
        ("a", "a.jpg", ""),
        ("b", "", ""),
        ("c", "b.jpg", ""),
        ("d", "c.jpg", 2),
        ("e", "x", ""),
    )
    draft = Draft(table(header, *rows), DRAWING)
    assert draft.images == 8
    both = [BlankCount(False, 4, 1), BlankCount(True, 1, 2)]
    assert list(draft.blank_counts) == list(blank_counts(draft.sheet().ready)) == both
    draft.edit([3], "num_images", "3")
    assert list(draft.blank_counts) == both[1:]
    draft.leave_out([2, 4])
    assert list(draft.blank_counts) == []
    draft.undo()
    draft.undo()
    assert list(draft.blank_counts) == both
    assert draft.with_num_images(9).blank_counts[0] == BlankCount(False, 9, 1)


def test_what_a_row_with_a_picture_says_is_what_it_means() -> None:
    header = ("prompt", "image", "num_images", "magic_prompt", "aspect_ratio", "strength", "fit")
    values = only(check(header, ("a tree", "a.jpg", 3, "on", "1:1", ".3", "letterbox")))
    assert (values.num_images, values.magic_prompt, values.aspect_ratio) == (3, True, "1:1")
    assert (values.strength, values.fit) == (0.3, "pad")


def test_a_picture_longer_than_its_model_draws_is_given_the_longest_it_can() -> None:
    values = only(check(("prompt", "image", "model"), ("a tree", "a.jpg", "words")))
    assert values.aspect_ratio == "6:5"
    assert values.image == PICTURE


def test_a_strength_of_less_than_one_step_is_an_error_with_the_smallest() -> None:
    header = ("prompt", "image", "strength", "rendering", "steps")
    sheet = check(header, ("a", "a.jpg", 0.1, "turbo", ""), ("a", "a.jpg", 0.1, "turbo", 10))
    assert errors(sheet) == [(2, "strength")]
    (problem,) = sheet.problems
    assert problem.suggestions == ("0.25",)
    assert "less than one" in problem.message
    assert errors(check(("prompt", "image", "strength"), ("a", "a.jpg", 0))) == [(2, "strength")]


def test_a_model_that_only_changes_pictures_asks_for_one() -> None:
    changes = ModelLimits(max_ratio=3.0, draws_on="words", needs_picture=True)
    only_changing = replace(DRAWING, models=dict(DRAWING.models) | {"changes": changes})
    header = ("prompt", "model", "image")
    rows = (("a", "changes", "a.jpg"), ("a", "changes", ""), ("a", "words", ""))
    assert errors(check_table(table(header, *rows), only_changing)) == [(3, "image")]
    sheet = check_table(table(header[:2], ("a", "changes")), only_changing)
    assert errors(sheet) == [(2, "model")]
    assert "name one in the column image" in sheet.problems[0].message


def test_a_mask_needs_a_picture() -> None:
    sheet = check(("prompt", "image", "mask"), ("a", "", "m.jpg"), ("a", "a.jpg", "m.jpg"))
    assert errors(sheet) == [(2, "mask")]
    assert "needs a picture" in sheet.problems[0].message


def test_a_strength_without_a_picture_is_warned_of() -> None:
    sheet = check(("prompt", "strength"), ("a", ".5"))
    (problem,) = sheet.problems
    assert (problem.severity, problem.column) == (Severity.WARNING, "strength")


def test_what_a_model_cannot_do_is_said_with_those_that_can() -> None:
    header = ("prompt", "image", "model", "mask", "strength")
    sheet = check(
        header,
        ("a", "a.jpg", "plain", "", ""),
        ("a", "a.jpg", "unmasked", "m.jpg", ""),
        ("a", "a.jpg", "words", "", ".5"),
    )
    assert errors(sheet) == [(2, "image"), (3, "mask")]
    messages = {problem.row: problem.message for problem in sheet.problems}
    assert "Models that can: builtin, words, unmasked." in messages[2]
    assert "decides from the prompt what to change" in messages[4]


def test_a_picture_that_cannot_be_used_is_an_error_of_its_cell_alone() -> None:
    sheet = check(("prompt", "image"), ("a", "b.png"), ("b", "a.jpg"), ("c", "b.png"))
    assert errors(sheet) == [(2, "image"), (4, "image")]
    assert sheet.problems[0].suggestions == ("a.jpg",)
    assert [row.number for row in sheet.ready] == [3]


def test_all_pictures_are_looked_at_together() -> None:
    asked: list[set[str]] = []

    def count(texts: Iterable[str]) -> Mapping[str, LookedAt]:
        asked.append(set(texts))
        return look(asked[-1])

    rows = [("a", f"{n}.jpg", "m.jpg") for n in range(50)]
    check_table(table(("prompt", "image", "mask"), *rows), replace(DRAWING, pictures=count))
    assert len(asked) == 1 and len(asked[0] - {""}) == 51


# -------------------------------------------------------------------- in a folder


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in ("beach.jpg", "boat.png"):
        Image.new("RGB", (30, 20), "red").save(folder / name)
    return folder


def test_pictures_are_found_beside_the_sheet_and_by_whole_paths(
    photos: Path, tmp_path: Path
) -> None:
    looks = PictureFolder(tmp_path / "library", photos)
    whole = str(photos / "boat.png")
    found = looks(["beach.jpg", whole])
    assert all(each.picture is not None for each in found.values())
    beach = found["beach.jpg"].picture
    assert beach is not None
    assert (beach.width, beach.height) == (30, 20)
    assert path_from_text(beach.path) == photos / "beach.jpg"


def test_the_nearest_name_is_suggested(photos: Path, tmp_path: Path) -> None:
    looks = PictureFolder(tmp_path / "library", photos)
    found = looks(["Beach.png", "baot.png", "http://a.example/b.png"])
    assert found["Beach.png"].suggestions[0] == "beach.jpg", "with another ending"
    assert found["baot.png"].suggestions == ("boat.png",)
    assert "Download" in found["http://a.example/b.png"].message


def test_a_changed_picture_is_looked_at_again(photos: Path, tmp_path: Path) -> None:
    looks = PictureFolder(tmp_path / "library", photos)
    first = looks(["beach.jpg"])["beach.jpg"].picture
    Image.new("RGB", (31, 20), "blue").save(photos / "beach.jpg")
    second = looks(["beach.jpg"])["beach.jpg"].picture
    assert first is not None and second is not None
    assert first.digest != second.digest and second.width == 31


def test_a_column_image_that_names_no_picture_stays_the_users_own(
    photos: Path, tmp_path: Path
) -> None:
    looks = PictureFolder(tmp_path / "library", photos)
    notes = with_own_columns(table(("prompt", "image"), ("a", "cover"), ("b", "page 2")), looks)
    sheet = check_table(notes, replace(DRAWING, pictures=looks))
    assert [row.extra for row in sheet.rows] == [{"image": "cover"}, {"image": "page 2"}]
    assert all(row.values is not None and row.values.image is None for row in sheet.rows)
    (problem,) = sheet.problems
    assert problem.severity is Severity.WARNING and "column of your own" in problem.message
    meant = with_own_columns(table(("prompt", "image"), ("a", "cover"), ("b", "x.jpg")), looks)
    assert errors(check_table(meant, replace(DRAWING, pictures=looks))) == [
        (2, "image"),
        (3, "image"),
    ]


def test_a_column_of_the_users_own_stays_so_when_rows_come_back_from_a_session(
    tmp_path: Path,
) -> None:
    sheets = Sheets(Settings(library=tmp_path / "library"))
    stored = StoredRow(2, {"prompt": "a"}, {"image": "cover", "page": "3"}, 1, 4)
    checked = sheets.check_stored([stored], file="a.csv")
    assert checked.errors == []
    assert checked.sheet.rows[0].extra == {"image": "cover", "page": "3"}


# -------------------------------------------------------------------- names


def test_a_name_with_a_digest_is_told_apart_and_never_grows() -> None:
    cell = with_digest("summer/beach.jpg", DIGEST)
    assert cell == f"summer/beach.jpg#{DIGEST}"
    assert with_digest(cell, DIGEST) == cell
    assert (name_of(cell), digest_in(cell)) == ("summer/beach.jpg", DIGEST)
    assert (name_of("take #2.jpg"), digest_in("take #2.jpg")) == ("take #2.jpg", None)


@pytest.mark.parametrize("name", [b"/a b/c.jpg", b"/a\xff\n%20.jpg", "/ü#?.jpg".encode()])
def test_a_path_of_any_bytes_can_be_sent_as_text(name: bytes) -> None:
    path = Path(name.decode("utf-8", "surrogateescape"))
    text = path_to_text(path)
    assert path_from_text(text.encode().decode()) == path


def test_cells_that_are_equal_but_not_the_same_are_each_looked_at() -> None:
    sheet = check(("prompt", "image"), ("a", False), ("b", 0))
    assert [(p.row, p.column) for p in sheet.problems] == [(2, "image"), (3, "image")]
