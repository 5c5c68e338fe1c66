"""What an entry of the model list adds to a model's own folder."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

SUFFIX = ".safetensors"
AUTOENCODER_CONFIG = "config.json"


class Additions(msgspec.Struct, frozen=True):
    """Another autoencoder, words of its own, and where its text encoder ends."""

    vae: str = ""
    """A safetensors file, or a folder in diffusers' format; empty: the model's own."""
    embeddings: tuple[str, ...] = ()
    """Safetensors files of textual inversion; each is called by its name without the ending."""
    clip_skip: int = 1
    """Which layer of the text encoder is the last, from the end, as the web UIs count: 1 leaves
    out none."""

    @property
    def words(self) -> str:
        """It all in a line, but for where the files are; empty: nothing is added."""
        if self == NONE:
            return ""
        return "\0".join((f"clip_skip {self.clip_skip}", *(called for called, _ in self.files())))

    def files(self) -> Iterator[tuple[str, Path]]:
        """What it is made of, each file by what it is called."""
        place = Path(self.vae)
        if self.vae and place.is_dir():
            for path in sorted(p for p in place.iterdir() if p.is_file() and p.name[:1] != "."):
                yield f"vae/{path.name}", path
        elif self.vae:
            yield "vae", place
        for each in self.embeddings:
            yield f"embeddings/{Path(each).name}", Path(each)


NONE = Additions()


def embedding_files(places: Sequence[Path]) -> list[Path]:
    """The files of words that files and folders stand for.

    Raises:
        ValueError: one is not there, is no safetensors file, or two are called the same.
    """
    found: dict[str, Path] = {}
    for place in places:
        files = sorted(place.glob(f"[!.]*{SUFFIX}")) if place.is_dir() else [place]
        if not files:
            raise ValueError(f"embeddings: {place} holds no {SUFFIX} file")
        for file in files:
            if file.suffix != SUFFIX or not file.is_file():
                raise ValueError(f"embeddings: {SUFFIX} file not found: {file}")
            if found.setdefault(file.stem, file) != file:
                raise ValueError(f"embeddings: two files are called {file.stem}")
    return list(found.values())


def require_autoencoder(place: Path) -> None:
    """See that there may be an autoencoder.

    Raises:
        ValueError: there is none.
    """
    if place.is_dir():
        if not (place / AUTOENCODER_CONFIG).is_file():
            raise ValueError(
                f"vae: {place} has no {AUTOENCODER_CONFIG}, so it is not an autoencoder's folder"
            )
    elif place.suffix != SUFFIX or not place.is_file():
        raise ValueError(f"vae: {SUFFIX} file or folder not found: {place}")
