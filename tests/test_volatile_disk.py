"""What a power cut leaves: all that was flushed, and of what came later any sectors, each whole."""

import random
from pathlib import Path

import pytest

from tests.bench.volatile_disk import NOTE, cuts

pytestmark = pytest.mark.slow


def test_what_was_flushed_is_there_and_what_was_not_may_be(tmp_path: Path) -> None:
    written, notes = b"", b""
    for offset, data in ((0, b"a" * 4096), (0, b""), (8192, b"b" * 8192), (0, b"c" * 4096)):
        notes += NOTE.pack(len(written), offset, len(data))
        written += data
    (tmp_path / "notes").write_bytes(notes)
    (tmp_path / "written").write_bytes(written)
    seen = set()
    for seed in range(40):
        at = cuts(tmp_path, [1, 2, 4, 4], random.Random(seed))
        image, cached = next(at)
        assert cached == 1
        image, cached = next(at)
        with image.open("rb") as disk:
            assert (cached, disk.read(16384)) == (0, b"a" * 4096 + bytes(12288))
        for image, cached in at:
            assert cached == 2
            with image.open("rb") as disk:
                sectors = [disk.read(512) for _ in range(32)]
            assert all(len(set(sector)) == 1 for sector in sectors), "a sector is torn"
            kinds = bytes(sector[0] for sector in sectors)
            assert set(kinds[:8]) <= set(b"ac")
            assert set(kinds[8:16]) == {0}
            assert set(kinds[16:]) <= {0, *b"b"}
            seen.add((len(set(kinds[:8])), len(set(kinds[16:]))))
    assert seen == {(1, 1), (1, 2), (2, 1), (2, 2)}, "torn and whole, each alone"
