"""From bytes to text: Unicode in all its forms, and the older encodings by name."""

import codecs
import re
from collections.abc import Callable
from typing import NamedTuple

from engine.sheet.rows import EncodingError, SheetError

_CONTROL = re.compile(r"[\x01-\x06\x0e-\x1a\x1c-\x1f\x7f]")
_NO_TEXT = "\uffff"
_MOST_NULS = 3
_NUL_SHARE = 0.002
"""NULs that a text may have by some accident: they are faults of their cells."""
_HEAD = 4096
_SAMPLE = 200_000
_MOST_CONTROL = 0.02
"""The share of control characters, of which text has a stray one, from which data is no text."""
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    # UTF-32 first: its little-endian mark begins with UTF-16's.
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
WESTERN = "windows-1252"
ENCODINGS = {
    "shift_jis": "Japanese",
    "euc_jp": "Japanese",
    "gbk": "Chinese, simplified",
    "big5": "Chinese, traditional",
    "euc_kr": "Korean",
    "windows-1251": "Cyrillic",
    "koi8-r": "Cyrillic",
    "cp866": "Cyrillic of DOS",
    "windows-1253": "Greek",
    "windows-1255": "Hebrew",
    "windows-1256": "Arabic",
    "cp874": "Thai",
    "windows-1250": "Central European",
    "windows-1254": "Turkish",
    "windows-1257": "Baltic",
    WESTERN: "Western European",
    "mac_roman": "Western European of old Macs",
}
"""Name, as it can be asked for → what is written in it."""
_WIDER = {"shift_jis": "cp932", "gbk": "gb18030", "euc_kr": "cp949", "big5": "cp950"}
"""Encodings → those that programs really write under their name."""
_CYRILLIC = ("[а-яёіїєґА-ЯЁІЇЄҐ]", "оеаинтсрвлОЕАИНТСРВЛ")
_ALPHABETS = {
    "windows-1251": _CYRILLIC,
    "koi8-r": _CYRILLIC,
    "cp866": _CYRILLIC,
    "windows-1253": ("[Ά-ώ]", "αοιετσνηυρκλ"),
    "windows-1255": ("[א-ת]", "יוהלאתרמבש"),
    "windows-1256": ("[ء-ي]", "الينمروتبة"),
    "cp874": ("[ก-๛]", "านรอกเง่ยลวมท"),
}
"""Encodings of other letters than Latin: the letters, and the usual ones among them."""
_LEAST_LIKELY = 0.75
_LEAST_LETTERS = 5


class Decoded(NamedTuple):
    """A file's text, and what the person should know of how it was decoded."""

    text: str
    """With lone surrogates, U+DC80 to U+DCFF, for bytes that are no letters."""
    encoding: str
    marked: bool = False
    """Whether it begins with a byte order mark."""
    notes: tuple[str, ...] = ()


def decode(data: bytes, encoding: str | None = None) -> Decoded:
    """Turn a text file's bytes into text.

    Args:
        data: the whole file.
        encoding: what a person says that it is written in.

    Raises:
        EncodingError: It is likely text in an encoding that a person must confirm.
        SheetError: It is not text in any encoding we know.
    """
    for mark, name in _BOMS:
        if data.startswith(mark):
            return Decoded(_checked(data[len(mark) :], name), name, marked=True)
    if encoding is not None:
        return _as_said(data, encoding)
    sample = data[:_HEAD]
    # In UTF-16, Latin letters have a NUL byte each, all on the same side.
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    if max(even, odd) > len(sample) // 8 and min(even, odd) <= max(even, odd) // 8:
        name = "utf-16-le" if odd > even else "utf-16-be"
        return Decoded(_checked(data, name), name)
    text = data.decode("utf-8", "surrogateescape")
    bad = 0 if text.isascii() else len(damaged(text))
    # Of another encoding hardly any two bytes are a letter of UTF-8 by chance.
    if not bad or sum(letter > "\x7f" for letter in text) - bad > bad:
        return Decoded(_no_control(text), "utf-8")
    if guessed := _guessed(data):
        raise EncodingError(
            f"This text is not UTF-8: it looks like {guessed} ({ENCODINGS[guessed]}). If so, open"
            f" it with that encoding (--encoding {guessed}), or save it as “CSV UTF-8” or .xlsx.",
            (guessed, *(name for name in ENCODINGS if name != guessed)),
        )
    note = (
        "This file is not UTF-8. It was read as Western European text (Windows-1252): if letters"
        " look wrong, choose another encoding (such as --encoding windows-1250), or save it as"
        " “CSV UTF-8” or .xlsx."
    )
    return Decoded(_checked(data, "cp1252"), "cp1252", notes=(note,))


def damaged(text: str) -> list[str]:
    """The bytes of a decoded text that are no letters, each as a lone surrogate."""
    return [] if text.isascii() else re.findall("[\udc80-\udcff]", text)


def mended(text: str) -> str:
    """A decoded text, bytes that are no letters read as Windows has them."""
    return re.sub(
        "[\udc80-\udcff]",
        lambda found: bytes((ord(found[0]) - 0xDC00,)).decode("cp1252", "replace"),
        text,
    )


