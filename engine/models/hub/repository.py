"""Repositories of the Hub, as people name them, and what their files may be called."""

import os
import re
import unicodedata
from collections.abc import Iterable
from urllib.parse import unquote, urlsplit

import msgspec

from engine.errors import PromptsheetError

_PART = r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9_])?"
_NAME = re.compile(f"{_PART}/{_PART}")
_REVISION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,199}")
_DEFAULT = "main"
_SITES = ("huggingface.co", "www.huggingface.co", "hf.co")
_FILE_AT = 4
"""Where a file's name begins in the path OWNER/NAME/blob/REVISION/FILE of its page."""
_MOST_BYTES = 255
"""Of one name in a path, on the usual file systems."""
_MOST_PATH_BYTES = 1_000


class PullError(PromptsheetError):
    """A repository cannot be pulled; the message says why, and what to do."""


class Repository(msgspec.Struct, frozen=True):
    """A model's repository, at one revision."""

    name: str
    """OWNER/NAME."""
    revision: str = _DEFAULT
    """A branch, a tag or a commit."""
    file: str = ""
    """The one weights file that is meant; empty: a model in diffusers' format."""

    @property
    def folder_name(self) -> str:
        """Its name, and the file's, as the name of a folder."""
        file = f"/{self.file.removesuffix('.safetensors')}" if self.file else ""
        return f"{self.name}{file}".replace("/", "--")


def named(text: str) -> Repository:
    """The repository that `OWNER/NAME` or `OWNER/NAME@REVISION` means, or its page's address.

    Raises:
        PullError: it means none.
    """
    given = text.strip()
    if "://" in given:
        _require_hub(given)
        parts = unquote(urlsplit(given).path).strip("/").split("/")
        rest = "/".join(parts[3:]) if parts[2:3] == ["tree"] else ""
        given = "/".join(parts[:2]) + (f"@{rest}" if rest else "")
    name, at, revision = given.partition("@")
    if not _NAME.fullmatch(name) or ".." in name or "--" in name:
        raise PullError(
            f"{text!r} is not a repository on the Hub. Write OWNER/NAME as on its page"
            " (stabilityai/sdxl-turbo), with @REVISION after it for a certain version, or a short"
            " name: `promptsheet models pull` lists them."
        )
    if at and (not _REVISION.fullmatch(revision) or ".." in revision):
        raise PullError(f"{revision!r} is not a revision: write a branch, a tag or a commit.")
    return Repository(name, revision if at else _DEFAULT)


def _require_hub(address: str) -> None:
    """See that an address is the Hub's, or that of what HF_ENDPOINT names instead.

    Raises:
        PullError: it is another site's, whose pages would be taken for repositories.
    """
    own = urlsplit(os.environ.get("HF_ENDPOINT", "")).hostname
    site = urlsplit(address).hostname or ""
    if site not in {*_SITES, own}:
        raise PullError(
            f"{site or address} is not the Hugging Face Hub, the only place that models are pulled"
            " from. Download the .safetensors file yourself, then: `promptsheet models add FILE`."
        )


def without_file(text: str) -> tuple[str, str]:
    """The address of a weights file's page on the Hub as that of its repository, and the file.

    Of anything else: the text as it is, and no file.
    """
    given = text.strip()
    if "://" not in given or not urlsplit(given).path.endswith((".safetensors", ".gguf")):
        return text, ""
    parts = unquote(urlsplit(given).path).strip("/").split("/")
    if parts[2:3] not in (["blob"], ["resolve"]) or len(parts) < _FILE_AT + 1:
        return text, ""
    _require_hub(given)
    return f"{parts[0]}/{parts[1]}@{parts[3]}", "/".join(parts[_FILE_AT:])


def require_plain_names(repository: str, names: Iterable[str]) -> None:
    """See that no file of a repository would come to lie anywhere else than in its folder.

    Raises:
        PullError: one would; nothing of such a repository is wanted.
    """
    for name in names:
        if fault := _fault_of(name):
            raise PullError(
                f"{repository} is refused: it has a file whose name {fault} ({name[:80]!r})."
            )


def _fault_of(name: str) -> str:
    parts = name.split("/")
    if any(unicodedata.category(each) in ("Cc", "Cs") for each in name):
        return "holds control characters"
    if name.startswith("/") or "\\" in name or re.match(r"[A-Za-z]:", name):
        return "points to another place"
    if ".." in parts:
        return "points outside its folder"
    if any(each in ("", ".") for each in parts):
        return "is not a plain path"
    longest = max(len(each.encode()) for each in parts)
    if longest > _MOST_BYTES or len(name.encode()) > _MOST_PATH_BYTES:
        return "is too long for a file system"
    return ""


def require_distinct_names(repository: str, names: Iterable[str]) -> None:
    """See that no two files have names that some disks hold for the same.

    Raises:
        PullError: two have.
    """
    seen: dict[str, str] = {}
    for name in names:
        other = seen.setdefault(unicodedata.normalize("NFC", name).casefold(), name)
        if other != name:
            raise PullError(
                f"{repository} is refused: its files {other!r} and {name!r} differ only in upper"
                " and lower case and would overwrite each other on some disks."
            )
