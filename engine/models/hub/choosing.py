"""Which files of a repository are taken: one set of safetensors for each part, and its settings.

One rule for weights that come in several kinds: half the size where there is a choice, `fp16`
before `bf16`; a part that has neither comes whole. Never both, no pickles, and no code.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import msgspec

from engine.models.hub.repository import PullError, require_distinct_names
from engine.models.variants import VARIANTS, WEIGHTS, variant_in

INDEX = "model_index.json"
_PIECES_LISTED = re.compile(
    r"(?:diffusion_pytorch_)?model\.safetensors\.index(?:\.(?P<variant>fp16|bf16))?\.json"
)
_SETTINGS = re.compile(r"\w[\w.-]*\.(?:json|txt|model|jinja|tiktoken)")
_OTHER_WEIGHTS = {
    "pickles, which can run code when they are opened": (".bin", ".ckpt", ".pt", ".pth", ".pkl"),
    "GGUF, which is pulled as a single file alone": (".gguf",),
    "weights for other programs": (".msgpack", ".h5", ".onnx", ".ot", ".tflite"),
}
_SINGLE = (".safetensors", ".gguf")
"""Endings of files that are pulled alone."""
NEVER_LOADED = ("safety_checker", "feature_extractor")
"""Parts that a pipeline is loaded without."""
_NOWHERE_ELSE = "Look for a repository, or a revision, that has safetensors."


class HubFile(msgspec.Struct, frozen=True):
    """A file of a repository."""

    name: str
    """From the repository's root."""
    size: int
    """Bytes."""
    digest: str
    """In hexadecimal digits."""
    by: Literal["sha256", "git"]
    """What the digest is of: its bytes, or the object that git makes of them (SHA-1)."""


class Choice(msgspec.Struct, frozen=True):
    """The files of a model that are taken."""

    files: tuple[HubFile, ...]
    """Small ones first, so that what is wrong with a model is known early."""
    variant: str
    """Which weights were taken where there was a choice; empty: there was none."""
    parts: tuple[str, ...]


def choose(repository: str, files: Iterable[HubFile], index: Mapping[str, Any]) -> Choice:
    """The files of a model in diffusers' format that are taken.

    Args:
        repository: as a message names it.
        files: all that the repository has.
        index: what its model_index.json says.

    Raises:
        PullError: it brings its own code, has no safetensors, or lacks a part.
    """
    by_name = {file.name: file for file in files}
    parts = _parts_of(repository, index)
    in_part = {part: _below(part, by_name) for part in parts}
    for part, names in in_part.items():
        if code := next((name for name in names if name.endswith(".py")), None):
            raise own_code(repository, f"{part}/{code}")
    variant = next((each for each in VARIANTS if _has(each, in_part.values())), "")
    taken = [INDEX]
    for part, names in in_part.items():
        if not names:
            raise PullError(
                f"{repository} is not whole: its part {part} is missing. {_NOWHERE_ELSE}"
            )
        taken += [f"{part}/{name}" for name in _taken_of(repository, part, names, variant)]
    require_distinct_names(repository, taken)
    chosen = sorted((by_name[name] for name in taken), key=lambda file: (file.size, file.name))
    return Choice(tuple(chosen), variant, tuple(parts))


def choose_file(repository: str, files: Iterable[HubFile], name: str) -> Choice:
    """The one weights file that is meant.

    Raises:
        PullError: there is none of that name, or none that is loaded here.
    """
    if not name.endswith(_SINGLE):
        raise PullError(f"{name!r} ends in neither .safetensors nor .gguf: others are not pulled.")
    weights = [file for file in files if file.name.endswith(_SINGLE)]
    if found := next((file for file in weights if file.name == name), None):
        return Choice((found,), "", ())
    raise PullError(f"{repository} has no {name!r}. It has {_some([f.name for f in weights])}.")


def _some(names: Sequence[str]) -> str:
    return (
        ", ".join(names[:3]) + (" …" if len(names) > 3 else "")
        or "no .safetensors and no .gguf file"
    )


