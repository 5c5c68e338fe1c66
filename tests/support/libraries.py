"""Libraries with sessions and pictures, without a renderer."""

from collections.abc import Callable

import numpy as np

from engine.library.files import StagedFile
from engine.library.records import Batch, BatchImage, NewRow, NewSession
from engine.library.write.writer import Writer
from engine.picture.formats import pixel_digest
from engine.picture.metadata import ImageRecord
from engine.picture.png import encode_png
from engine.picture.recipe import Conditions, Recipe
from engine.plan.batches import plan_batches
from engine.protocol.commands import RowsSource

CONDITIONS = Conditions("cpu", "float32", 2, "sdpa", False, {"torch": "2.13.0"})


def new_session(
    key: str = "k3f9x2", rows: int = 3, images: int = 4, largest: int = 8
) -> NewSession:
    recipes = [
        [
            Recipe(f"prompt {row}", "", row * 100 + v, 8, 8, 2, 4.0, "S", "builtin", "h")
            for v in range(images)
        ]
        for row in range(rows)
    ]
    return NewSession(
        key=key,
        name="a test",
        folder=f"a-test-{key}",
        source=RowsSource("sheet.csv"),
        rows=[
            NewRow(
                number=row + 2,
                cells={"prompt": f"prompt {row}"},
                extra={},
                recipes=recipes[row],
                files=[f"{row + 2:04d}-{v + 1}.png" for v in range(images)],
            )
            for row in range(rows)
        ],
        batches=plan_batches([r for row in recipes for r in row], lambda _: largest),
    )


def picture(image: BatchImage, size: int) -> tuple[ImageRecord, bytes]:
    pixels = np.full((8, 8, 3), image.recipe.seed % 256, np.uint8)
    digest = pixel_digest(pixels)
    record = ImageRecord(image.key, image.recipe, CONDITIONS, size, image.slot, (), digest)
    return record, encode_png(pixels, record.to_text())


Rendered = Callable[[Batch], list[tuple[StagedFile, ImageRecord]]]


def take(writer: Writer) -> Batch:
    """The next batch, begun."""
    batch = writer.next_batch(())
    assert batch is not None
    assert writer.begin(batch, CONDITIONS)
    return batch
