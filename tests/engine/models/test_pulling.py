"""Pulling from a hub on loopback: whole and checked, or not there; and nobody hears the token."""

import errno
import json
import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import huggingface_hub
import msgspec
import pytest

from engine.api.models import Models
from engine.models import helpers
from engine.models.catalog import load_models
from engine.models.fingerprint import fingerprint
from engine.models.hub import connection, fetching, lookup
from engine.models.hub.child import carry_out
from engine.models.hub.messages import RECORD, HubReply, HubRequest, PullPlan, PullRecord
from engine.models.hub.pulling import Pull
from engine.models.hub.repository import PullError, Repository, named
from engine.models.loras import load_loras
from engine.settings import Settings
from tests.support.fake_hub import COMMIT, SIGNED, FakeHub, FakeRepository, serving
from tests.support.weights_files import (
    DOWN,
    Shapes,
    flux,
    flux_folder,
    kohya,
    put_shapes,
    weights_of,
)

TOKEN = "hf_thisIsTheSecretOfTheUser"
SHARD = "unet/diffusion_pytorch_model-0000{}-of-00002.safetensors"
FIRST, SECOND = SHARD.format(1), SHARD.format(2)
FILES = {
    "model_index.json": json.dumps(
        {
            "_class_name": "StableDiffusionPipeline",
            "unet": ["diffusers", "UNet2DConditionModel"],
            "tokenizer": ["transformers", "CLIPTokenizer"],
        }
    ).encode(),
    "README.md": b"# Tiny\n",
    "tiny.ckpt": b"\x80\x04 pickle",
    "tokenizer/vocab.json": b"{}",
    "unet/config.json": b'{"sample_size": 8}',
    "unet/diffusion_pytorch_model.safetensors.index.json": b'{"weight_map": {}}',
    FIRST: weights_of(bytes(range(256)) * 1199),
    SECOND: weights_of(b"second" * 9_000),
}
VAE_PART = "decoder.conv_in"
PULLED = f"acme--tiny@{COMMIT[:8]}"


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    """A hub with one small model, which is all that this test's user can reach."""
    with serving() as hub:
        hub.repositories["acme/tiny"] = FakeRepository(dict(FILES))
        monkeypatch.setenv("HF_ENDPOINT", hub.address)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
        monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
        monkeypatch.delenv("HF_TOKEN", raising=False)
        monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
        # What loads models before us may have told the library to stay at home.
        monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(huggingface_hub.constants, "HF_TOKEN_PATH", str(tmp_path / "token"))
        monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        monkeypatch.setattr(fetching, "_WAITS", (0.0, 0.0))
        monkeypatch.setattr(os, "fsync", lambda _: None)  # no power fails here
        huggingface_hub.close_session()
        yield hub
        huggingface_hub.close_session()


def pull(models: Path, repository: str = "acme/tiny", *, reserve: int = 0) -> list[HubReply]:
    """All that is said of a pull, in this process."""
    said = list[HubReply]()
    carry_out(HubRequest(named(repository), str(models), reserve), said.append, lambda: None)
    return said


def refusal(models: Path, repository: str = "acme/tiny", **more: Any) -> str:
    said = pull(models, repository, **more)[-1]
    assert not said.pulled
    return said.refused


def plan_of(said: list[HubReply]) -> PullPlan:
    assert said[0].plan is not None, said[0].refused
    return said[0].plan


