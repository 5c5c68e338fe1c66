"""ComfyUI's graphs: the prompt is what the sampler was given, by the output that a link takes."""

import json
from typing import Any

import pytest

from engine.picture.foreign import Foreign, understand


def node(kind: str, **inputs: Any) -> dict[str, Any]:
    return {"class_type": kind, "inputs": inputs}


def text(words: object) -> dict[str, Any]:
    return node("CLIPTextEncode", text=words, clip=["4", 1])


BASE = {
    "4": node("CheckpointLoaderSimple", ckpt_name="sd15.safetensors"),
    "5": node("EmptyLatentImage", width=512, height=768, batch_size=1),
    "6": text("a red boat"),
    "7": text("watermark"),
}


def sampler(**changed: Any) -> dict[str, Any]:
    inputs = {
        "seed": 5,
        "steps": 20,
        "cfg": 7.0,
        "sampler_name": "euler",
        "scheduler": "normal",
        "model": ["4", 0],
        "positive": ["6", 0],
        "negative": ["7", 0],
        "latent_image": ["5", 0],
        "denoise": 1.0,
    }
    return node("KSampler", **(inputs | changed))


def read(graph: dict[str, Any]) -> Foreign:
    found = understand({"prompt": json.dumps(graph)})
    assert found is not None
    return found


CONTROL = node("ControlNetApplyAdvanced", positive=["6", 0], negative=["7", 0], strength=1.0)


@pytest.mark.parametrize(
    ("more", "negative"),
    [
        ({"3": sampler()}, "watermark"),
        ({"1": CONTROL, "13": sampler(positive=["1", 0], negative=["1", 1])}, "watermark"),
        (
            {
                "8": node("ConditioningZeroOut", conditioning=["6", 0]),
                "3": sampler(negative=["8", 0]),
            },
            "",
        ),
        ({"1": node("Reroute", **{"": ["6", 0]}), "3": sampler(positive=["1", 0])}, "watermark"),
        (
            {
                "1": node("StringConcatenate", string_a="a red", string_b=["2", 0], delimiter=" "),
                "2": node("PrimitiveString", value="boat"),
                "6": text(["1", 0]),
                "3": sampler(),
            },
            "watermark",
        ),
        (
            {
                "1": node("Efficient Loader", positive="a red boat", negative="watermark"),
                "3": sampler(positive=["1", 1], negative=["1", 2]),
            },
            "watermark",
        ),
        (
            {
                "1": sampler(positive=["2", 0], latent_image=["3", 0], steps=9, seed=1),
                "2": text("refined"),
                "3": sampler(),
                "9": node("SaveImage", images=["10", 0]),
                "10": node("VAEDecode", samples=["1", 0]),
            },
            "watermark",
        ),
        (
            {
                "1": sampler(positive=["2", 0]),
                "2": text("never saved"),
                "3": sampler(),
                "9": node("SaveImage", images=["10", 0]),
                "10": node("VAEDecode", samples=["3", 0]),
            },
            "watermark",
        ),
        ({"1": node("PrimitiveInt", value=5), "3": sampler(seed=["1", 0])}, "watermark"),
    ],
)
def test_the_sampler_that_drew_says_prompt_and_settings(
    more: dict[str, Any], negative: str
) -> None:
    found = read({**BASE, **more})
    assert (found.prompt, found.negative_prompt) == ("a red boat", negative)
    assert (found.seed, found.steps, found.size) == (5, 20, (512, 768))
    assert (found.guidance, found.sampler, found.schedule) == (7.0, "euler", "normal")
    assert found.model == "sd15.safetensors"
    assert found.note == ""


FLUX = {
    "6": text("a red boat"),
    "26": node("FluxGuidance", guidance=3.5, conditioning=["6", 0]),
    "25": node("RandomNoise", noise_seed=77),
    "16": node("KSamplerSelect", sampler_name="euler"),
    "17": node("BasicScheduler", scheduler="simple", steps=20, model=["12", 0]),
    "27": node("EmptySD3LatentImage", width=1024, height=768),
    "12": node("UNETLoader", unet_name="flux1-dev.safetensors"),
}
PARTS = {"sampler": ["16", 0], "sigmas": ["17", 0], "latent_image": ["27", 0]}
ADVANCED = node("SamplerCustomAdvanced", noise=["25", 0], guider=["22", 0], **PARTS)


@pytest.mark.parametrize(
    "more",
    [
        {"22": node("BasicGuider", model=["12", 0], conditioning=["26", 0]), "13": ADVANCED},
        {
            "7": text(""),
            "22": node("CFGGuider", model=["12", 0], positive=["6", 0], negative=["7", 0], cfg=3.5),
            "13": ADVANCED,
        },
        {
            "7": text(""),
            "13": node(
                "SamplerCustom",
                model=["12", 0],
                positive=["6", 0],
                negative=["7", 0],
                cfg=3.5,
                noise_seed=77,
                **PARTS,
            ),
        },
    ],
)
def test_samplers_of_parts_are_put_together(more: dict[str, Any]) -> None:
    found = read({**FLUX, **more})
    assert (found.prompt, found.negative_prompt, found.guidance) == ("a red boat", "", 3.5)
    assert (found.seed, found.steps, found.size) == (77, 20, (1024, 768))
    assert (found.sampler, found.model) == ("euler", "flux1-dev.safetensors")


def test_several_prompts_are_joined_and_said() -> None:
    area = {
        "8": node("ConditioningSetArea", conditioning=["6", 0], width=64, height=64),
        "9": node("ConditioningCombine", conditioning_1=["8", 0], conditioning_2=["10", 0]),
        "10": node("GLIGENTextBoxApply", conditioning_to=["11", 0], text="a gull"),
        "11": text("the sea"),
        "3": sampler(positive=["9", 0]),
    }
    found = read({**BASE, **area})
    assert found.prompt == "a red boat, a gull, the sea"
    assert "several prompts" in found.note


def test_circles_in_a_graph_end() -> None:
    round_about = {"6": node("X", conditioning=["8", 0]), "8": node("X", conditioning=["6", 0])}
    assert understand({"prompt": json.dumps({**BASE, **round_about, "3": sampler()})}) is None
