"""LoRAs: files of small changes to a model's weights, by the names people write."""

import os
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import msgspec
from msgspec import Meta

from engine.config_records import Declared, DeclaredError, build
from engine.errors import reason_of
from engine.models.catalog import Model
from engine.models.file_digests import file_digest
from engine.models.file_kinds import TITLES, FileKind
from engine.models.finding import free_label
from engine.models.list_file import add_entries
from engine.models.lora_fit import misfit, other_kind
from engine.models.model_files import known_kind
from engine.models.weights_header import WeightsFileError
from engine.settings import SettingsError, config_folder, expanded

SUFFIX = ".safetensors"
LEAST_WEIGHT, MOST_WEIGHT = -4.0, 4.0
_MOST_FILES = 20_000
_APART = ",;|:<>\n"
"""What no name may hold: it parts names, and names from weights."""


class LoraError(Exception):
    """A LoRA cannot be used for what is to be drawn; the message says why and what to do."""


class LoraGoneError(LoraError):
    """Its file is not there, or no longer the one it was."""


class KnownLora(Declared, frozen=True):
    """One entry of the list of LoRAs."""

    label: Annotated[str, Meta(min_length=1)]
    """The name people write in the `lora` column."""
    file: Path
    """A safetensors file."""
    family: str = ""
    """Which models it is for, by their family's name; empty: the file tells."""
    weight: Annotated[float, Meta(ge=LEAST_WEIGHT, le=MOST_WEIGHT)] = 1.0
    """How strongly it acts where a cell does not say."""
    words: tuple[str, ...] = ()
    """Words it was trained to answer to, one or several of which the prompt needs."""


class KnownLoras(dict[str, KnownLora]):
    """Label → LoRA, and what is wrong with those that are not in it."""

    def __init__(self, loras: Mapping[str, KnownLora], faults: Mapping[str, str]) -> None:
        super().__init__(loras)
        self.faults = faults
        """Label, or which entry it is → why it cannot be used."""


LookForLoras: TypeAlias = Callable[[], KnownLoras]
"""Tells which LoRAs there are now; raises `SettingsError`."""


@dataclass(frozen=True, slots=True)
class _OfLabel:
    """What is gathered of one label."""

    lora: KnownLora | None
    fault: str = ""


def load_loras(folder: Path | None) -> KnownLoras:
    """The LoRAs of the user's list, `loras.toml`, and those of a folder, by their files' names.

    Where labels are equal the list's holds. What is wrong with one concerns those who name it, and
    nobody else.

    Args:
        folder: whose safetensors files, those of folders in it too, are LoRAs; None: there is none.

    Raises:
        SettingsError: the list cannot be read.
    """
    found = _in_folder(folder) if folder is not None else {}
    found |= _listed(own_loras())
    return KnownLoras(
        {label: each.lora for label, each in found.items() if each.lora is not None},
        {label: each.fault for label, each in found.items() if each.fault},
    )


def own_loras() -> Path:
    """The user's list of LoRAs, which need not be there."""
    return config_folder() / "loras.toml"


def listed_loras() -> KnownLoras:
    """The LoRAs of the user's list alone; raises as `load_loras`."""
    return load_loras(None)


def family_told(lora: KnownLora) -> str:
    """Which family of models a LoRA is for, by its entry or else its file; empty: neither tells.

    Raises:
        LoraError: its file is no LoRA.
        OSError: it cannot be read.
    """
    try:
        kind = known_kind(lora.file)
    except WeightsFileError as error:
        raise LoraError(str(error)) from error
    if kind.what not in ("lora", "unknown"):
        raise LoraError(f"{lora.file.name} is {kind.words}, not a LoRA.")
    return lora.family or kind.family


def looked_at(loras: KnownLoras) -> KnownLoras:
    """The same, each with its family as far as its file tells; files that are none are faults."""
    found, faults = dict[str, KnownLora](), dict(loras.faults)
    for label, lora in loras.items():
        try:
            found[label] = msgspec.structs.replace(lora, family=family_told(lora))
        except LoraError as error:
            faults[label] = str(error)
        except OSError as error:
            faults[label] = f"{lora.file} cannot be read: {reason_of(error)}."
    return KnownLoras(found, faults)


def why_not(lora: KnownLora, model: Model) -> str:
    """Why a LoRA cannot be put on a model, as far as the files tell; empty: it can."""
    kind = model.kind
    try:
        family = family_told(lora)
    except LoraError as error:
        return f"The LoRA {lora.label} cannot be used: {error}"
    except OSError as error:
        return (
            f"The LoRA {lora.label} cannot be used: {lora.file} cannot be read: {reason_of(error)}."
        )
    if family and not takes_family(model, family):
        return (
            f"The LoRA {lora.label} is for {TITLES.get(family, family)}, and {model.label} is a"
            f" model of {kind.title}."
        )
    if other := other_kind(lora.file):
        return f"The LoRA {lora.label} is a {other}, which cannot be loaded: use a plain LoRA."
    if why := misfit(lora.file, model.source):
        return f"The LoRA {lora.label} does not fit the model {model.label}: {why}."
    return ""