def _as_said(data: bytes, encoding: str) -> Decoded:
    name = encoding.strip().casefold()
    try:
        codec = codecs.lookup(_WIDER.get(name, name))
    except (LookupError, ValueError):
        codec = None
    if codec is None or not codec._is_text_encoding:
        raise SheetError(
            f"Unknown encoding {encoding}. Choose from {', '.join(ENCODINGS)}, utf-8 and others."
        )
    try:
        text = data.decode(codec.name, "surrogateescape")
    except UnicodeError as error:
        raise SheetError(f"This text is not {encoding}. Try another encoding.") from error
    bad = len(damaged(text))
    if bad > max(3, len(text) // 50):
        raise SheetError(
            f"This text is not {encoding}: {bad:,} bytes do not fit it. Try another encoding."
        )
    return Decoded(_no_control(text), codec.name)


def _checked(data: bytes, encoding: str) -> str:
    try:
        return _no_control(data.decode(encoding))
    except UnicodeDecodeError as error:
        raise _not_text() from error


def _no_control(text: str) -> str:
    strays = len(_CONTROL.findall(text[:_HEAD]))
    nuls = text.count("\0")
    if (
        _NO_TEXT in text
        or strays > max(8, len(text[:_HEAD]) * _MOST_CONTROL)
        or nuls > max(_MOST_NULS, len(text) * _NUL_SHARE)
    ):
        raise _not_text()
    return text.lstrip("\ufeff")


def _not_text() -> SheetError:
    return SheetError(
        "This is not a sheet: it holds binary data or damaged text. A sheet is a csv, tsv, xls,"
        " xlsx or ods file."
    )


# -------------------------------------------------------------------- guessing


def _guessed(data: bytes) -> str | None:
    """The encoding of other letters than Latin that bytes are most likely in; None: of Latin."""
    sample = data[:_SAMPLE]
    if len(data) > _SAMPLE:  # no letter is cut
        sample = sample[: max(sample.rfind(b"\n"), 0)]
    if not sample or _CONTROL.search(sample.decode("latin-1")):
        return None
    likely = {name: share(sample) for name, share in _ASIAN.items()}
    likely |= {name: _of_alphabet(sample, name) for name in _ALPHABETS}
    best = max(likely, key=likely.__getitem__)
    return best if likely[best] >= _LEAST_LIKELY else None


def _of_asia(data: bytes, name: str, usual: Callable[[str], bool]) -> float:
    """The share of letters that are usual in a language, where no other bytes are."""
    try:
        text = data.decode(_WIDER.get(name, name))
    except UnicodeDecodeError:
        return 0.0
    # Marks say nothing: all these encodings have them.
    letters = [each for each in text if each > "\x7f" and not "\u3000" <= each <= "\u303f"]
    return sum(map(usual, letters)) / len(letters) if letters else 0.0


def _lead(letter: str, encoding: str) -> int:
    """The first of a letter's two bytes; 0: it has no two."""
    coded = letter.encode(encoding, "ignore")
    return coded[0] if len(coded) == 2 else 0


def _is_kana(letter: str) -> bool:
    return "\u3041" <= letter <= "\u30fe"


def _is_japanese(letter: str) -> bool:
    return _is_kana(letter) or 0x88 <= _lead(letter, "shift_jis") <= 0x97 or _is_wide(letter)


def _is_wide(letter: str) -> bool:
    return "\uff01" <= letter <= "\uff5e"


def _is_chinese(letter: str) -> bool:
    return 0xB0 <= _lead(letter, "gb2312") <= 0xD7 or _is_wide(letter)


def _is_taiwanese(letter: str) -> bool:
    return 0xA4 <= _lead(letter, "big5") <= 0xC6 or _is_wide(letter)


def _is_korean(letter: str) -> bool:
    return 0xB0 <= _lead(letter, "euc_kr") <= 0xC8


# Where two fit as well, the first is taken.
_ASIAN: dict[str, Callable[[bytes], float]] = {
    "euc_kr": lambda data: _of_asia(data, "euc_kr", _is_korean),
    "euc_jp": lambda data: _of_asia(data, "euc_jp", _is_japanese),
    "shift_jis": lambda data: _of_asia(data, "shift_jis", _is_japanese),
    "gbk": lambda data: _of_asia(data, "gbk", _is_chinese),
    "big5": lambda data: _of_asia(data, "big5", _is_taiwanese),
}


def _of_alphabet(data: bytes, name: str) -> float:
    """How likely bytes are words of an alphabet: whole words, mostly of its usual letters."""
    alphabet, usual = _ALPHABETS[name]
    # Latin words have a letter of another kind here and there, others are wholly of them.
    words = re.findall(rb"[A-Za-z\x80-\xff]+", data)
    high = [word for word in words if any(byte > 0x7F for byte in word)]
    whole = [word for word in high if len(word) > 1 and all(byte > 0x7F for byte in word)]
    if len(whole) * 4 < len(high) * 3 or not whole:
        return 0.0
    text = b" ".join(whole).decode(name, "replace")
    letters = [letter for letter in text if letter != " "]
    if len(letters) < _LEAST_LETTERS:
        return 0.0
    known = len(re.findall(alphabet, text)) / len(letters)
    common = sum(letter in usual for letter in letters) / len(letters)
    odd = len(re.findall(r"(?<=[^\W\d_])[А-ЯЁΑ-Ω](?=[а-яё])", text)) / len(letters)
    return known * (0.7 + 0.4 * common) - odd
