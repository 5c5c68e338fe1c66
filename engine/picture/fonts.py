"""Fonts of this machine, by the letters that they have."""

import os
import subprocess
import unicodedata
from functools import cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont, features

AnyFont = ImageFont.FreeTypeFont | ImageFont.ImageFont
_PREFERRED = (
    *("DejaVuSans.ttf", "NotoSans-Regular.ttf", "LiberationSans-Regular.ttf", "Arial.ttf"),
    *("Helvetica.ttc", "FreeSans.ttf", "Ubuntu-R.ttf", "Cantarell-Regular.otf"),
)
_FOLDERS = (
    *("~/.local/share/fonts", "~/.fonts", "/usr/local/share/fonts", "/usr/share/fonts"),
    *("~/Library/Fonts", "/Library/Fonts", "/System/Library/Fonts"),
)
_SUFFIXES = (".ttf", ".otf", ".ttc")
_MOST_FILES = 400
"""Fonts that are tried one after the other, where no fontconfig says which has a letter."""
_MOST_SEARCHES = 60
"""A text of letters that no font has is not searched for letter by letter for ever."""
_SECONDS = 20
_REGULAR = "80"
_UNASSIGNED = "\U0010fffe"
_NEED_SHAPING = ((0x0590, 0x08FF), (0x0900, 0x109F), (0x1780, 0x17FF), (0xFB1D, 0xFEFC))
"""Scripts from right to left, and those whose letters change by their neighbours: Hebrew, Arabic,
those of India and of the south-east of Asia."""


class Fonts:
    """Fonts at one size, opened as letters need them. The same machine always gives the same."""

    def __init__(self, size: int) -> None:
        """Args: size: pixels of an em."""
        self._size = size
        self._opened: dict[tuple[str, int], ImageFont.FreeTypeFont | None] = {}
        self._searches = 0
        self.base: AnyFont = self._base()
        """For Latin letters, at least."""
        self._known: list[AnyFont] = [self.base]
        self._of: dict[str, AnyFont | None] = {}
        self._has: dict[tuple[int, str], bool] = {}

    def of(self, letter: str) -> AnyFont | None:
        """A font that draws this letter as it should be; None: there is none here."""
        if letter not in self._of:
            self._of[letter] = self._find(letter)
        return self._of[letter]

    def has(self, font: AnyFont, letter: str) -> bool:
        """Whether a font has a letter."""
        key = (id(font), letter)
        if key not in self._has:
            self._has[key] = letter.isspace() or (
                _drawn(font, letter, self._size) != _drawn(font, _UNASSIGNED, self._size)
            )
        return self._has[key]

    def _find(self, letter: str) -> AnyFont | None:
        if not is_shaped() and _needs_shaping(letter):
            return None
        for font in self._known:
            if self.has(font, letter):
                return font
        if self._searches >= _MOST_SEARCHES:
            return None
        self._searches += 1
        for file, index in _fonts_with(letter):
            found = self._open(file, index)
            if found is not None and self.has(found, letter):
                self._known.append(found)
                return found
        return None

    def _open(self, file: str, index: int) -> ImageFont.FreeTypeFont | None:
        if (file, index) not in self._opened:
            try:
                found = ImageFont.truetype(file, self._size, index)
            except (OSError, ValueError):  # broken, or of coloured pictures of one size
                found = None
            self._opened[file, index] = found
        return self._opened[file, index]

    def _base(self) -> AnyFont:
        by_name: dict[str, str] = {}
        for file in _files():
            by_name.setdefault(Path(file).name, file)
        for name in _PREFERRED:
            if name in by_name and (font := self._open(by_name[name], 0)) is not None:
                return font
        return ImageFont.load_default(self._size)  # it comes with Pillow


@cache
def is_shaped() -> bool:
    """Whether letters are joined, and lines from right to left drawn so; Pillow needs raqm."""
    return bool(features.check("raqm"))


def _needs_shaping(letter: str) -> bool:
    return any(first <= ord(letter) <= last for first, last in _NEED_SHAPING)


def _drawn(font: AnyFont, letter: str, size: int) -> bytes:
    image = Image.new("L", (3 * size, 3 * size))
    ImageDraw.Draw(image).text((size, size), letter, fill=255, font=font)
    return image.tobytes()


@cache
def _fonts_with(letter: str) -> tuple[tuple[str, int], ...]:
    """Files, and which font of theirs, that may have a letter; plain upright ones first."""
    asked = _asked(
        f":charset={ord(letter):x}", "%{file}\t%{index}\t%{weight}\t%{slant}\t%{spacing}\n"
    )
    if asked is None:
        return tuple((file, 0) for file in _files()[:_MOST_FILES])
    found = []
    for line in asked:
        file, index, weight, slant, spacing = (*line.split("\t"), "", "", "", "")[:5]
        if index.isdecimal() and int(index) < 1 << 16:  # others are cuts of a font that can vary
            is_plain = weight == _REGULAR and slant == "0"
            found.append((not is_plain, spacing not in ("", "0"), file, int(index)))
    return tuple((file, index) for *_, file, index in sorted(found))


@cache
def _files() -> tuple[str, ...]:
    """All font files, plain ones first; by fontconfig, else in the folders where fonts are."""
    asked = _asked(":", "%{file}\n")
    found = set(asked or ())
    if asked is None:
        for folder in _FOLDERS:
            for place, _, names in os.walk(Path(folder).expanduser()):
                found |= {str(Path(place) / name) for name in names}
    fonts = (file for file in found if file.lower().endswith(_SUFFIXES))
    return tuple(sorted(fonts, key=lambda file: ("regular" not in file.lower(), file)))


def _asked(pattern: str, form: str) -> list[str] | None:
    """Lines of fontconfig's list; None where there is no fontconfig."""
    try:
        done = subprocess.run(
            ["fc-list", "-f", form, pattern],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return os.fsdecode(done.stdout).splitlines()


def script_of(letter: str) -> str:
    """What a letter that no font has is called: `Devanagari`, `CJK`; of what is none, `symbol`."""
    if not unicodedata.category(letter).startswith(("L", "N", "M")):
        return "symbol"
    word = unicodedata.name(letter, "letter").split()[0]
    return word if word == "CJK" else word.capitalize()