def takes_family(model: Model, family: str) -> bool:
    """Whether LoRAs of a family, as `FileKind.family` calls it, can be put on a model."""
    return family in model.kind.loras


def unusable(kind: FileKind, models: Mapping[str, Model]) -> str:
    """Why a LoRA is of no use with the models there are, by its header; empty: it is, or may be."""
    if not kind.family or any(takes_family(model, kind.family) for model in models.values()):
        return ""
    return (
        f"It is {kind.words}, and none of your models can use it: add or pull a model of that"
        " family first."
    )


def add_lora(file: Path, label: str, **more: Any) -> str:
    """Put a LoRA into the user's list, whose remarks are left alone; its label there.

    Args:
        file: its file, which stays where it is.
        label: what it is to be called; letters that part names in a cell are left out, and with a
            number behind it where another has it.
        more: further fields of its entry.

    Raises:
        SettingsError: the list cannot be used, or not be written.
    """
    path = config_folder() / "loras.toml"
    listed = _listed(path)
    here = next((n for n, e in listed.items() if e.lora and e.lora.file == file), None)
    if here is not None:
        return here
    plain = "".join(letter for letter in label if letter not in _APART).strip() or "lora"
    label = free_label(plain, listed)
    add_entries({"label": label, "file": str(file)} | more, path=path, tables="loras")
    return label


def lora_digest(name: str, file: Path) -> str:
    """The SHA-256 of a LoRA's file.

    Raises:
        LoraGoneError: it cannot be read.
    """
    try:
        return file_digest(file)
    except OSError as error:
        raise LoraGoneError(
            f"the LoRA {name} is not there: {file} cannot be read ({reason_of(error)}). Put it"
            " back, or mount its disk"
        ) from error


def require_same(name: str, file: Path, digest: str) -> None:
    """See that a LoRA's file is the one that a session was planned with.

    Raises:
        LoraGoneError: it is not there, or another.
    """
    if lora_digest(name, file) != digest:
        raise LoraGoneError(
            f"the file of the LoRA {name} has changed since this session started: put the old one"
            f" back as {file}, or start these rows again with the new one"
        )


def _in_folder(folder: Path) -> dict[str, _OfLabel]:
    found: dict[str, _OfLabel] = {}
    for path in _files(folder):
        label = path.name.removesuffix(SUFFIX).strip()
        if label in found:
            fault = (
                f"Several files in {folder} are called {path.name}: rename one, or give it a"
                " label in loras.toml."
            )
            found[label] = _OfLabel(None, fault)
        elif label and not any(letter in _APART for letter in label):
            found[label] = _OfLabel(KnownLora(label=label, file=path))
    return found


def _files(folder: Path) -> list[Path]:
    """The safetensors files of a folder and of those in it; hidden ones and linked folders left."""
    found = []
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name[:1] != ".")
        found += [
            Path(parent, name)
            for name in sorted(names)
            if name.endswith(SUFFIX) and name[:1] != "."
        ]
        if len(found) > _MOST_FILES:
            raise SettingsError(
                f"{folder} (loras_folder) holds more than {_MOST_FILES:,} {SUFFIX} files: choose"
                " a smaller folder."
            )
    return found


def _listed(path: Path) -> dict[str, _OfLabel]:
    if not path.is_file():
        return {}
    try:
        body = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{path} cannot be read: {reason_of(error)}.") from error
    listed = body.get("loras", [])
    tables = isinstance(listed, list) and all(isinstance(item, dict) for item in listed)
    if body.keys() - {"loras"} or not tables:
        raise SettingsError(
            f"{path}: each LoRA is a [[loras]] table; nothing else is allowed here."
        )
    found: dict[str, _OfLabel] = {}
    for number, item in enumerate(listed, start=1):
        label = str(item.get("label") or f"LoRA {number}")
        try:
            found[label] = _OfLabel(_entry(path, number, item))
        except SettingsError as error:
            found[label] = _OfLabel(None, str(error))
    return found


def _entry(path: Path, number: int, item: dict[str, Any]) -> KnownLora:
    name = f"LoRA {number} ({item.get('label', 'no label')})"
    if isinstance(item.get("file"), str):
        item = item | {"file": (path.parent / expanded(Path(item["file"]))).absolute()}
    try:
        lora = build(KnownLora, item)
    except DeclaredError as error:
        end = "" if str(error).endswith("?") else "."
        raise SettingsError(f"{path}, {name}: {error}{end}") from error
    if any(letter in _APART for letter in lora.label):
        raise SettingsError(
            f"{path}, {name}: a label cannot contain {' '.join(_APART.strip())}, which separate"
            " names and weights in a cell."
        )
    if not lora.file.is_file():
        raise SettingsError(f"{path}, {name}: file not found: {lora.file}.")
    if lora.file.suffix != SUFFIX:
        raise SettingsError(
            f"{path}, {name}: {lora.file.name} is not a {SUFFIX} file. Other formats can contain"
            " programs and are not loaded."
        )
    return lora