def own_code(repository: str, where: str) -> PullError:
    """The error for a model that only works with code of its own."""
    return PullError(
        f"{repository} brings its own code ({where}), which Promptsheet never runs. Look for a"
        " repository in diffusers' own format."
    )


def no_model(repository: str, names: Sequence[str]) -> PullError:
    """The error for a repository that is no model in diffusers' format: what it is instead."""
    found = [name for name in names if name.endswith(_SINGLE)]
    start = f"{repository} is no model in diffusers' format (it has no {INDEX})"
    if found:
        return PullError(
            f"{start}. It has single files ({_some(found)}):"
            f" `promptsheet models pull {repository} --file NAME` pulls one."
        )
    for kind, endings in _OTHER_WEIGHTS.items():
        if any(name.endswith(endings) for name in names):
            return PullError(f"{start}; its weights are {kind}. {_NOWHERE_ELSE}")
    return PullError(f"{start}, and no weights.")


def _parts_of(repository: str, index: Mapping[str, Any]) -> list[str]:
    """The parts of a model that are loaded: the names of their folders."""
    if not isinstance(index.get("_class_name"), str):
        raise own_code(repository, f"{INDEX}, _class_name")
    parts = [
        name
        for name, value in index.items()
        if isinstance(value, list)
        and len(value) == 2
        and all(isinstance(each, str) and each for each in value)
        and name not in NEVER_LOADED
    ]
    if odd := next((part for part in parts if not re.fullmatch(r"\w{1,64}", part)), None):
        raise PullError(f"{repository} is refused: it has a part with the odd name {odd[:80]!r}.")
    return parts


def _below(part: str, names: Iterable[str]) -> list[str]:
    """What lies in a part's folder, itself, not in folders of it."""
    start = f"{part}/"
    inside = (name.removeprefix(start) for name in names if name.startswith(start))
    return [name for name in inside if "/" not in name]


def _has(variant: str, parts: Iterable[Sequence[str]]) -> bool:
    return any(variant_in(name) == variant for names in parts for name in names)


def _taken_of(repository: str, part: str, names: Sequence[str], variant: str) -> list[str]:
    """Of a part, its settings, and one set of its weights."""
    settings = [name for name in names if _SETTINGS.fullmatch(name) and ".index." not in name]
    for kind in dict.fromkeys((variant, "")):
        if of_kind := [name for name in names if variant_in(name) == kind]:
            return settings + _one_set(repository, part, names, of_kind, kind)
    if any(variant_in(name) for name in names):
        raise PullError(
            f"{repository} has its part {part} in other weights than its other parts: they cannot"
            f" be loaded together. {_NOWHERE_ELSE}"
        )
    for words, endings in _OTHER_WEIGHTS.items():
        if any(name.endswith(endings) for name in names):
            raise PullError(
                f"{repository} has no safetensors for its part {part}: its weights are {words}."
                f" {_NOWHERE_ELSE}"
            )
    return settings


def _one_set(
    repository: str, part: str, names: Sequence[str], weights: Sequence[str], kind: str
) -> list[str]:
    """Whole files where there are such, else the pieces of one and the list of them."""
    pieces = [match["piece"] for name in weights if (match := WEIGHTS.fullmatch(name))]
    if whole := [name for name, piece in zip(weights, pieces, strict=True) if not piece]:
        return whole
    lists = [
        match[0]
        for name in names
        if (match := _PIECES_LISTED.fullmatch(name)) and (match["variant"] or "") == kind
    ]
    totals = {piece[-5:] for piece in pieces}
    if len(lists) != 1 or len(totals) != 1 or len(pieces) != int(totals.pop()):
        raise PullError(
            f"{repository} is not whole: of the weights of its part {part} a piece, or the list of"
            f" pieces, is missing. {_NOWHERE_ELSE}"
        )
    return [*weights, *lists]
