"""A weights file says what is in it, and one that is cut off, damaged or no such is refused."""

import json
from pathlib import Path

import pytest

from engine.models.weights_file import read_header, read_whole
from engine.models.weights_header import WeightsFileError
from tests.support.weights_files import put_shapes, write_with_header


def test_a_header_tells_names_shapes_and_its_makers_words(tmp_path: Path) -> None:
    path = put_shapes(tmp_path / "a.safetensors", {"w": [2, 3], "b": [3]}, {"made": "by hand"})
    header = read_whole(path)
    assert {name: tensor.shape for name, tensor in header.tensors.items()} == {
        "w": (2, 3),
        "b": (3,),
    }
    assert header.metadata == {"made": "by hand"}
    assert header.file_bytes == path.stat().st_size


@pytest.mark.parametrize(
    ("beginning", "words"),
    [
        (b"GGUF\x03\x00\x00\x00rest", "GGUF"),
        (b"PK\x03\x04rest of a checkpoint", "pickle.*safetensors"),
        (b"\x80\x02}q\x00(X", "pickle"),
        (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
        (b"<!DOCTYPE html><html>", "web page"),
        (b"", "empty"),
        (b"abc", "empty or incomplete"),
        (b"\xff" * 40, "not a safetensors file"),
        ((1 << 62).to_bytes(8, "little") + b"{}", "header of 4,611,686,018,427,387,904 bytes"),
        ((1).to_bytes(8, "little") + b"{", "not a safetensors file"),
        ((1000).to_bytes(8, "little") + b"{}", "an incomplete header"),
    ],
)
def test_what_is_something_else_is_told_what_it_is(
    tmp_path: Path, beginning: bytes, words: str
) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(beginning)
    with pytest.raises(WeightsFileError, match=words) as caught:
        read_header(path)
    assert "model.safetensors" in str(caught.value)


def of(**tensor: object) -> bytes:
    """A header of one tensor that is well-formed but for what is given."""
    return json.dumps(
        {"w": {"dtype": "F16", "shape": [4], "data_offsets": [0, 8]} | tensor}
    ).encode()


@pytest.mark.parametrize(
    "header",
    [
        b"[1]",
        b"\xff\xfe{}",
        b"{not json}",
        b"[" * 50_000,
        b'{"w": 3}',
        b'{"w": {}}',
        b'{"__metadata__": [1]}',
        of(shape=[-4]),
        of(shape=[True]),
        of(shape="many"),
        of(data_offsets=[0]),
        of(data_offsets=[0, 8.0]),
    ],
)
def test_a_header_that_says_nothing_is_refused_in_words(tmp_path: Path, header: bytes) -> None:
    path = tmp_path / "model.safetensors"
    write_with_header(path, header, 8)
    with pytest.raises(WeightsFileError, match="header cannot be read"):
        read_header(path)


@pytest.mark.parametrize(
    ("header", "behind", "words"),
    [
        (of(), 7, "incomplete"),
        (of(), 9, "longer"),
        (of(data_offsets=[1, 9]), 9, "w is not where"),
        (of(data_offsets=[8, 0]), 8, "w is not where"),
        (of(shape=[1 << 40, 1 << 40]), 8, "w is not where"),
        (of(data_offsets=[0, 1 << 62]), 8, "w is not where"),
    ],
)
def test_a_file_whose_tensors_are_not_all_there_is_not_whole(
    tmp_path: Path, header: bytes, behind: int, words: str
) -> None:
    path = tmp_path / "model.safetensors"
    write_with_header(path, header, behind)
    assert read_header(path).tensors
    with pytest.raises(WeightsFileError, match=words):
        read_whole(path)


def test_tensors_that_share_bytes_are_refused(tmp_path: Path) -> None:
    one = {"dtype": "F16", "shape": [4], "data_offsets": [0, 8]}
    path = tmp_path / "model.safetensors"
    write_with_header(path, json.dumps({"a": one, "b": one}).encode(), 8)
    with pytest.raises(WeightsFileError, match="not where its header says"):
        read_whole(path)
