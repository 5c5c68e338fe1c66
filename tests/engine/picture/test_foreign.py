import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from engine.picture.foreign import Foreign, read_foreign, understand
from engine.picture.formats import encode
from engine.picture.metadata import ImageRecord, a1111_parameters
from engine.picture.png import encode_png
from engine.picture.recipe import Lora, Recipe
from engine.plan.from_pictures import row_of, source_of
from tests.support.libraries import CONDITIONS

pytestmark = pytest.mark.slow


_A1111 = (
    "a lighthouse by night,\n(stormy:1.2) sea, oil on canvas\n"
    "Negative prompt: people, text\nSteps: 30, Sampler: DPM++ 2M Karras, CFG scale: 7.5,"
    ' Seed: 4294967295, Size: 832x1216, Model hash: 31e35c80fc, Model: "my, model: v2",'
    " Clip skip: 2, Version: v1.9.4"
)
_COMFY = {
    "3": {
        "class_type": "KSampler",
        "inputs": {
            "seed": 156680208700286,
            "steps": 20,
            "cfg": 8.0,
            "sampler_name": "euler",
            "scheduler": "normal",
            "denoise": 1.0,
            "model": ["10", 0],
            "positive": ["6", 0],
            "negative": ["7", 0],
            "latent_image": ["5", 0],
        },
    },
    "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "sd15.safetensors"}},
    "10": {"class_type": "LoraLoader", "inputs": {"model": ["4", 0], "strength_model": 1.0}},
    "5": {"class_type": "EmptyLatentImage", "inputs": {"width": 512, "height": 768}},
    "6": {"class_type": "CLIPTextEncode", "inputs": {"text": ["11", 0], "clip": ["4", 1]}},
    "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "watermark", "clip": ["4", 1]}},
    "11": {"class_type": "PrimitiveNode", "inputs": {"value": 1, "prompt": "a glass bottle"}},
}
_INVOKE = {
    "positive_prompt": "a red boat",
    "negative_prompt": "blur",
    "seed": 7,
    "width": 1024,
    "height": 1024,
    "steps": 25,
    "cfg_scale": 6,
    "scheduler": "euler_a",
    "model": {"name": "juggernaut", "hash": "x"},
}
_OLD_INVOKE = {
    "model_weights": "stable-diffusion-1.5",
    "image": {
        "prompt": [{"prompt": "a hill [fog] at dawn", "weight": 1.0}],
        "seed": 9,
        "width": 640,
        "height": 512,
        "steps": 50,
        "cfg_scale": 7.5,
        "sampler": "k_lms",
    },
}


def test_a1111s_parameters_become_a_row() -> None:
    found = understand({"parameters": _A1111})
    assert found == Foreign(
        "A1111",
        "a lighthouse by night,\n(stormy:1.2) sea, oil on canvas",
        "people, text",
        4294967295,
        (832, 1216),
        30,
        7.5,
        "DPM++ 2M Karras",
        "my, model: v2",
    )
    cells = row_of(found)
    assert cells["aspect_ratio"] == "13:19"
    assert cells["seed_number"] == str(2**31 - 1)
    assert (cells["steps"], cells["guidance"], cells["width"]) == ("30", "7.5", "")
    assert source_of(found)["source_model"] == "my, model: v2"


def test_comfyuis_graph_is_followed_to_prompt_size_and_model() -> None:
    found = understand({"prompt": json.dumps(_COMFY), "workflow": "{}"})
    assert found is not None
    assert (found.prompt, found.negative_prompt) == ("a glass bottle", "watermark")
    assert (found.size, found.steps, found.guidance) == ((512, 768), 20, 8.0)
    assert (found.seed, found.model) == (156680208700286, "sd15.safetensors")


def test_invokeais_metadata_of_both_generations() -> None:
    new = understand({"invokeai_metadata": json.dumps(_INVOKE)})
    assert new == Foreign(
        "InvokeAI", "a red boat", "blur", 7, (1024, 1024), 25, 6.0, "euler_a", "juggernaut"
    )
    old = understand({"sd-metadata": json.dumps(_OLD_INVOKE)})
    assert old is not None
    assert (old.prompt, old.negative_prompt) == ("a hill  at dawn", "fog")
    assert row_of(old)["aspect_ratio"] == "5:4"


def test_our_own_parameters_line_is_read_back() -> None:
    recipe = Recipe('a "b", c: d', "e\nf", 5, 96, 64, 9, 3.5, "S", "m, x", "h")
    found = understand({"parameters": a1111_parameters(recipe)})
    assert found is not None
    assert (found.prompt, found.negative_prompt, found.model) == ('a "b", c: d', "e\nf", "m, x")


