"""The one way outside text takes to the screen: a cell, a file name, a log line."""

import unicodedata

# Control pictures (U+2400 …) stand for the control characters themselves.
_PICTURES = {code: 0x2400 + code for code in range(0x20)} | {0x7F: 0x2421}
_PICTURES |= {0x09: 0x20, 0x0A: 0x21B5, 0x0D: 0x240D}
HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
JOINERS = frozenset({"\u200c", "\u200d"})
"""Needed inside words of several scripts, and inside emoji."""


def clean(text: str) -> str:
    """`text` on one line, with nothing in it that a terminal would obey.

    Control characters become visible symbols, a line break becomes ↵, and what changes the
    direction or look of the text around it becomes �. Everything else is kept: this is text, not
    markup, and whoever shows it must not parse it as such.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_visible(character) for character in text)


def _visible(character: str) -> str:
    picture = _PICTURES.get(ord(character))
    if picture is not None:
        return chr(picture)
    if character in JOINERS:
        return character
    return "\ufffd" if unicodedata.category(character) in HIDDEN else character


def shorten(text: str, width: int) -> str:
    """`text`, cleaned, in at most `width` characters."""
    whole = clean(text)
    return whole if len(whole) <= width else whole[: max(0, width - 1)] + "…"


def size_text(size: float) -> str:
    """Bytes in words: `24 kB`, `1.9 GB`."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000 or unit == "GB":
            return f"{size:.0f} {unit}" if unit == "bytes" or size >= 10 else f"{size:.1f} {unit}"
        size /= 1000
    raise AssertionError


def time_text(seconds: float) -> str:
    """A duration in words: `40 s`, `about 41 min`, `about 3 h 20 min`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"about {minutes} min"
    return f"about {minutes // 60} h {minutes % 60:02d} min"


def clock_text(seconds: float) -> str:
    """A time to wait that is counted down: `00:04:10`."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{rest:02d}"


def count_text(count: int, noun: str) -> str:
    """`1 image`, `24 images`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def tail_of(path: str) -> str:
    """A long path by its end, which tells it from others: `…/photos/boat.jpg`."""
    parts = path.rsplit("/", 2)
    return path if len(parts) < 3 or not parts[0] else f"…/{parts[1]}/{parts[2]}"


def stars(rating: int) -> str:
    """A rating in words: `★★★`; of none `no stars`."""
    return "★" * rating or "no stars"


def rating_sign(rating: int, *, favourite: bool) -> str:
    """A rating where there is little room: `★` of a favourite, `☆3` of another; empty: none."""
    return "★" if favourite else f"☆{rating}" if rating else ""