def shapes_of(tmp_path: Path, shapes: Shapes) -> bytes:
    """A weights file of tensors with these shapes."""
    return put_shapes(tmp_path / "shapes.safetensors", shapes).read_bytes()


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_a_model_in_pieces_comes_whole_with_where_it_is_from(tmp_path: Path, hub: FakeHub) -> None:
    said = pull(tmp_path, "acme/tiny@main")
    plan = plan_of(said)
    wanted = {name: body for name, body in FILES.items() if not name.endswith((".md", ".ckpt"))}
    assert said[-1].pulled
    assert (plan.found.licence, plan.found.commit, plan.here) == ("mit", COMMIT, 0)
    assert plan.found.size == sum(map(len, wanted.values()))
    assert plan.found.left_out == len(FILES["README.md"]) + len(FILES["tiny.ckpt"])
    assert plan.folder == str(tmp_path / PULLED)
    found = contents(tmp_path / PULLED)
    record = msgspec.json.decode(found.pop(RECORD), type=PullRecord)
    assert found == wanted
    assert (record.repository, record.revision, record.commit) == ("acme/tiny", "main", COMMIT)
    assert {file.name for file in record.files} == set(wanted)
    before = fingerprint(tmp_path / PULLED)
    (tmp_path / PULLED / RECORD).unlink()
    assert fingerprint(tmp_path / PULLED) == before
    progress = [told.progress for told in said if told.progress]
    assert progress[-1].done == progress[-1].total == plan.found.size


def test_one_weights_file_is_pulled_alone_and_beside_the_model(
    tmp_path: Path, hub: FakeHub
) -> None:
    flat = shapes_of(tmp_path, {f"{VAE_PART}.weight": [512, 4, 3, 3]})
    hub.repositories["acme/tiny"].files["more/flat.safetensors"] = flat
    pull(tmp_path)
    said = list[HubReply]()
    for name in ("more/flat.safetensors", "more/none.safetensors", "tiny.ckpt"):
        one = Repository("acme/tiny", "main", name)
        carry_out(HubRequest(one, str(tmp_path), 0), said.append, lambda: None)
    refused = [told.refused for told in said if told.refused]
    assert "acme/tiny has no file 'more/none.safetensors'. It has " in refused[0]
    assert "'tiny.ckpt' ends in neither .safetensors nor .gguf" in refused[1]
    place = tmp_path / f"acme--tiny--more--flat@{COMMIT[:8]}"
    assert (place / "more" / "flat.safetensors").read_bytes() == flat
    assert (tmp_path / PULLED / FIRST).exists()