def test_files_are_read_and_pictures_without_a_recipe_say_nothing(tmp_path: Path) -> None:
    pixels = np.zeros((8, 8, 3), np.uint8)
    png, jpeg, plain = (tmp_path / name for name in ("a.png", "b.jpg", "c.png"))
    png.write_bytes(encode_png(pixels, {"parameters": _A1111}))
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9286] = b"UNICODE\0" + _A1111.encode("utf-16-be")
    Image.fromarray(pixels).save(jpeg, exif=exif)
    plain.write_bytes(encode_png(pixels, {"Comment": "holiday", "parameters": "just a remark"}))
    assert read_foreign(png) == read_foreign(jpeg) == understand({"parameters": _A1111})
    assert read_foreign(plain) is None
    (tmp_path / "d.png").write_bytes(b"nothing of the kind")
    assert read_foreign(tmp_path / "d.png") is None


@pytest.mark.parametrize("kind", ["png", "webp", "jpeg"])
def test_our_own_record_is_found_in_every_kind_of_file(tmp_path: Path, kind: str) -> None:
    recipe = Recipe("a", "", 5, 8, 8, 9, 3.5, "S (ddim)", "m", "h", ("#CBA324",))
    record = ImageRecord("s-1-1", recipe, CONDITIONS, 1, 0, ())
    picture = tmp_path / {"jpeg": "a.jpg"}.get(kind, f"a.{kind}")
    picture.write_bytes(encode(np.zeros((8, 8, 3), np.uint8), record.to_text(), kind, 1))
    found = read_foreign(picture)
    assert found is not None
    cells = row_of(found)
    assert (cells["scheduler"], cells["color_palette"]) == ("ddim", "#CBA324")
    assert (cells["width"], cells["model"]) == ("8", "m")


def test_loras_of_any_program_go_into_the_column() -> None:
    graph = dict(_COMFY)
    for node, before, name, weight in (("10", "12", "ink", 0.5), ("12", "4", "a\\\\fog bank", 1)):
        inputs = {"model": [before, 0], "lora_name": f"{name}.safetensors"}
        graph[node] = {"class_type": "LoraLoader", "inputs": inputs | {"strength_model": weight}}
    listed = [{"model": {"name": "ink"}, "weight": 0.5}, {"lora": {"model_name": "fog"}}, {"x": 1}]
    tagged = _A1111.replace("\n(stormy", " <lora:ink:0.5>,\n(stormy")
    mine = Recipe("a {b}", "", 5, 8, 8, 9, 3.5, "S", "m", "h", loras=(Lora("ink", "d", 0.5),))
    for text, loras in (
        ({"prompt": json.dumps(graph)}, "fog bank:1, ink:0.5"),
        ({"invokeai_metadata": json.dumps(_INVOKE | {"loras": listed})}, "ink:0.5, fog:1"),
        ({"parameters": tagged}, "ink:0.5"),
        ({"parameters": a1111_parameters(mine)}, "ink:0.5"),
        (ImageRecord("s-1-1", mine, CONDITIONS, 1, 0, ()).to_text(), "ink:0.5"),
    ):
        found = understand(text)
        assert found is not None
        cells = row_of(found)
        assert cells["lora"] == loras and "<lora" not in cells["prompt"]


@pytest.mark.parametrize(
    "text",
    [
        {"prompt": "[" * 100_000},
        {"prompt": '{"1": {"inputs": {"positive": ["1", 0]}}}'},
        {"prompt": '{"1": {"inputs": {"positive": [], "text": []}}}'},
        {"invokeai_metadata": '{"positive_prompt": {"a": 1}}'},
        {"parameters": "Steps: 1, " * 10_000},
        {"parameters": 'x\nSteps: 1, Size: 9x0, Seed: -1, Model: "' + "\\" * 5000},
    ],
)
def test_crooked_metadata_never_raises_and_never_hangs(text: dict[str, str]) -> None:
    understand(text)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["1", "inputs", "positive", "text", "image", "prompt", "model", "seed"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(_JSON, st.text(max_size=80))
def test_any_metadata_gives_a_row_of_text_or_none(body: object, line: str) -> None:
    for keyword in ("prompt", "invokeai_metadata", "sd-metadata"):
        found = understand({keyword: json.dumps(body), "parameters": line})
        assert found is None or all(isinstance(cell, str) for cell in row_of(found).values())
