"""Images that are made of an image of their own row: after it, of it, and each exactly once."""

import json
from dataclasses import replace
from pathlib import Path

from engine.library.files import publish
from engine.library.maintain.repair import repair
from engine.library.maintain.verify import verify
from engine.library.read.reader import list_images
from engine.library.read.results import columns_of, results_of
from engine.library.read.sources import source_names
from engine.library.read.stored_rows import stored_rows
from engine.library.records import NewSession
from engine.library.sources import source_path
from engine.library.write.lost_sources import fail_drawn_on
from engine.library.write.states import Scope
from engine.library.write.trash import empty_trash, trash_images, trash_session
from engine.library.write.writer import Writer
from engine.picture.recipe import NOT_YET
from engine.plan.batches import plan_batches
from tests.support.libraries import Rendered, new_session, take


def enlarging(rows: int = 1, images: int = 2) -> NewSession:
    """A session whose rows draw `images`, and make another of each, twice as large."""
    plain = new_session(rows=rows, images=images)
    new = []
    for row in plain.rows:
        made = [
            replace(r, image=NOT_YET, upscale=2, strength=0.3, width=16, height=16)
            for r in row.recipes
        ]
        files = [f"{row.number:04d}-{v + 1}.png" for v in range(2 * images)]
        parents = {images + v: v for v in range(1, images + 1)}
        cells = {**row.cells, "upscale": "2"}
        recipes = [*row.recipes, *made]
        new.append(replace(row, cells=cells, recipes=recipes, files=files, parents=parents))
    recipes = [recipe for row in new for recipe in row.recipes]
    return replace(plain, rows=new, batches=plan_batches(recipes, lambda _: 2))


def states(writer: Writer) -> dict[int, str]:
    return {i.variation: i.state for i in list_images(writer.library, "k3f9x2")}


def test_what_is_made_of_an_image_waits_for_it_and_is_drawn_on_its_very_file(
    writer: Writer, rendered: Rendered
) -> None:
    writer.add_session(enlarging())
    first = take(writer)
    assert [image.variation for image in first.images] == [1, 2]
    assert writer.next_batch({first.id}) is None
    writer.finish(rendered(first))
    second = take(writer)
    digests = [image.digest for image in list_images(writer.library, "k3f9x2")[:2]]
    assert [image.recipe.image for image in second.images] == digests
    files = [source_path(writer.library, digest or "") for digest in digests]
    assert all(file.samefile(image.path) for file, image in zip(files, first.images, strict=True))
    writer.finish(rendered(second))
    names = source_names(writer.library, [image.key for image in second.images])
    assert list(names.values()) == ["0002-1.png", "0002-2.png"]
    (row,) = stored_rows(writer.library, "k3f9x2")
    assert row.images == 2 and verify(writer.library).whole


def test_cut_off_before_the_commit_the_second_is_made_of_the_first_all_the_same(
    writer: Writer, rendered: Rendered
) -> None:
    writer.add_session(enlarging(images=1))
    first = take(writer)
    publish(item for item, _ in rendered(first))  # and the power dies
    assert writer.recover() == (1, 0)
    (image,) = take(writer).images
    drawn, _ = list_images(writer.library, "k3f9x2")
    assert (image.variation, image.recipe.image) == (2, drawn.digest)
    assert writer.recover() == (0, 1)
    assert states(writer) == {1: "done", 2: "waiting"}


def test_a_batch_waits_until_all_is_there_that_its_images_are_made_of(
    writer: Writer, rendered: Rendered
) -> None:
    writer.add_session(enlarging(images=2))
    first = take(writer)
    one, other = rendered(first)
    writer.finish([one])
    assert writer.next_batch({first.id}) is None
    writer.finish([other])
    assert writer.next_batch({first.id}) is not None


def test_what_cannot_come_of_a_failed_or_stopped_image_does_not_wait_for_it(
    writer: Writer,
) -> None:
    writer.add_session(enlarging(images=1))
    writer.fail(take(writer), "out of memory")
    assert states(writer) == {1: "failed", 2: "failed"}
    assert "made of failed" in str(list_images(writer.library, "k3f9x2")[1].error)
    writer.retry(Scope("k3f9x2"))
    assert states(writer) == {1: "waiting", 2: "waiting"}
    writer.stop(Scope("k3f9x2"))
    trash_images(writer, ["k3f9x2-2-1"], ())
    writer.resume(Scope("k3f9x2"))
    (left,) = list_images(writer.library, "k3f9x2")
    assert (left.variation, left.state) == (2, "stopped")
    assert verify(writer.library).whole


def test_the_second_outlives_the_first_and_its_loss_is_a_failure_of_its_own(
    writer: Writer, rendered: Rendered
) -> None:
    writer.add_session(enlarging(images=1))
    writer.finish(rendered(take(writer)))
    trash_images(writer, ["k3f9x2-2-1"], ())
    empty_trash(writer)
    batch = writer.next_batch(())
    assert batch is not None
    digest = batch.images[0].recipe.image
    assert source_path(writer.library, digest).is_file()
    assert fail_drawn_on(writer, {digest: "missing"}) == ["k3f9x2"]
    assert writer.next_batch(()) is None
    trash_session(writer, "k3f9x2")
    empty_trash(writer)
    assert not source_path(writer.library, digest).exists()
    assert verify(writer.library).whole


def test_a_line_of_the_results_asks_for_its_own_image_alone(
    writer: Writer, rendered: Rendered
) -> None:
    writer.add_session(enlarging(images=1))
    writer.finish(rendered(take(writer)))
    writer.finish(rendered(take(writer)))
    columns = columns_of(writer.library, "k3f9x2")
    first, second = (
        dict(zip(columns, result.line(columns), strict=True))
        for result in results_of(writer.library, "k3f9x2")
    )
    assert (first["upscale"], first["image"], first["num_images"]) == ("", "", "1")
    digest = list_images(writer.library, "k3f9x2")[0].digest
    assert (second["upscale"], second["image"]) == ("2", f"0002-1.png#{digest}")
    assert (second["strength"], second["model"]) == ("0.3", "builtin")


def test_a_database_made_again_from_the_files_knows_what_was_made_of_what(
    writer: Writer, rendered: Rendered, library: Path
) -> None:
    writer.add_session(enlarging(images=2))
    writer.finish(rendered(take(writer)))
    writer.finish(rendered(take(writer)))
    writer.close()
    for file in library.glob("library.sqlite3*"):
        file.unlink()
    repair(library, lambda: True)
    again = Writer(library)
    (row,) = again.read("SELECT cells FROM rows")
    cells = json.loads(row["cells"])
    assert (cells["num_images"], cells["upscale"]) == ("2", "2") and "image" not in cells
    found = again.read("SELECT image, parent FROM parents WHERE source IS NOT NULL")
    assert len(found) == 2
    assert verify(library).whole
    again.close()
