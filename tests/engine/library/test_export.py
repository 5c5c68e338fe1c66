import csv
import io
import zipfile
from pathlib import Path

import pytest

from engine.library.read.copying import caption_file, copy_images
from engine.library.read.export import ExportWish, export_zip
from engine.library.read.reader import list_images
from engine.library.read.results import results_frame
from engine.library.write.curation import favour
from engine.library.write.trash import trash_images
from engine.library.write.writer import Writer
from engine.picture.png import decode, read_text
from engine.sheet.read import read_table
from tests.support.libraries import Rendered, new_session, take

KEY = "k3f9x2"


@pytest.fixture
def finished(writer: Writer, rendered: Rendered) -> Writer:
    """Eight finished images of three rows, three waiting and one failed."""
    writer.add_session(new_session())
    batch = take(writer)
    writer.finish(rendered(batch))
    writer.end(batch, 2.0)
    second = take(writer)
    writer.finish(rendered(second)[:3])
    writer.fail(second, "the model cannot draw this")
    return writer


def zipped(library: Path, wish: ExportWish | None = None) -> zipfile.ZipFile:
    out = io.BytesIO()
    export_zip(library, KEY, out, wish)
    return zipfile.ZipFile(out)


def table_of(bundle: zipfile.ZipFile) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(bundle.read("results.csv").decode("utf-8-sig"))))


def test_names_sort_like_the_sheet_and_failures_are_listed(finished: Writer) -> None:
    bundle = zipped(finished.library)
    names = bundle.namelist()[:-1]
    assert len(names) == 11
    assert names == sorted(names)
    assert names[5] == "0003-02-prompt-1.png"
    assert bundle.testzip() is None
    lines = table_of(bundle)
    assert [line["result_file"] for line in lines] == [*names, ""]
    assert lines[-1]["result_state"] == "failed"
    assert "cannot draw" in lines[-1]["result_error"]
    assert lines[5]["seed_number"] == "101"
    assert lines[5]["num_images"] == "1"


def test_damaged_and_missing_files_are_named_instead_of_ending_the_export(
    finished: Writer,
) -> None:
    images = list_images(finished.library, KEY)
    (finished.library / str(images[2].file)).unlink()
    damaged = finished.library / str(images[4].file)
    damaged.write_bytes(damaged.read_bytes()[:-9])
    out = io.BytesIO()
    done = export_zip(finished.library, KEY, out)
    assert (done.images, len(done.failed)) == (9, 3)
    lines = table_of(zipfile.ZipFile(out))
    assert {lines[2]["result_state"], lines[4]["result_state"]} == {"missing or damaged"}
    assert lines[4]["result_file"] == ""


@pytest.mark.parametrize("kind", ["csv", "xlsx", "ods"])
def test_the_results_are_a_sheet_again(finished: Writer, tmp_path: Path, kind: str) -> None:
    bundle = zipped(finished.library, ExportWish(table=kind))  # type: ignore[arg-type]
    table = read_table(Path(bundle.extract(f"results.{kind}", tmp_path)))
    assert len(table.lines) == 12
    assert table.header[0] == "prompt"
    column = table.header.index("seed_number")
    assert [int(str(line.cells[column])) for line in table.lines][4:6] == [100, 101]


def test_only_marked_or_favourite_images(finished: Writer) -> None:
    keys = [image.image for image in list_images(finished.library, KEY)]
    favour(finished, keys[1:3], on=True)
    trash_images(finished, keys[:1], ())
    assert len(zipped(finished.library, ExportWish(favourites=True)).namelist()) == 3
    marked = zipped(finished.library, ExportWish(images=frozenset(keys[:3])))
    assert len(marked.namelist()) == 3
    assert [line["result_favourite"] for line in table_of(marked)] == ["yes", "yes"]


def test_stripping_leaves_no_trace_of_the_recipe_and_changes_no_pixel(
    finished: Writer, tmp_path: Path
) -> None:
    bundle = zipped(finished.library, ExportWish(strip_metadata=True))
    first = Path(bundle.extract(bundle.namelist()[0], tmp_path))
    assert read_text(first) == {}
    original = finished.library / str(list_images(finished.library, KEY)[0].file)
    assert (decode(first) == decode(original)).all()
    everything = b"".join(bundle.read(name) for name in bundle.namelist())
    assert b"prompt" not in everything
    assert b"seed" not in everything


def test_a_caption_file_lies_beside_each_picture_of_the_rows_asked_for(finished: Writer) -> None:
    bundle = zipped(finished.library, ExportWish(rows=frozenset({3}), captions=True))
    names = bundle.namelist()[:-1]
    assert names[:2] == ["0003-01-prompt-1.png", "0003-01-prompt-1.txt"]
    assert len(names) == 8
    assert all(bundle.read(name) == b"prompt 1\n" for name in names if name.endswith(".txt"))
    seen: list[tuple[int, int]] = []
    wish = ExportWish(rows=frozenset({2, 3}))
    export_zip(finished.library, KEY, io.BytesIO(), wish, lambda *at: seen.append(at))
    assert seen[-1] == (8, 8)
    with pytest.raises(ValueError, match="caption"):
        zipped(finished.library, ExportWish(captions=True, strip_metadata=True))


def test_caption_files_are_one_line_and_never_replace_edited_ones(
    finished: Writer, tmp_path: Path
) -> None:
    assert caption_file("a boat,\n  красная\t日本 ") == "a boat, красная 日本\n".encode()
    keys = [image.image for image in list_images(finished.library, KEY)[:2]]
    (tmp_path / "0002-02-prompt-0.txt").write_text("somebody's notes")
    first = copy_images(finished.library, keys, tmp_path, captions=True)
    assert [path.name for path in first.files] == ["0002-01-prompt-0.png", "0002-02-prompt-0-2.png"]
    assert (tmp_path / "0002-02-prompt-0.txt").read_text() == "somebody's notes"
    assert (tmp_path / "0002-02-prompt-0-2.txt").read_text() == "prompt 0\n"
    (tmp_path / "0002-01-prompt-0.txt").write_text("edited")
    again = copy_images(finished.library, keys[:1], tmp_path, captions=True)
    assert (again.files, again.captions_kept) == (first.files[:1], 1)
    assert (tmp_path / "0002-01-prompt-0.txt").read_text() == "edited"
    assert len(list(tmp_path.glob("0002-01*"))) == 2


def test_a_zip_can_be_streamed_and_cancelled(finished: Writer) -> None:
    class Pipe(io.RawIOBase):
        """Takes bytes, and can do nothing else."""

        def __init__(self) -> None:
            self.data = b""

        def writable(self) -> bool:
            return True

        def write(self, data: bytes) -> int:  # type: ignore[override]
            self.data += bytes(data)
            return len(data)

    pipe, seen = Pipe(), []
    export_zip(
        finished.library,
        KEY,
        pipe,  # type: ignore[arg-type]
        progress=lambda done, total: seen.append((done, total)),
    )
    assert zipfile.ZipFile(io.BytesIO(pipe.data)).testzip() is None
    assert seen == [(n, 12) for n in range(1, 13)]

    def enough(done: int, total: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export_zip(finished.library, KEY, io.BytesIO(), progress=enough)


def test_a_frame_has_a_line_an_image_and_where_its_file_is(finished: Writer) -> None:
    frame = results_frame(finished.library, "last")
    assert len(frame) == 12
    assert set(frame.result_state) == {"done", "failed"}
    done = frame[frame.result_state == "done"]
    assert all(Path(path).is_file() for path in done.path)
    assert list(frame.seed)[4:6] == [100, 101]
