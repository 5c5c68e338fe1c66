"""Where a model's files are: a folder in diffusers' format, or one file and what it leaves out."""

import json
import re
from collections.abc import Iterator
from functools import lru_cache
from importlib.resources import files as resources
from pathlib import Path
from typing import Any

import msgspec

from engine.errors import reason_of
from engine.models.additions import NONE, Additions
from engine.models.file_kinds import FileKind, file_kind
from engine.models.fingerprint import fingerprint
from engine.models.weights_header import WeightsFileError

INDEX = "model_index.json"
"""What makes a folder one in diffusers' format: its pipeline's class, and the class of each part.
"""
DENOISERS = ("unet", "transformer")
"""What the part that draws is called in such a folder."""
GGUF_SUFFIX = ".gguf"


class ModelFiles(msgspec.Struct, frozen=True):
    """A model's files, as processes tell each other."""

    source: str
    """A folder in diffusers' format, or one weights file."""
    base: str = ""
    """For a weights file, the folder in diffusers' format that has what it leaves out. Empty: what
    a checkpoint leaves out comes with Promptsheet."""
    prediction: str = ""
    """What it was taught to predict, where neither file nor folder says it."""
    added: Additions = NONE
    """What its entry adds to them."""
    quantise: str = ""
    """What its linear layers are rounded to when it is loaded; empty: they are left as they are."""
    step_cache: str = ""
    """What is left out of steps, and from which threshold on; empty: nothing."""

    @property
    def path(self) -> Path:
        """Its folder or file."""
        return Path(self.source)

    @property
    def is_file(self) -> bool:
        """Whether it is one weights file."""
        return self.path.is_file()

    @property
    def are_there(self) -> bool:
        """Whether they are there; an empty mount point is a folder, too."""
        base = [Path(self.base) / INDEX] if self.base else []
        return all(
            path.is_file() for path in (self.path if self.is_file else self.path / INDEX, *base)
        )

    @property
    def kind(self) -> FileKind:
        """What its weights file is.

        Raises:
            WeightsFileError: it is no safetensors file, or not a whole one.
            OSError: it cannot be read.
        """
        return known_kind(self.path)

    @property
    def configs(self) -> Path:
        """The folder in diffusers' format that says how its parts are built.

        Raises:
            WeightsFileError, OSError: as `kind`.
        """
        if not self.is_file:
            return self.path
        return Path(self.base) if self.base else shipped_configs(self.kind.family)

    def fingerprint(self) -> str:
        """As `engine.models.fingerprint`, of all that its pixels follow from.

        Raises:
            OSError: a file cannot be read.
        """
        base = [Path(self.base)] if self.base else []
        added = [path for _, path in self.added.files()]
        also = self.prediction + self.added.words + self.quantise + self.step_cache
        return fingerprint(self.path, *base, *added, also=also)

    def fault(self) -> str:
        """Why no model can be loaded from them, in words; empty: one can, as far as they tell."""
        if self.path.is_dir() or not self.path.exists():
            return _folder_fault(self.path)
        if not self.path.is_file():  # what waits for a writer would be waited for
            return f"{self.path} is neither a file nor a folder."
        try:
            kind = self.kind
        except WeightsFileError as error:
            return str(error)
        except OSError as error:
            return f"{self.path} cannot be read: {reason_of(error)}."
        if self.base and (fault := _folder_fault(Path(self.base))):
            return fault
        return kind_fault(self.path.name, kind, self.base)

    def weights(self) -> Iterator[Path]:
        """Every weights file that is loaded."""
        if not self.is_file:
            yield from _weights_of(self.path, ())
            return
        yield self.path
        if self.base and self.kind.what == "denoiser":
            yield from _weights_of(Path(self.base), DENOISERS)


def shipped_configs(family: str) -> Path:
    """How the parts of a family's checkpoints are built: a folder that comes with Promptsheet.

    Args:
        family: as `FileKind.family`: "sd", "sd2" or "sdxl".
    """
    return Path(str(resources("assets") / "single_files" / family))


def clip_vocabulary() -> Path:
    """The folder with CLIP's vocabulary, which comes with Promptsheet."""
    return Path(str(resources("assets") / "single_files" / "clip"))


def known_kind(path: Path) -> FileKind:
    """As `file_kind`; a file that was not written to since is not read again."""
    about = path.stat()
    return _known_kind(path, about.st_size, about.st_mtime_ns)


@lru_cache(1024)
def _known_kind(path: Path, _size: int, _stamp: int) -> FileKind:
    return file_kind(path)


def read_json(path: Path) -> dict[str, Any]:
    """A JSON file's object; empty if there is none."""
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}


