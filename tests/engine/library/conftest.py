"""A library with a planned session, and pictures as a renderer would send them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.library.files import StagedFile, stage
from engine.library.records import Batch
from engine.library.write.writer import Writer
from engine.picture.metadata import ImageRecord
from tests.support.libraries import Rendered, picture


@pytest.fixture
def rendered() -> Rendered:
    """Stages a batch's pictures on disk."""

    def of(batch: Batch) -> list[tuple[StagedFile, ImageRecord]]:
        pictures = [(image, *picture(image, batch.size)) for image in batch.images]
        return [(stage(i.key, i.path, data), record) for i, record, data in pictures]

    return of


@pytest.fixture
def writer(library: Path) -> Iterator[Writer]:
    library.mkdir()
    writer = Writer(library)
    yield writer
    writer.close()