def test_one_file_is_told_by_its_header_before_the_rest_of_it_is_asked_for(
    tmp_path: Path, hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROMPTSHEET_CONFIG", str(tmp_path / "config"))
    files = hub.repositories["acme/tiny"].files
    files["ink wash.safetensors"] = shapes_of(tmp_path, kohya(DOWN, 768))
    files["big.safetensors"] = shapes_of(tmp_path, kohya(DOWN, 2048))
    files["old.safetensors"] = b"\x80\x04 a pickle under another name, of many bytes"
    files["cut.safetensors"] = files["big.safetensors"][:-7]
    said = list[HubReply]()
    for name in ("old", "cut"):
        one = Repository("acme/tiny", "main", f"{name}.safetensors")
        carry_out(HubRequest(one, str(tmp_path / "models"), 0), said.append, lambda: None)
    old, cut = (told.refused for told in said)
    assert "is a pickle" in old and "copy on the Hub is damaged. Nothing was pulled." in cut
    models = Models(Settings(models_folder=tmp_path / "models"))
    big, why = "big.safetensors", "LoRA for Stable Diffusion XL, and none of your models"
    with models.pull("acme/tiny", file=big) as coming, pytest.raises(PullError, match=why):
        coming.ask()
    asked = hub.ranges("big.safetensors")
    assert len(asked) == 2 and all(each.startswith("bytes=0-") and each[8:] for each in asked)
    assert not (tmp_path / "models").exists()
    with models.pull("acme/tiny", file="ink wash.safetensors") as coming:
        plan = coming.ask()
        assert plan.found.is_lora
        assert [*coming.bring()]
        assert coming.add(plan) == "ink-wash"
    (lora,) = load_loras(None).values()
    assert lora.file.read_bytes() == files["ink wash.safetensors"]
    assert load_models().keys() == {"builtin"}


def test_a_gguf_file_is_told_by_its_header_and_drawn_with_its_base(
    tmp_path: Path, hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("gguf")
    from tests.support.gguf_files import FLUX, write_gguf

    monkeypatch.setenv("PROMPTSHEET_CONFIG", str(tmp_path / "config"))
    monkeypatch.setattr(lookup, "_GGUF_BEGINNINGS", (64, 1 << 20))
    files = hub.repositories["acme/tiny"].files
    rounded = write_gguf(tmp_path / "made", FLUX).read_bytes()
    files["Q8 0.gguf"] = rounded
    files["cut.gguf"], files["header.gguf"] = rounded[:-64], rounded[:200]
    files["odd.gguf"] = rounded[:8] + b"\xff" * 8 + rounded[16:]
    files["named.gguf"] = shapes_of(tmp_path, flux())
    base = flux_folder(tmp_path / "base")
    models = Models(Settings(models_folder=tmp_path / "models"))

    said = list[HubReply]()
    for name in ("cut", "header", "odd", "Q8 0"):
        one = Repository("acme/tiny", "main", f"{name}.gguf")
        carry_out(HubRequest(one, str(tmp_path / "other"), 0), said.append, lambda: None)
    cut, header, odd = (told.refused for told in said if told.refused)
    assert "cut.gguf has" in cut and "cut off" in header and "damaged" in odd
    assert hub.ranges("Q8 0.gguf") == ["bytes=0-31", "bytes=0-63", "bytes=0-1048575", ""]
    for name, why in (("named", "holds safetensors"), ("Q8 0", "name that as base. Nothing was")):
        wanted = models.pull("acme/tiny", "", f"{name}.gguf")
        with wanted as coming, pytest.raises(PullError, match=why):
            coming.ask()
    assert not (tmp_path / "models").exists()
    with models.pull("acme/tiny", "", "Q8 0.gguf", base) as coming:
        plan = coming.ask()
        assert plan.found.kind and plan.found.kind.is_gguf
        monkeypatch.setattr(helpers, "installed", lambda package: None)
        assert "pip install gguf`" in coming.lack
        assert [*coming.bring()]
        assert coming.add(plan) == "Q8-0"
    model = load_models()["Q8-0"]
    assert (model.source.read_bytes(), model.base) == (rounded, base)


def test_a_form_of_an_offer_comes_with_how_it_is_loaded_and_its_licence(
    tmp_path: Path, hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROMPTSHEET_CONFIG", str(tmp_path / "config"))
    index = b'{"_class_name": "Ideogram4Pipeline", "transformer": ["diffusers", "X"]}'
    files = {"model_index.json": index, "transformer/model.safetensors": b"all of it"}
    name = "CalamitousFelicitousness/Ideogram-4-bf16-Diffusers"
    hub.repositories[name] = FakeRepository(files, card={})
    models = Models(Settings(models_folder=tmp_path / "models"))
    with models.pull("ideogram-4-fp8") as coming:
        plan = coming.ask()
        assert plan.found.repository.name == name
        assert [*coming.bring()]
        assert coming.add(plan) == coming.add(plan) == "ideogram-4"
    assert models.pull("ideogram-4-bf16", "whole").add(plan) == "whole"
    rounded, whole = load_models()["ideogram-4"], load_models()["whole"]
    assert (rounded.quantise, whole.quantise) == ("float8", "")
    assert rounded.source == whole.source and "not commercial" in rounded.licence


def test_what_is_here_is_not_pulled_again(tmp_path: Path, hub: FakeHub) -> None:
    pull(tmp_path)
    hub.asked.clear()
    said = pull(tmp_path)
    assert plan_of(said).is_here and said[-1].pulled
    assert hub.ranges(FIRST) == []


def test_what_was_deleted_of_a_model_is_brought_again(tmp_path: Path, hub: FakeHub) -> None:
    pull(tmp_path)
    (tmp_path / PULLED / SECOND).unlink()
    hub.asked.clear()
    said = pull(tmp_path)
    assert not plan_of(said).is_here and said[-1].pulled
    assert contents(tmp_path / PULLED)[SECOND] == FILES[SECOND]
    assert hub.ranges(FIRST) == []


def test_a_cut_is_gone_on_from_where_it_was(tmp_path: Path, hub: FakeHub) -> None:
    hub.repositories["acme/tiny"].cuts[FIRST] = 100_000
    assert pull(tmp_path)[-1].pulled
    assert hub.ranges(FIRST) == ["", "bytes=100000-"]
    assert contents(tmp_path / PULLED)[FIRST] == FILES[FIRST]


def test_a_pull_that_was_given_up_is_gone_on_with_the_next_time(
    tmp_path: Path, hub: FakeHub
) -> None:
    tiny = hub.repositories["acme/tiny"]
    tiny.cuts, tiny.always_cut = {FIRST: 0}, True
    assert "run the same command to continue" in refusal(tmp_path)
    assert not (tmp_path / PULLED).exists()
    tiny.cuts, tiny.always_cut = {FIRST: 70_000}, False
    hub.asked.clear()
    # Who has killed it has left what it wrote; a newer commit has the same weights.
    tiny.commit = "f" * 40
    (part,) = (tmp_path / ".pulling" / "acme--tiny").glob("*1-of-00002*.part")
    part.write_bytes(FILES[FIRST][:5_000])
    said = pull(tmp_path)
    assert plan_of(said).here >= 5_000 + len(FILES[SECOND])
    assert hub.ranges(FIRST) == ["bytes=5000-", "bytes=75000-"]
    assert hub.ranges(SECOND) == []
    assert said[-1].pulled
    assert contents(tmp_path / "acme--tiny@ffffffff")[FIRST] == FILES[FIRST]
    assert not (tmp_path / ".pulling").exists()


@pytest.mark.parametrize("name", [SECOND, "tokenizer/vocab.json"])
def test_wrong_bytes_are_refused_and_not_kept(tmp_path: Path, hub: FakeHub, name: str) -> None:
    tiny = hub.repositories["acme/tiny"]
    tiny.wrong = {name}
    assert f"{name} arrived damaged and was discarded" in refusal(tmp_path)
    assert not (tmp_path / PULLED).exists()
    coming = tmp_path / ".pulling" / "acme--tiny"
    assert not (coming / name).exists()
    assert not list(coming.glob(f"{name.replace('/', '--')}*"))
    tiny.wrong = set()
    assert pull(tmp_path)[-1].pulled


def test_what_was_damaged_on_disk_is_brought_anew(tmp_path: Path, hub: FakeHub) -> None:
    coming = tmp_path / ".pulling" / "acme--tiny"
    tiny = hub.repositories["acme/tiny"]
    tiny.cuts, tiny.always_cut = {FIRST: 0}, True
    refusal(tmp_path)
    tiny.cuts, tiny.always_cut = {}, False
    (coming / SECOND).write_bytes(bytes(len(FILES[SECOND])))
    (part,) = coming.glob("*1-of-00002*.part")
    part.write_bytes(b"x" * 1000)
    (coming / "unet" / "of-another-revision.json").write_text("{}")
    assert pull(tmp_path)[-1].pulled
    found = contents(tmp_path / PULLED)
    assert found[FIRST] == FILES[FIRST] and found[SECOND] == FILES[SECOND]
    assert "unet/of-another-revision.json" not in found


def test_what_another_program_has_pulled_is_copied(tmp_path: Path, hub: FakeHub) -> None:
    plan = plan_of(pull(tmp_path / "elsewhere"))
    (digest,) = (file.digest for file in plan.found.choice.files if file.name == FIRST)
    cached = tmp_path / "cache" / "models--acme--tiny" / "blobs" / digest
    cached.parent.mkdir(parents=True)
    cached.write_bytes(FILES[FIRST])
    hub.asked.clear()
    assert pull(tmp_path)[-1].pulled
    assert hub.ranges(FIRST) == []
    cached.write_bytes(bytes(len(FILES[FIRST])))  # what is damaged there is not taken
    assert pull(tmp_path / "third")[-1].pulled
    assert contents(tmp_path / "third" / PULLED)[FIRST] == FILES[FIRST]


@pytest.mark.parametrize(
    ("token", "said"),
    [
        ("", "/acme/tiny, accept them, then"),
        (TOKEN, "your account has no access yet"),
    ],
)
def test_a_gate_is_told_with_what_opens_it(
    tmp_path: Path, hub: FakeHub, monkeypatch: pytest.MonkeyPatch, token: str, said: str
) -> None:
    tiny = hub.repositories["acme/tiny"]
    tiny.gated, tiny.open_to = True, "hf_another"
    monkeypatch.setenv("HF_TOKEN", token)
    assert said in refusal(tmp_path)


@pytest.mark.parametrize(
    ("repository", "token", "said"),
    [
        ("acme/none", "", "has no repository acme/none. Check the spelling; or if it is private"),
        ("acme/none", TOKEN, "your account may have no access to it"),
        ("acme/tiny@v9", "", "acme/tiny has no revision v9"),
    ],
)
def test_what_is_not_there_is_told(
    tmp_path: Path,
    hub: FakeHub,
    monkeypatch: pytest.MonkeyPatch,
    repository: str,
    token: str,
    said: str,
) -> None:
    monkeypatch.setenv("HF_TOKEN", token)
    assert said in refusal(tmp_path, repository)


@pytest.mark.parametrize(
    ("status", "headers", "said"),
    [
        (429, {"Retry-After": "77"}, "try again in 77 seconds"),
        (503, {}, "an internal error (503)"),
        (418, {}, "HTTP 418"),
        (
            403,
            {"X-Error-Message": "Access to this resource is disabled."},
            "taken acme/tiny offline",
        ),
    ],
)
def test_a_refusal_of_the_hub_is_told(
    tmp_path: Path, hub: FakeHub, status: int, headers: dict[str, str], said: str
) -> None:
    hub.failing = status, headers
    assert said in refusal(tmp_path)


def test_what_is_no_hub_is_told(tmp_path: Path, hub: FakeHub) -> None:
    hub.failing = 200, {}
    assert "does not answer like the Hub" in refusal(tmp_path)


@pytest.mark.parametrize(
    ("name", "body", "said"),
    [
        ("../../evil.json", b"{}", "points outside its folder"),
        ("unet/my_unet.py", b"", "its own code (unet/my_unet.py)"),
        ("unet/config.json", b'{"auto_map": {"AutoModel": "x.Y"}}', "unet/config.json, auto_map"),
        ("unet/Config.json", b"{}", "only in upper and lower case"),
        ("model_index.json", b"[" * 100_000, "model_index.json holds no settings"),
    ],
)
def test_a_hostile_repository_is_refused_before_anything_is_kept(
    tmp_path: Path, hub: FakeHub, name: str, body: bytes, said: str
) -> None:
    hub.repositories["acme/tiny"].files[name] = body
    assert said in refusal(tmp_path / "models")
    assert not (tmp_path / "models").exists()
    assert not (tmp_path / "evil.json").exists()


def test_a_model_that_does_not_fit_is_refused_before_it_is_begun(
    tmp_path: Path, hub: FakeHub
) -> None:
    said = refusal(tmp_path / "models", reserve=1 << 60)
    assert "Not enough disk space: " in said and "engine.reserve_mib" in said
    hub.repositories["acme/tiny"].sizes[FIRST] = 1 << 60
    assert "Not enough disk space" in refusal(tmp_path / "models")
    assert not (tmp_path / "models").exists()


def test_a_disk_that_gets_full_keeps_what_has_come(
    tmp_path: Path, hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = [2]

    def full(_: object) -> None:
        room[0] -= 1
        if room[0] < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(fetching.Fetch, "_require_room", full)
        said = refusal(tmp_path)
    assert f"The disk of {tmp_path} is full" in said and "What was downloaded is kept" in said
    assert not (tmp_path / PULLED).exists()
    said_then = pull(tmp_path)
    assert plan_of(said_then).here > 0 and said_then[-1].pulled


def test_without_a_network_one_sentence_comes_at_once(
    tmp_path: Path, hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")  # where nothing listens
    assert "The Hub cannot be reached: 127.0.0.1 cannot be reached" in refusal(tmp_path)
    monkeypatch.setenv("HF_ENDPOINT", "http://hub.invalid")
    assert "the address of hub.invalid cannot be found" in refusal(tmp_path)
    monkeypatch.setenv("HF_ENDPOINT", "ftp://x")
    assert "HF_ENDPOINT is not an address" in refusal(tmp_path)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setenv("HF_ENDPOINT", hub.address)
    assert "HF_HUB_OFFLINE is set" in refusal(tmp_path)
    assert hub.asked == []


def test_nobody_but_the_hub_hears_the_token(
    tmp_path: Path, hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny = hub.repositories["acme/tiny"]
    tiny.gated, tiny.open_to = True, TOKEN
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    said = pull(tmp_path)
    assert said[-1].pulled
    to_others = [headers for path, headers in hub.asked if path.startswith("/signed/")]
    assert to_others and not any("authorization" in headers for headers in to_others)
    tiny.cuts, tiny.always_cut = {FIRST: 0}, True
    shutil.rmtree(tmp_path / PULLED)
    said += pull(tmp_path)
    hub.failing = 401, {}
    said += pull(tmp_path)
    for odd in (f"{TOKEN}\x00", f"{TOKEN}é", f"{TOKEN} {TOKEN}"):
        if "\x00" not in odd:
            monkeypatch.setenv("HF_TOKEN", odd)
        else:
            monkeypatch.delenv("HF_TOKEN")
            (tmp_path / "token").write_text(odd)
        assert "invalid characters" in refusal(tmp_path)

    def fails(*_: object, **__: object) -> None:
        raise RuntimeError(f"Bearer {TOKEN} {SIGNED}")

    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setattr(connection, "get_session", fails)
    said += pull(tmp_path)
    assert "in an unexpected way (RuntimeError" in said[-1].refused
    told = msgspec.json.encode(said).decode()
    assert TOKEN not in told and SIGNED not in told
    for path in tmp_path.rglob("*"):
        if path.is_file() and path.name != "token":
            assert TOKEN.encode() not in path.read_bytes()


def test_two_at_once_do_not_get_in_each_others_way(tmp_path: Path, hub: FakeHub) -> None:
    hub.hold = threading.Event()
    first = list[HubReply]()
    wish = HubRequest(Repository("acme/tiny"), str(tmp_path), 0)
    thread = threading.Thread(target=carry_out, args=(wish, first.append, lambda: None))
    thread.start()
    while not (tmp_path / ".pulling").exists() or not hub.ranges(FIRST):
        pass
    assert "is already being pulled" in refusal(tmp_path)
    hub.hold.set()
    thread.join()
    assert first[-1].pulled


def test_a_cancelled_pull_ends_at_once_and_is_gone_on_with(
    tmp_path: Path, hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the process of its own that people's pulls run in."""
    hub.hold = threading.Event()
    with Pull(Repository("acme/tiny"), tmp_path, 0) as coming:
        plan = coming.ask()
        steps = coming.bring()
        while next(steps).done < plan.found.size // 2 - 30_000:
            pass  # the hub sends half, and no more
        threading.Timer(0.05, coming.cancel).start()
        with pytest.raises(PullError, match="was stopped"):
            for _ in steps:
                pass
    assert not (tmp_path / PULLED).exists()
    hub.hold.set()
    hub.hold = None
    with Pull(Repository("acme/tiny"), tmp_path, 0) as again:
        assert again.ask().here > 0
        *_, last = again.bring()
    assert last.done == plan.found.size
    assert contents(tmp_path / PULLED)[FIRST] == FILES[FIRST]
