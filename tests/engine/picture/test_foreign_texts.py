"""What other programs leave in pictures, wherever they put it."""

import gzip
import json
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from engine.picture.foreign import read_foreign, understand, why_silent
from engine.plan.from_pictures import row_of, scheduler_of, source_of

LINES = (
    "a lighthouse by night, sea\nNegative prompt: people, text\nSteps: 20, Sampler: DPM++ 2M, "
    "Schedule type: Karras, CFG scale: 7, Seed: 3313626210, Size: 832x1216, Model: xl"
)
PIXELS = np.zeros((40, 60, 3), np.uint8)


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(path: Path, *chunks: bytes, behind: bool = False) -> Path:
    Image.fromarray(PIXELS).save(path)
    data = path.read_bytes()
    at = data.index(b"IEND") - 4 if behind else data.index(b"IDAT") - 4
    path.write_bytes(data[:at] + b"".join(chunks) + data[at:])
    return path


def check(path: Path) -> None:
    found = read_foreign(path)
    assert found is not None
    assert (found.prompt, found.negative_prompt) == ("a lighthouse by night, sea", "people, text")
    assert (found.seed, found.size, found.steps) == (3313626210, (832, 1216), 20)
    cells, source = row_of(found), source_of(found)
    assert (cells["scheduler"], source["source_seed"]) == ("dpm++ karras", "3313626210")


@pytest.mark.parametrize(
    "body",
    [
        chunk(b"tEXt", b"parameters\0" + LINES.encode()),
        chunk(b"zTXt", b"parameters\0\0" + zlib.compress(LINES.encode())),
        chunk(b"iTXt", b"parameters\0\1\0\0\0" + zlib.compress(LINES.encode())),
    ],
)
@pytest.mark.parametrize("behind", [False, True])
def test_texts_of_png_are_found_packed_or_behind_the_pixels(
    tmp_path: Path, body: bytes, behind: bool
) -> None:
    check(png(tmp_path / "a.png", body, behind=behind))


@pytest.mark.parametrize(
    "comment",
    [
        b"UNICODE\0" + LINES.encode("utf-16-be"),
        b"UNICODE\0" + LINES.encode("utf-16-le"),
        b"UNICODE\0" + LINES.encode(),
        b"ASCII\0\0\0" + LINES.encode(),
        LINES.encode(),
        b"ASCII\0\0\0" + LINES.replace("\n", " ").encode(),
    ],
)
@pytest.mark.parametrize("name", ["a.jpg", "a.webp"])
def test_comments_of_exif_are_read_in_any_encoding(
    tmp_path: Path, comment: bytes, name: str
) -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9286] = comment
    Image.fromarray(PIXELS).save(tmp_path / name, exif=exif)
    check(tmp_path / name)


@pytest.mark.parametrize("packed", [False, True])
def test_a_text_in_the_lowest_bits_of_alpha_is_found(tmp_path: Path, packed: bool) -> None:
    body = gzip.compress(LINES.encode()) if packed else LINES.encode()
    sign = b"stealth_pngcomp" if packed else b"stealth_pnginfo"
    bits = np.unpackbits(np.frombuffer(sign + struct.pack(">I", len(body) * 8) + body, np.uint8))
    alpha = np.full(60 * 40, 254, np.uint8)
    alpha[: len(bits)] |= bits
    pixels = np.dstack([PIXELS, alpha.reshape(60, 40).T])
    Image.fromarray(pixels, "RGBA").save(tmp_path / "a.png")
    check(tmp_path / "a.png")


def test_comfyuis_graph_in_the_exif_of_webp_is_found(tmp_path: Path) -> None:
    graph = {
        "1": {"class_type": "CLIPTextEncode", "inputs": {"text": "a red boat"}},
        "2": {"class_type": "EmptyLatentImage", "inputs": {"width": 64, "height": 32}},
        "3": {
            "class_type": "KSampler",
            "inputs": {"positive": ["1", 0], "latent_image": ["2", 0], "steps": 4, "seed": 1},
        },
    }
    exif = Image.Exif()
    exif[0x0110] = "prompt:" + json.dumps(graph)
    Image.fromarray(PIXELS).save(tmp_path / "a.webp", exif=exif)
    found = read_foreign(tmp_path / "a.webp")
    assert found is not None
    assert (found.program, found.prompt, found.size) == ("ComfyUI", "a red boat", (64, 32))


SETTINGS: dict[str, Any] = {"steps": 20, "seed": 7, "width": 64, "height": 32}


@pytest.mark.parametrize(
    ("texts", "program"),
    [
        (
            {
                "parameters": json.dumps(
                    {"sui_image_params": {**SETTINGS, "prompt": "a boat", "negativeprompt": "x"}}
                )
            },
            "SwarmUI",
        ),
        (
            {
                "parameters": json.dumps(
                    {"prompt": "a boat", "negative_prompt": "x", "seed": "7", "steps": 20}
                    | {"resolution": "(64, 32)", "version": "Fooocus v2.5"}
                )
            },
            "Fooocus",
        ),
        (
            {"parameters": json.dumps({**SETTINGS, "Prompt": "a boat", "Negative": "x"})},
            "RuinedFooocus",
        ),
        (
            {"Comment": json.dumps({**SETTINGS, "prompt": "a boat", "uc": "x", "scale": 5})},
            "NovelAI",
        ),
        ({"Dream": '"a boat [x]" -s 20 -S7 -W64 -H 32 -C7.5 -Ak_lms'}, "InvokeAI"),
    ],
)
def test_other_programs_texts_are_understood(texts: dict[str, str], program: str) -> None:
    found = understand(texts)
    assert found is not None
    assert (found.program, found.prompt, found.negative_prompt) == (program, "a boat", "x")
    assert (found.seed, found.size, found.steps) == (7, (64, 32), 20)


def test_a1111s_settings_may_have_lines_below_and_values_of_several_lines() -> None:
    below = (
        '\nTemplate: a __place__, sea\nNegative Template: x\nLora hashes: "a: 1,\nb: 2", Seed: 1'
    )
    found = understand({"parameters": LINES + ', Note: "two,\nlines", VAE: v' + below})
    assert found is not None
    assert (found.prompt, found.seed) == ("a lighthouse by night, sea", 3313626210)
    assert found.negative_prompt == "people, text"


@pytest.mark.parametrize(
    ("sampler", "schedule", "ours"),
    [
        ("Euler a", "", "euler ancestral"),
        ("DPM++ 2M SDE", "Automatic", "dpm++ sde"),
        ("dpmpp_2m", "karras", "dpm++ karras"),
        ("uni_pc", "normal", "unipc"),
        ("k_euler", "", "euler"),
        ("LMS", "", ""),
    ],
)
def test_samplers_become_our_schedulers(sampler: str, schedule: str, ours: str) -> None:
    assert scheduler_of(sampler, schedule) == ours


def test_a_picture_that_says_nothing_says_what_it_looks_like(tmp_path: Path) -> None:
    assert why_silent(png(tmp_path / "a.png")) == "it contains no text"
    graph = chunk(b"tEXt", b'workflow\0{"nodes": []}')
    assert "looks like ComfyUI's" in why_silent(png(tmp_path / "b.png", graph))
    assert "Author" in why_silent(png(tmp_path / "c.png", chunk(b"tEXt", b"Author\0me")))
