"""ComfyUI's graphs: what the sampler that drew a picture was given, followed link by link.

A link names a node and which of its outputs is taken. Nothing is looked for anywhere else: the
first node with an input called `positive` need not be the one that drew.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PureWindowsPath
from typing import Any, TypeAlias

_MOST_NODES = 200
"""Nodes that are followed from one input: a graph can have circles."""
_TEXTS = (
    *("populated_text", "text", "text_g", "text_l", "clip_l", "t5xxl", "prompt", "string"),
    *("value", "String", "Text", "STRING", "wildcard_text", "result", "text_0"),
)
_ENCODED = ("text", "text_g", "t5xxl", "clip_l", "text_l", "prompt")
_VALUES = ("value", "seed", "noise_seed", "int", "float", "number", "Value", "INT", "FLOAT")
_MODELS = ("ckpt_name", "unet_name", "model_name", "base_ckpt_name", "gguf_name")
_PARTS = re.compile(r"(?:string|text|prompt|str|input)_?([0-9]{1,2}|[a-z])?", re.IGNORECASE)
_BETWEEN = ("delimiter", "separator", "delim")

GraphNode: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class SamplerInputs:
    """What a sampler was given; None, or empty, where the graph does not tell."""

    prompts: tuple[str, ...]
    negatives: tuple[str, ...]
    seed: object
    width: object
    height: object
    steps: object
    guidance: object
    sampler: object
    scheduler: object
    model: object
    loras: tuple[tuple[str, float], ...] = ()
    """Names of files without their folder and ending, with their weights, as they are added."""


def drawn_by(body: Mapping[str, Any]) -> SamplerInputs | None:
    """What the sampler of a graph, as ComfyUI's API has it, was given; None: it has none."""
    nodes = {
        str(name): node
        for name, node in body.items()
        if isinstance(node, dict) and isinstance(node.get("inputs"), dict)
    }
    graph = _Graph(nodes)
    sampler = graph.sampler()
    return None if sampler is None else graph.drawn(nodes[sampler])


@dataclass
class _Conditioning:
    """What is found on the way from a sampler to its texts."""

    texts: list[str] = field(default_factory=list)
    guidance: object = None


