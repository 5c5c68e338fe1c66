"""A model's files held against what was recorded of them when they came."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import msgspec

from engine.atomic_files import replace_text
from engine.errors import reason_of
from engine.models.file_digests import file_digest
from engine.models.fingerprint import fingerprint
from engine.models.hub.messages import RECORD, PullRecord
from engine.models.model_files import ModelFiles
from engine.settings import config_folder

_BLOCK = 1 << 20
_SMALL = 8 << 20
"""Bytes up to which a file is read whole even in a quick look."""
_ADDED = "added_models"


class RecordedFile(msgspec.Struct, frozen=True):
    """A file as it was."""

    name: str
    """From the model's folder; of a single file its own name."""
    size: int
    """Bytes."""
    digest: str
    by: Literal["sha256", "git", "samples"]
    """What the digest is of: all its bytes, the object that git makes of them, or pieces that are
    spread over it."""
    sha256: str = ""
    """Of all its bytes, where `digest` is of pieces and it was read whole since; else empty."""


class RecordedModel(msgspec.Struct, frozen=True):
    """All of a model's files, as they were when it came."""

    folder: str
    """Where they lie."""
    files: tuple[RecordedFile, ...]
    came: Literal["pulled", "added"]

    @property
    def bytes(self) -> int:
        """Of all its files."""
        return sum(file.size for file in self.files)


def record_of(files: ModelFiles) -> RecordedModel | None:
    """What was recorded of a model's files; None: nothing was.

    Of what was pulled it lies beside the files, with the digests that the Hub told; of what was
    added, beside the user's model list.
    """
    path = files.path
    for folder in (path, *path.parents[:3]) if files.is_file else (path,):
        pulled = _read(folder / RECORD, PullRecord)
        if isinstance(pulled, PullRecord):
            came = (RecordedFile(f.name, f.size, f.digest, f.by) for f in pulled.files)
            return RecordedModel(str(folder), tuple(came), "pulled")
    added = _read(_place_of(path), RecordedModel)
    return added if isinstance(added, RecordedModel) else None


def record_added(files: ModelFiles) -> None:
    """Note what a model's files are that is put into the list, unless they were pulled.

    Large ones by pieces that are spread over them: to read them whole would take long.

    Raises:
        OSError: they cannot be read, or it cannot be noted.
    """
    if (known := record_of(files)) is not None and known.came == "pulled":
        return
    path = files.path
    folder = path.parent if files.is_file else path
    found = [path] if files.is_file else sorted(_files_of(path))
    recorded = tuple(
        RecordedFile(
            place.relative_to(folder).as_posix(),
            place.stat().st_size,
            fingerprint(place),
            "samples",
        )
        for place in found
    )
    _write(path, RecordedModel(str(folder), recorded, "added"))


def changes_since(files: ModelFiles, record: RecordedModel, *, whole: bool = False) -> list[str]:
    """What is other with a model's files than when it came, a line each; none: nothing is.

    Args:
        files: where they are now.
        record: what they were.
        whole: whether large files are read to their last byte, too; else their sizes count, and of
            what was added pieces.
    """
    return [*_changed(record, whole=whole), *_come_since(files, record)]


def note_whole(files: ModelFiles, record: RecordedModel) -> bool:
    """Note the digests of what was added and never read whole; whether there was any such.

    Raises:
        OSError: a file cannot be read, or it cannot be noted.
    """
    if all(file.by != "samples" or file.sha256 for file in record.files):
        return False
    read = tuple(
        msgspec.structs.replace(file, sha256=file_digest(Path(record.folder, file.name)))
        for file in record.files
    )
    _write(files.path, msgspec.structs.replace(record, files=read))
    return True


def has_digest(path: Path, size: int, digest: str, by: Literal["sha256", "git"]) -> bool:
    """Whether a file has that size, and that digest; all of it is read.

    Raises:
        OSError: it cannot be read.
    """
    if path.stat().st_size != size:
        return False
    found = hashlib.sha256() if by == "sha256" else hashlib.sha1(usedforsecurity=False)
    if by == "git":
        found.update(f"blob {size}\0".encode())
    with path.open("rb") as content:
        while block := content.read(_BLOCK):
            found.update(block)
    return found.hexdigest() == digest


def _changed(record: RecordedModel, *, whole: bool) -> Iterator[str]:
    since = f"since the model was {record.came}"
    remedy = (
        "pull it again: undamaged files stay" if record.came == "pulled" else "download it again"
    )
    for file in record.files:
        path = Path(record.folder, file.name)
        try:
            size = path.stat().st_size
            if size != file.size:
                yield (
                    f"{file.name} was changed {since}: it has {size:,} bytes, and had"
                    f" {file.size:,}; {remedy}."
                )
            elif not _is_as_it_was(path, file, whole=whole):
                yield f"{file.name} was changed {since}: its content differs; {remedy}."
        except FileNotFoundError:
            yield f"{file.name} is missing: {remedy}."
        except OSError as error:
            yield f"{file.name} cannot be read: {reason_of(error)}."


def _is_as_it_was(path: Path, file: RecordedFile, *, whole: bool) -> bool:
    if file.by == "samples":
        if whole and file.sha256:
            return has_digest(path, file.size, file.sha256, "sha256")
        return fingerprint(path) == file.digest
    if not whole and file.size > _SMALL:
        return True
    return has_digest(path, file.size, file.digest, file.by)


def _come_since(files: ModelFiles, record: RecordedModel) -> Iterator[str]:
    """Weights that are loaded with the model now and were not there."""
    known = {Path(record.folder, file.name) for file in record.files}
    for path in files.weights():
        if path not in known and path.is_relative_to(record.folder):
            name = path.relative_to(record.folder)
            yield f"{name} appeared since the model was {record.came} and would be loaded with it."


def _files_of(folder: Path) -> Iterator[Path]:
    """Those that its fingerprint counts."""
    for path in folder.rglob("*"):
        name = path.relative_to(folder)
        if path.is_file() and not any(part.startswith((".", "__")) for part in name.parts):
            yield path


def _place_of(path: Path) -> Path:
    name = hashlib.blake2b(str(path.absolute()).encode(errors="surrogateescape"), digest_size=16)
    return config_folder() / _ADDED / f"{name.hexdigest()}.json"


def _write(path: Path, record: RecordedModel) -> None:
    body = msgspec.json.format(msgspec.json.encode(record))
    replace_text(_place_of(path), body.decode())


def _read(
    path: Path, kind: type[PullRecord] | type[RecordedModel]
) -> PullRecord | RecordedModel | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except (OSError, msgspec.DecodeError):
        return None
