"""Ratings and decided rows: kept, counted, looked for, taken along, taken back."""

import csv
import io
import json
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from engine.library.database import LibraryError
from engine.library.maintain.verify import verify
from engine.library.read.copying import copy_images
from engine.library.read.export import ExportWish, export_zip
from engine.library.read.gallery import Gallery, Wanted
from engine.library.read.picking import PickRow, PickWay, row_to_pick
from engine.library.read.reader import find_session, images_as_json, list_images
from engine.library.write import curation, trash
from engine.library.write.states import Scope
from engine.library.write.writer import Writer
from engine.picture.png import decode
from tests.support.libraries import Rendered, new_session, take

KEY = "k3f9x2"


@pytest.fixture
def full(writer: Writer, rendered: Rendered) -> Writer:
    """Eight finished images of rows 2 and 3; row 4, with its four, waits."""
    writer.add_session(new_session())
    batch = take(writer)
    writer.finish(rendered(batch))
    writer.end(batch, 1.0)
    return writer


def keys_of(writer: Writer) -> list[str]:
    return [image.image for image in list_images(writer.library, KEY)]


def ratings(writer: Writer) -> list[int]:
    return [image.rating for image in list_images(writer.library, KEY)]


def test_a_rating_is_kept_and_what_was_before_brings_it_back(full: Writer) -> None:
    first, second, third, *_ = keys_of(full)
    assert curation.rate(full, {first: 3, second: 5, "nobody-2-1": 4}) == {first: 0, second: 0}
    before = curation.rate(full, {first: 5, second: 5, third: 0})
    assert before == {first: 3}
    assert find_session(full.library, KEY).favourites == 2
    curation.rate(full, before)
    assert ratings(full)[:3] == [3, 5, 0]
    assert find_session(full.library, KEY).favourites == 1
    listed = [json.loads(line) for line in images_as_json(full.library, KEY)]
    assert [(i["rating"], i["favourite"]) for i in listed[:3]] == [
        *((3, False), (5, True), (0, False)),
    ]
    with pytest.raises(LibraryError, match="from 0 to 5, not 6"):
        curation.rate(full, {first: 6})
    trash.trash_images(full, [first], ())
    assert curation.rate(full, {first: 1}) == {}
    assert verify(full.library).whole


def test_to_unmark_favourites_leaves_other_ratings_alone(full: Writer) -> None:
    first, second, *_ = keys_of(full)
    curation.rate(full, {first: 3, second: 5})
    assert curation.favour(full, [first, second], on=False) == {second: 5}
    assert ratings(full)[:2] == [3, 0]
    assert curation.favour(full, [first], on=True) == {first: 3}


@pytest.mark.parametrize(("span", "count"), [((3, 5), 2), ((4, 4), 0), ((0, 1), 6), ((0, 0), 5)])
def test_images_are_found_by_their_rating(full: Writer, span: tuple[int, int], count: int) -> None:
    curation.rate(full, dict(zip(keys_of(full)[:3], (1, 3, 5), strict=True)))
    wanted = Wanted(ratings=span)
    assert wanted.is_narrow
    for session in (KEY, None):
        shown = Gallery(full.library, session, wanted).page(0, 99)
        assert len(shown) == count
        assert all(span[0] <= image.rating <= span[1] for image in shown)


def test_the_best_rated_come_first_and_equals_in_the_order_of_the_sheet(full: Writer) -> None:
    keys = keys_of(full)
    curation.rate(full, {keys[1]: 2, keys[3]: 5, keys[5]: 2, keys[6]: 5})
    for session in (KEY, None):
        shown = Gallery(full.library, session, Wanted(order="rating")).keys(0, 6)
        assert shown == [keys[n] for n in (3, 6, 1, 5, 0, 2)]


def test_a_png_that_is_taken_along_tells_other_programs_its_rating(
    full: Writer, tmp_path: Path
) -> None:
    first, second, *_ = keys_of(full)
    curation.rate(full, {first: 4})
    images = list_images(full.library, KEY)
    copied = copy_images(full.library, [first, second], tmp_path).files
    with Image.open(copied[0]) as rated, Image.open(copied[1]) as plain:
        assert rated.getxmp()["xmpmeta"]["RDF"]["Description"]["Rating"] == "4"
        assert {"promptsheet", "parameters"} < set(rated.info)
        assert not plain.getxmp()
    assert (decode(copied[0]) == decode(full.library / str(images[0].file))).all()
    assert copied[1].read_bytes() == (full.library / str(images[1].file)).read_bytes()
    curation.rate(full, {first: 2, second: 5})  # it is the same picture, and copied already
    assert copy_images(full.library, [first, second], tmp_path).files == copied
    curation.rate(full, {first: 4, second: 0})
    out = io.BytesIO()
    export_zip(full.library, KEY, out, ExportWish(images=frozenset({first, second})))
    bundle = zipfile.ZipFile(out)
    with Image.open(io.BytesIO(bundle.read(bundle.namelist()[0]))) as rated:
        assert rated.getxmp()["xmpmeta"]["RDF"]["Description"]["Rating"] == "4"
    lines = csv.DictReader(io.StringIO(bundle.read("results.csv").decode("utf-8-sig")))
    assert [line["result_rating"] for line in lines] == ["4", ""]
    export_zip(full.library, KEY, out := io.BytesIO(), ExportWish(strip_metadata=True))
    bundle = zipfile.ZipFile(out)
    with Image.open(io.BytesIO(bundle.read(bundle.namelist()[0]))) as stripped:
        assert not stripped.info.get("xmp") and not stripped.getxmp()


def picked(writer: Writer, row: int, way: PickWay) -> PickRow:
    found = row_to_pick(writer.library, KEY, row, way)
    assert found is not None
    return found


def test_choosing_goes_past_what_is_decided_and_takes_rows_at_work_last(
    full: Writer, rendered: Rendered
) -> None:
    keys = keys_of(full)
    first = picked(full, 0, "here")
    assert (first.row, first.place, first.rows, first.kept) == (2, 1, 3, 0)
    assert (first.decided, first.to_come, first.prompt) == (False, 0, "prompt 0")
    assert [image.variation for image in first.images] == [1, 2, 3, 4]
    before, was = curation.decide(full, KEY, 2, {keys[1]: 5, keys[0]: 2})
    assert (before, was) == ({keys[0]: 0, keys[1]: 0}, False)
    second = picked(full, 2, "open")
    assert (second.row, second.rows_decided, second.kept) == (3, 1, 1)
    assert picked(full, 2, "next").row == 3 and picked(full, 3, "previous").decided
    ahead = row_to_pick(full.library, KEY, 2, "open", passed=[3])
    assert ahead is not None and ahead.row == 4, "what is decided of row 3 is on its way"
    curation.decide(full, KEY, 3, {})
    waiting = picked(full, 3, "open")
    assert (waiting.row, waiting.to_come, waiting.rows_decided) == (4, 4, 2)
    full.stop(Scope(KEY))
    assert row_to_pick(full.library, KEY, 3, "open") is None, "nothing of row 4 will come"
    full.resume(Scope(KEY))
    assert curation.decide(full, KEY, 2, before, decided=was) == ({keys[0]: 2, keys[1]: 5}, True)
    assert picked(full, 3, "open").row == 2, "what is whole comes before what is not"
    assert not any(ratings(full))
    batch = take(full)
    full.finish(rendered(batch))
    full.end(batch, 1.0)
    assert picked(full, 3, "open").row == 4
    with pytest.raises(LibraryError, match="Row 77 not found"):
        curation.decide(full, KEY, 77, {})
    assert verify(full.library).whole