class _Graph:
    def __init__(self, nodes: Mapping[str, GraphNode]) -> None:
        self._nodes = nodes

    # ---------------------------------------------------------------- which sampler

    def sampler(self) -> str | None:
        """The sampler of the first pass among those that lead to what was saved."""
        samplers = [name for name, node in self._nodes.items() if _is_sampler(node)]
        ends = [name for name, node in self._nodes.items() if "save" in _kind(node)]
        ends = ends or [name for name, node in self._nodes.items() if "preview" in _kind(node)]
        near = [name for end in ends for name in self._upstream(end) if name in samplers]
        if not (near or samplers):
            return None
        found, seen = (near or samplers)[0], set[str]()
        # A refiner or an upscaling pass draws on what another sampler drew.
        while found not in seen:
            seen.add(found)
            latent = _latent(self._nodes[found])
            before = [n for n in self._upstream_of(latent) if n in samplers and n not in seen]
            found = before[0] if before else found
        return found

    def _upstream(self, name: str) -> Iterator[str]:
        waiting, seen = [name], set[str]()
        while waiting and len(seen) < _MOST_NODES:
            name = waiting.pop(0)
            if name in seen or name not in self._nodes:
                continue
            seen.add(name)
            yield name
            waiting += [link for each in self._nodes[name]["inputs"].values() for link in _to(each)]

    def _upstream_of(self, link: object) -> Iterator[str]:
        for name in _to(link):
            yield from self._upstream(name)

    # ---------------------------------------------------------------- what it was given

    def drawn(self, node: GraphNode) -> SamplerInputs:
        """What a sampler was given."""
        inputs = dict(node["inputs"])
        for part in ("guider", "noise", "sampler", "sigmas"):
            for name in _to(inputs.get(part)):
                for key, value in self._nodes.get(name, {"inputs": {}})["inputs"].items():
                    inputs.setdefault(key, value)
        positive, negative = _Conditioning(), _Conditioning()
        asked = inputs.get("positive", inputs.get("conditioning", inputs.get("cond1")))
        self._follow(asked, "positive", positive, set())
        self._follow(inputs.get("negative"), "negative", negative, set())
        width, height = self._size(_latent(node))
        cfg = inputs.get("cfg", inputs.get("cfg_conds"))
        seed = inputs.get("noise_seed", inputs.get("seed"))
        return SamplerInputs(
            prompts=tuple(dict.fromkeys(positive.texts)),
            negatives=tuple(dict.fromkeys(negative.texts)),
            seed=self._value(seed),
            width=width,
            height=height,
            steps=self._value(inputs.get("steps")),
            guidance=self._value(cfg if positive.guidance is None else positive.guidance),
            sampler=self._string(inputs.get("sampler_name"), set()),
            scheduler=self._string(inputs.get("scheduler"), set()),
            model=self._model(inputs.get("model")),
            loras=tuple(self._loras(inputs.get("model")))[::-1],
        )

    def _follow(self, link: object, side: str, found: _Conditioning, seen: set[str]) -> None:
        """Gather the texts that a conditioning is made of.

        Args:
            link: where it comes from.
            side: the sampler's input that it leads to, `positive` or `negative`.
            found: where texts go.
            seen: outputs that were followed.
        """
        if isinstance(link, str):
            found.texts += [link.strip()] if link.strip() else []
            return
        for name in _to(link):
            output = link[1] if isinstance(link, list) and len(link) > 1 else 0
            key = f"{name} {output}"
            if key in seen or name not in self._nodes or len(seen) > _MOST_NODES:
                return
            seen.add(key)
            node = self._nodes[name]
            inputs, kind = node["inputs"], _kind(node)
            if "zeroout" in kind:
                return
            if "positive" in inputs and "negative" in inputs:
                # Such nodes give both on, in this order; loaders have them behind the model.
                both = output in (0, 1) and isinstance(inputs["positive"], list)
                wanted = ("positive", "negative")[output] if both else side
                self._follow(inputs[wanted], wanted, found, seen)
                return
            if "guidance" in inputs and found.guidance is None:
                found.guidance = inputs["guidance"]
            texts = [self._string(inputs.get(each), set()) for each in _ENCODED if each in inputs]
            if words := list(dict.fromkeys(text for text in texts if text)):
                found.texts.append(", ".join(words))
            for each, value in inputs.items():
                if isinstance(value, list) and _is_conditioning(each):
                    self._follow(value, side, found, seen)
            if not words and not any(map(_is_conditioning, inputs)):  # it only hands on
                others = [v for e, v in inputs.items() if isinstance(v, list) and e in _HANDED_ON]
                for value in others[:1]:
                    self._follow(value, side, found, seen)

    def _string(self, value: object, seen: set[str]) -> str:
        """A text, perhaps put together by nodes."""
        if isinstance(value, str):
            return value.strip()
        for name in _to(value):
            if name in seen or name not in self._nodes or len(seen) > _MOST_NODES:
                return ""
            seen.add(name)
            node = self._nodes[name]
            inputs, kind = node["inputs"], _kind(node)
            if any(
                word in kind for word in ("concat", "join", "combine", "append", "stringfunction")
            ):
                parts = [self._string(v, seen) for e, v in inputs.items() if _PARTS.fullmatch(e)]
                between = next((inputs[e] for e in _BETWEEN if isinstance(inputs.get(e), str)), " ")
                return str(between).join(part for part in parts if part)
            for each in _TEXTS:
                if each in inputs and (text := self._string(inputs[each], seen)):
                    return text
            links = [each for each in inputs.values() if isinstance(each, list)]
            return self._string(links[0], seen) if len(links) == 1 else ""
        return ""

    def _value(self, value: object) -> object:
        """A number, perhaps from a node that holds nothing else."""
        for _ in range(_MOST_NODES):
            names = list(_to(value))
            if not names or names[0] not in self._nodes:
                break
            inputs = self._nodes[names[0]]["inputs"]
            links = [each for each in inputs.values() if isinstance(each, list)]
            held = next((inputs[each] for each in _VALUES if each in inputs), None)
            value = held if held is not None else links[0] if len(links) == 1 else None
        return None if isinstance(value, list) else value

    def _size(self, latent: object) -> tuple[object, object]:
        """Width and height of the nearest node that has both."""
        for name in self._upstream_of(latent):
            inputs = self._nodes[name]["inputs"]
            if "width" in inputs and "height" in inputs:
                return self._value(inputs["width"]), self._value(inputs["height"])
            if "empty_latent_width" in inputs:
                width, height = (inputs.get(f"empty_latent_{e}") for e in ("width", "height"))
                return self._value(width), self._value(height)
        return None, None

    def _model(self, link: object) -> object:
        for name in self._upstream_of(link):
            inputs = self._nodes[name]["inputs"]
            if found := next((inputs[each] for each in _MODELS if each in inputs), None):
                return self._string(found, set())
        return None

    def _loras(self, link: object) -> Iterator[tuple[str, float]]:
        """The LoRAs between a sampler and its model's file, the nearest first."""
        for name in self._upstream_of(link):
            inputs = self._nodes[name]["inputs"]
            weight = self._value(inputs.get("strength_model", 1.0))
            file = inputs.get("lora_name")
            if isinstance(file, str) and isinstance(weight, int | float):
                yield PureWindowsPath(file).stem, float(weight)


_HANDED_ON = ("", "input", "any", "anything", "value", "*", "cond", "CONDITIONING", "any_01")
"""Inputs of nodes that only hand on what they are given."""


def _kind(node: GraphNode) -> str:
    return str(node.get("class_type", "")).casefold()


def _latent(node: GraphNode) -> object:
    inputs = node["inputs"]
    return next((inputs[e] for e in ("latent_image", "latent", "samples") if e in inputs), None)


def _is_sampler(node: GraphNode) -> bool:
    """Whether a node draws: it has something to draw on, and what to draw."""
    inputs: Mapping[str, Any] = node["inputs"]
    draws = "positive" in inputs or "guider" in inputs
    steps = "steps" in inputs or "sigmas" in inputs or "sampler" in _kind(node)
    return draws and steps and _latent(node) is not None


def _is_conditioning(name: str) -> bool:
    return name.startswith("conditioning") or name in ("cond", "cond1", "positive_conditioning")


def _to(link: object) -> Sequence[str]:
    """The node that a value links to, if it is a link."""
    if isinstance(link, list) and link and isinstance(link[0], str | int):
        return (str(link[0]),)
    return ()
