"""What holds a renderer on a node: which files it has there, and what it passes on."""

import asyncio
import hashlib
import os
import shutil
from importlib.resources import files
from pathlib import Path
from typing import Any, Self

import pytest

from engine.models.model_files import ModelFiles
from engine.models.placement import Placement, PlacementWish
from engine.protocol.framing import Unpacker, pack, parts_of
from engine.protocol.rendering import (
    AnyFromRenderer,
    AnyToRenderer,
    BatchEnded,
    Cause,
    Failed,
    Hello,
    LoadModel,
    Preview,
    RenderBatch,
    Step,
)
from engine.service.nodes.file_cache import FileCache
from engine.service.nodes.holder import RendererHolder
from tests.support.libraries import CONDITIONS

BUILTIN = Path(str(files("assets") / "models" / "builtin"))


class FakeProcess:
    """A renderer's process that writes what it is told, and says what the test has it say."""

    last: "FakeProcess"

    def __init__(self) -> None:
        self.reader = asyncio.StreamReader()
        self.told: list[Any] = []
        FakeProcess.last = self

    @classmethod
    async def start(cls, *_: object) -> Self:
        return cls()

    async def send(self, data: bytes) -> None:
        unpacker: Unpacker[AnyToRenderer] = Unpacker(AnyToRenderer)
        self.told.append(unpacker.unpack(*parts_of(data)).message)

    async def obituary(self) -> str:
        return "the renderer on cpu was killed (Killed)"


@pytest.fixture(autouse=True)
def fake_process(monkeypatch: pytest.MonkeyPatch, config: Path, tmp_path: Path) -> None:
    monkeypatch.setattr("engine.service.nodes.holder.RendererProcess", FakeProcess)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


async def begun() -> RendererHolder:
    holder = RendererHolder("box/cpu", 1, gpu=False)
    await holder.begin()
    return holder


def frames_in(data: bytes) -> list[AnyFromRenderer]:
    async def read() -> list[AnyFromRenderer]:
        reader = asyncio.StreamReader()
        reader.feed_data(data)
        reader.feed_eof()
        unpacker: Unpacker[AnyFromRenderer] = Unpacker(AnyFromRenderer)
        found = []
        while not reader.at_eof():
            found.append((await unpacker.read(reader)).message)
        return found

    return asyncio.run(read())


def wanted(label: str, source: Path, model_hash: str) -> LoadModel:
    return LoadModel(label, ModelFiles(str(source)), model_hash, PlacementWish(), 64)


def test_a_model_is_looked_for_at_its_path_and_in_the_nodes_own_list(
    config: Path, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "not mounted here"
    own = shutil.copytree(BUILTIN, tmp_path / "own")
    there = ModelFiles(str(own)).fingerprint()
    (config / "models.toml").write_text(f'[[models]]\nlabel = "mine"\nsource = "{own}"\n')

    async def asked(*messages: LoadModel) -> tuple[list[LoadModel], bytes]:
        holder = await begun()
        for message in messages:
            await holder.say(pack(message))
        return FakeProcess.last.told, (await holder.hear()).frames

    told, said = asyncio.run(
        asked(
            wanted("any", own, there),
            wanted("mine", elsewhere, there),
            wanted("mine", elsewhere, "another"),
        )
    )
    assert [message.files.source for message in told] == [str(own), str(own)]
    (failed,) = frames_in(said)
    assert isinstance(failed, Failed) and failed.cause == Cause.NOT_NOW
    assert "the model mine is not on box/cpu" in failed.reason
    assert f"{own} has other files" in failed.reason and str(elsewhere) in failed.reason


def test_a_batch_is_drawn_on_the_files_that_the_node_was_sent(tmp_path: Path) -> None:
    data = b"a picture"
    digest = hashlib.blake2b(data, digest_size=16).hexdigest()
    batch = RenderBatch(
        1, 1, CONDITIONS, Placement("float32"), None, None, [], {digest: "/there/a"}, {}
    )

    async def asked() -> list[str]:
        holder = await begun()
        lacks = await holder.lacking([digest])
        await holder.keep(digest, data)
        assert await holder.lacking([digest]) == []
        await holder.say(pack(batch))
        return lacks

    assert asyncio.run(asked()) == [digest]
    (told,) = FakeProcess.last.told
    assert Path(told.sources[digest]).read_bytes() == data


def test_of_steps_and_previews_the_newest_is_told_and_of_all_else_everything() -> None:
    async def asked() -> tuple[bytes, str | None, str | None]:
        holder = await begun()
        said = [Hello("cpu"), *(Step(1, step, 9) for step in range(9)), BatchEnded(1)]
        for number, message in enumerate(said):
            picture = bytes([number])
            FakeProcess.last.reader.feed_data(pack(message))
            FakeProcess.last.reader.feed_data(pack(Preview(2, "k-1-1"), picture))
        FakeProcess.last.reader.feed_eof()
        for _ in range(20):
            await asyncio.sleep(0)
        first = await holder.hear()
        return first.frames, first.over, (await holder.hear()).over

    frames, early, over = asyncio.run(asked())
    assert frames_in(frames) == [Hello("cpu"), Step(1, 8, 9), BatchEnded(1), Preview(2, "k-1-1")]
    assert early is None, "what it said comes first"
    assert over == "the renderer on cpu was killed (Killed)"


def test_what_was_sent_gives_way_to_what_is_needed_now_and_is_what_its_digest_says(
    tmp_path: Path,
) -> None:
    kept = FileCache(tmp_path / "kept", room=25)
    pieces = [bytes([number]) * 10 for number in range(3)]
    digests = [hashlib.sha256(piece).hexdigest() for piece in pieces]
    for age, (digest, piece) in enumerate(zip(digests[:2], pieces[:2], strict=True)):
        kept.keep(digest, piece)
        os.utime(kept.path(digest), (age, age))
    assert kept.lacking(digests[:1]) == [], "it is used: the other is older now"
    kept.keep(digests[2], pieces[2])
    assert kept.lacking(digests) == [digests[1]]
    with pytest.raises(ValueError, match="not the file"):
        kept.keep(digests[1], b"something else")
    assert kept.lacking(digests) == [digests[1]]
