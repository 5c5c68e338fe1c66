"""What is to be found at a path that may be a model, or a folder full of them."""

import os
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from engine.errors import PromptsheetError
from engine.models.file_kinds import FileKind
from engine.models.model_files import GGUF_SUFFIX, INDEX, ModelFiles, own_code, read_json
from engine.models.weights_header import WeightsFileError
from engine.models.wholeness import faults_of

_REFUSED = (".ckpt", ".pt", ".pth", ".bin", ".gguf")
"""Endings of weights that are read only to say what they are."""
_MOST_FILES = 10_000
_DEEPEST = 8
_LONGEST_LABEL = 60


class ModelRefusedError(PromptsheetError):
    """What was asked of a model cannot be done; the message says why."""


@dataclass(frozen=True, slots=True)
class FoundModel:
    """One place that was looked at."""

    path: Path
    files: ModelFiles
    kind: FileKind | None
    """What it is, if it is one weights file that can be read."""
    fault: str
    """Why it is no model, in words; empty: it is one."""

    @property
    def needs_base(self) -> bool:
        """Whether it would be a model with a folder that has the rest, which was not named."""
        if self.kind is None or self.kind.variant not in ("", "distilled"):
            return False
        return bool(self.kind.denoiser and not self.files.base)

    @property
    def is_lora(self) -> bool:
        """Whether it is a LoRA, and no model."""
        return self.kind is not None and self.kind.what == "lora" and not self.kind.is_gguf

    @property
    def is_tree(self) -> bool:
        """Whether it is a folder that may be full of models, and is none itself."""
        return self.path.is_dir() and not (self.path / INDEX).is_file()

    @property
    def suggested_label(self) -> str:
        """A label made of its name."""
        named = self.path.suffix in (".safetensors", GGUF_SUFFIX)
        name = self.path.stem if named else self.path.name
        return re.sub(r"\s+", "-", name.strip())[:_LONGEST_LABEL] or "model"


_SITE = re.compile(r"https?:/+(?P<rest>.*)", re.IGNORECASE)
_HUB = ("huggingface.co/", "hf.co/")
_REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+")


def _not_there(given: Path) -> str:
    """That nothing is at a path, and what it may be instead: what people copy is often no path."""
    text = str(given)
    if site := _SITE.fullmatch(text):
        rest = site["rest"]
        if rest.startswith(_HUB):
            return f"This is an address: `promptsheet models pull https://{rest}` downloads it."
        return (
            f"https://{rest} is an address, not a file. Download the .safetensors file yourself,"
            " then add that."
        )
    if _REPOSITORY.fullmatch(text) and not text.startswith("."):
        return (
            f"File not found: {given.absolute()}. If it is a model of the Hub, `promptsheet models"
            f" pull {text}` downloads it."
        )
    return f"File not found: {given.absolute()}."


def look_at(path: Path, base: Path | None = None) -> FoundModel:
    """What one folder in diffusers' format, or one weights file, is.

    Args:
        path: the folder or the file.
        base: for a file, the folder that has what it leaves out.
    """
    given, path = path, path.absolute()
    files = ModelFiles(str(path), str(base.absolute()) if base else "")
    if not path.exists():
        return FoundModel(path, files, None, _not_there(given))
    if path.is_dir() and not (path / INDEX).is_file():
        fault = f"{path} is neither a folder in diffusers' format (it has no {INDEX}) nor a file."
        return FoundModel(path, files, None, fault)
    if path.is_dir() and not read_json(path / INDEX).get("_class_name"):
        return FoundModel(path, files, None, f"{path / INDEX} names no pipeline, so it is damaged.")
    for folder in (path, base):
        if folder and (folder / INDEX).is_file() and (where := own_code(folder)):
            fault = (
                f"{folder} brings its own code ({where}), which Promptsheet never runs. Look for"
                " one in diffusers' own format."
            )
            return FoundModel(path, files, None, fault)
    kind = None
    if path.is_file():
        try:
            kind = files.kind
        except (WeightsFileError, OSError):
            kind = None  # the fault says it
    fault = files.fault()
    if not fault and (more := faults_of(files)):
        fault = more[0] if str(path) in more[0] else f"{path}: {more[0]}"
    if not fault and path.is_dir():
        fault = _unknown_to_diffusers(path)
    return FoundModel(path, files, kind, fault)


def _unknown_to_diffusers(folder: Path) -> str:
    """That diffusers has no such pipeline as a folder's; empty: it has, or is not there."""
    name = str(read_json(folder / INDEX).get("_class_name"))
    found = find_spec("diffusers")  # which loads nothing of it
    if found is None or found.origin is None:
        return ""
    if f'"{name}"' in Path(found.origin).read_text(encoding="utf-8"):
        return ""
    return (
        f"{folder} is for the pipeline {name}, which the diffusers that is installed does not"
        " have. A newer one may: upgrade Promptsheet. Or look for another form of the model."
    )


def look_through(folder: Path) -> Iterator[FoundModel]:
    """Each weights file and each folder in diffusers' format in a folder and all below it.

    A folder in diffusers' format is one thing; hidden folders are left out, links not followed.
    """
    looked = 0
    for place, folders, names in os.walk(folder):
        here = Path(place)
        if INDEX in names:
            folders.clear()
            yield look_at(here)
            continue
        depth = len(here.relative_to(folder).parts)
        folders[:] = sorted(f for f in folders if depth < _DEEPEST and not f.startswith("."))
        for name in sorted(names):
            if name.startswith(".") or not name.endswith((".safetensors", *_REFUSED)):
                continue
            looked += 1
            if looked > _MOST_FILES:
                return
            yield look_at(here / name)


def free_label(wanted: str, taken: Collection[str]) -> str:
    """The label, or with the first number behind it that makes it one that is not taken."""
    if wanted not in taken:
        return wanted
    return next(
        label for number in range(2, len(taken) + 3) if (label := f"{wanted}-{number}") not in taken
    )
