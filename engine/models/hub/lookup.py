"""What a repository is, before anything of it is pulled."""

import json
import re
from io import BytesIO
from typing import Annotated, Any

import msgspec

from engine.models.file_kinds import FileKind, kind_of
from engine.models.gguf_file import CutHeaderError, gguf_header
from engine.models.hub.choosing import (
    INDEX,
    Choice,
    HubFile,
    choose,
    choose_file,
    no_model,
    own_code,
)
from engine.models.hub.connection import CutError, Hub
from engine.models.hub.messages import HubModel
from engine.models.hub.repository import PullError, Repository, require_plain_names
from engine.models.weights_file import BEGINNING_BYTES, GGUF, header_bytes, parse_header
from engine.models.weights_header import Header, WeightsFileError

_SETTINGS = re.compile(r"[a-z_]*config\.json")
_MOST_SETTINGS = 1 << 20
_GGUF_BEGINNINGS = (1 << 20, 8 << 20, 64 << 20)
"""Bytes of a GGUF file that are read for its header; a vocabulary in it takes several millions."""


class _Lfs(msgspec.Struct):
    sha256: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]


class _Sibling(msgspec.Struct):
    rfilename: str
    size: Annotated[int, msgspec.Meta(ge=0)]
    blob_id: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{40}$")] = msgspec.field(name="blobId")
    lfs: _Lfs | None = None


class _About(msgspec.Struct):
    """What the Hub says of a repository, as far as it matters."""

    sha: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{40}$")]
    siblings: list[_Sibling]
    gated: str | bool = False
    card: dict[str, Any] | None = msgspec.field(name="cardData", default=None)


def ask(hub: Hub, repository: Repository) -> HubModel:
    """What a repository is at its revision, and which of its files are taken.

    Raises:
        PullError: it cannot be pulled, or the Hub cannot be reached.
    """
    try:
        return _ask(hub, repository)
    except CutError as error:
        raise PullError(
            f"The Hub cannot be reached: {error}. Models you already have work without it."
        ) from None


def _ask(hub: Hub, repository: Repository) -> HubModel:
    try:
        about = msgspec.json.decode(hub.about(), type=_About)
    except msgspec.DecodeError:
        raise PullError(f"{hub.host} does not answer like the Hub: check HF_ENDPOINT.") from None
    names = [each.rfilename for each in about.siblings]
    require_plain_names(repository.name, names)
    files = [_file_of(each) for each in about.siblings]
    if repository.file:
        choice, pipeline = choose_file(repository.name, files, repository.file), ""
        kind = _kind_of(hub, about.sha, choice.files[0])
    else:
        kind = None
        choice, pipeline = _model_in(hub, repository, about.sha, files)
    card = about.card or {}
    licence = str(card.get("license") or "")
    if licence == "other":
        licence = str(card.get("license_name") or licence)
    return HubModel(
        repository=repository,
        commit=about.sha,
        licence=licence,
        is_gated=bool(about.gated),
        pipeline=pipeline,
        kind=kind,
        choice=choice,
        left_out=sum(file.size for file in files) - sum(file.size for file in choice.files),
        page=hub.page,
    )


def _model_in(
    hub: Hub, repository: Repository, commit: str, files: list[HubFile]
) -> tuple[Choice, str]:
    """Of a model in diffusers' format, the files that are taken, and its pipeline's class."""
    names = [file.name for file in files]
    if INDEX not in names:
        raise no_model(repository.name, names)
    index = _settings(hub, repository, commit, INDEX)
    choice = choose(repository.name, files, index)
    for file in choice.files:
        is_read = _SETTINGS.fullmatch(file.name.rpartition("/")[2]) and file.size <= _MOST_SETTINGS
        if is_read and "auto_map" in _settings(hub, repository, commit, file.name):
            raise own_code(repository.name, f"{file.name}, auto_map")
    return choice, str(index["_class_name"])


def _kind_of(hub: Hub, commit: str, file: HubFile) -> FileKind:
    """What a weights file is, by its header alone.

    Raises:
        PullError: it is something else, or damaged.
        CutError: the Hub does not answer.
    """
    try:
        beginning = hub.beginning(commit, file.name, BEGINNING_BYTES)
        if beginning.startswith(GGUF):
            header = _gguf_header(hub, commit, file)
        else:
            length = header_bytes(file.name, beginning)
            if length > file.size:
                raise WeightsFileError(
                    f"{file.name} is shorter than its header says, so it is damaged."
                )
            header = parse_header(file.name, hub.beginning(commit, file.name, length))
    except WeightsFileError as error:
        raise PullError(f"{error} Nothing was pulled.") from None
    # GGUF may have some bytes behind the last tensor, which only fill up.
    if file.size < header.file_bytes or (file.size != header.file_bytes and not header.is_gguf):
        raise PullError(
            f"{file.name} has {file.size:,} bytes on the Hub, but its header says"
            f" {header.file_bytes:,}: the copy on the Hub is damaged. Nothing was pulled."
        )
    return kind_of(header)


def _gguf_header(hub: Hub, commit: str, file: HubFile) -> Header:
    """Its header, which does not say how long it is: more and more of the beginning is read."""
    for size in _GGUF_BEGINNINGS:
        try:
            return gguf_header(file.name, BytesIO(hub.beginning(commit, file.name, size)))
        except CutHeaderError:
            if size >= file.size:
                raise
    raise WeightsFileError(f"{file.name} has a header longer than {size >> 20} MiB.")


def _file_of(sibling: _Sibling) -> HubFile:
    if sibling.lfs is not None:
        return HubFile(sibling.rfilename, sibling.size, sibling.lfs.sha256, "sha256")
    return HubFile(sibling.rfilename, sibling.size, sibling.blob_id, "git")


def _settings(hub: Hub, repository: Repository, commit: str, name: str) -> dict[str, Any]:
    try:
        body = json.loads(hub.small_file(commit, name))
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise PullError(f"{repository.name} is damaged: its {name} holds no settings.")
    return body