_UNUSED = frozenset(
    {"safety_checker", "feature_extractor", "image_encoder", "prompt_enhancer_head"}
)
"""Parts that are not loaded."""


def parts_of(folder: Path) -> dict[str, str]:
    """Each part that is loaded of a folder in diffusers' format → its class."""
    return {
        name: str(value[1])
        for name, value in read_json(folder / INDEX).items()
        if isinstance(value, list) and len(value) == 2 and value[0] and name not in _UNUSED
    }


def stored_by(folder: Path) -> str:
    """The package that has rounded weights of a folder, and that loads them; empty: none has."""
    for part in parts_of(folder):
        told = read_json(folder / part / "config.json").get("quantization_config")
        if isinstance(told, dict) and isinstance(by := told.get("quant_method"), str):
            return by
    return ""


def own_code(folder: Path) -> str:
    """Where a folder in diffusers' format asks for code of its own, none of which is run; or ""."""
    index = read_json(folder / INDEX)
    if not isinstance(index.get("_class_name"), str):
        return f"{INDEX}, _class_name"
    for part in parts_of(folder):
        library = str(index[part][0])
        if not re.fullmatch(r"\w{1,64}", part):
            return f"{INDEX}, {part[:80]!r}"
        if any((place / f"{library}.py").exists() for place in (folder, folder / part)):
            return f"{library}.py"
        if library in _LIBRARIES and "auto_map" in read_json(folder / part / "config.json"):
            return f"{part}/config.json, auto_map"
    return ""


_LIBRARIES = ("diffusers", "transformers")


def weight_files(part: Path) -> list[Path]:
    """The weights files that are loaded of a part: not variants (`.fp16.`) beside whole ones."""
    found = sorted(part.glob("*.safetensors"))
    whole = [path for path in found if "." not in path.name.removesuffix(".safetensors")]
    return whole or found


def _weights_of(folder: Path, without: tuple[str, ...]) -> Iterator[Path]:
    for part in sorted(parts_of(folder).keys() - set(without)):
        yield from weight_files(folder / part)


def _folder_fault(folder: Path) -> str:
    if (folder / INDEX).is_file():
        return ""
    if not folder.exists():
        return f"{folder} is not there. Put it back, or mount its disk."
    return f"{folder} is not a diffusers folder (it has no {INDEX})."


def kind_fault(name: str, kind: FileKind, base: str) -> str:
    """Why no model can be loaded from one weights file, in words; empty: one can.

    Args:
        name: the file's.
        kind: what it is.
        base: the folder in diffusers' format that has what it leaves out; empty: none was named.
    """
    if kind.is_gguf and not (kind.what == "denoiser" and name.endswith(GGUF_SUFFIX)):
        return (
            f"{name} is {kind.words}, stored as GGUF: only denoisers in files ending in"
            f" {GGUF_SUFFIX} can be loaded from GGUF. Use its .safetensors file."
        )
    if kind.rounded and kind.what in ("checkpoint", "denoiser"):
        return (
            f"{name} is {kind.words}, its weights in {kind.rounded}, which cannot be loaded from a"
            " single file here: take one in float16, bfloat16, plain float8 or GGUF."
        )
    if name.endswith(GGUF_SUFFIX) and not kind.is_gguf:
        return f"{name} holds safetensors: give it a name that ends in .safetensors."
    if kind.what == "checkpoint":
        if kind.pipeline:
            return ""
        return f"{name} is {kind.words}, which Promptsheet does not support."
    if kind.what == "upscaler":
        if kind.family:
            return ""
        return (
            f"{name} is an upscaler of an unsupported kind. Use ESRGAN models (RealESRGAN_x4plus,"
            " 4x-UltraSharp and most others) or compact Real-ESRGAN models."
        )
    if kind.what != "denoiser":
        return f"{name} is {kind.words}, which is not a model by itself."
    if kind.variant not in ("", "distilled"):
        return f"{name} is {kind.words}, which is not supported as a single file."
    if not kind.denoiser:
        return f"{name} is {kind.words}, which cannot be loaded from a single file."
    if not base:
        return (
            f"{name} is {kind.words}. It also needs a folder in diffusers' format of the same"
            " family: name that as base."
        )
    theirs = next((cls for part, cls in parts_of(Path(base)).items() if part in DENOISERS), "")
    if theirs != kind.denoiser:
        return (
            f"{name} is {kind.words}, and {base} is for another ({theirs or 'it has no denoiser'},"
            f" not {kind.denoiser}): name a folder of the same family as base."
        )
    return ""
