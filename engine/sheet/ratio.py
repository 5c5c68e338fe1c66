"""Aspect ratios: typed in many ways, or turned into a time by the spreadsheet program."""

import math
import re
from collections.abc import Iterable

from engine.sheet.cell_findings import CellFindings, Finding, accept, error, shown
from engine.sheet.columns import COLUMN, RATIOS
from engine.sheet.repair import bare, is_word, offered
from engine.sheet.table import Cell, Moment, cell_text

_KNOWN = frozenset(RATIOS) | {
    *("7:5", "5:7", "5:3", "3:5", "7:4", "4:7", "8:5", "5:8", "9:7", "7:9", "7:3", "3:7"),
    *("5:2", "2:5", "12:5", "5:12", "18:9", "9:18", "20:9", "9:20", "32:9", "9:32", "4:1", "1:4"),
    *("10:8", "8:10", "6:4", "4:6", "10:7", "7:10", "64:27"),
}
"""Ratios that a time of day is taken for; any other time may be a slip, and asks."""

_PAIR = re.compile(r"([0-9]{1,7}) ?([:xX×*/∶：]|by|to) ?([0-9]{1,7})", re.IGNORECASE)
_OTHER_SIGN = re.compile(r"([0-9]{1,4}) ?[^0-9A-Za-z ]{1,2} ?([0-9]{1,4})")
"""What was meant as a pair, with another sign between."""
_PAIR_WITH_UNIT = re.compile(r"([0-9]{1,7}) ?[xX×*] ?([0-9]{1,7}) ?px", re.IGNORECASE)
_API_NAME = re.compile(r"(?:ASPECT|RESOLUTION)_([0-9]{1,7})_([0-9]{1,7})", re.IGNORECASE)
_CLOCK = re.compile(
    r"([0-9]{1,6}):([0-5]?[0-9])(?::([0-5][0-9]))?(?:\.0+)?(?: ?([AP])\.? ?M\.?)?", re.I
)
_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            *("jan janv ene gen", "feb févr fév fev", "mar mär mrz märz mars", "apr avr abr"),
            *("may mai mag", "jun juin giu", "jul juil lug", "aug août ago", "sep sept set"),
            *("oct okt ott out", "nov", "dec dez déc dic"),
        ),
        start=1,
    )
    for name in names.split()
}
_MONTH_DAY = re.compile(
    r"([^\W\d_]{3,5})\.?[ \-/.]+([0-9]{1,2})|([0-9]{1,2})\.?[ \-/.]+([^\W\d_]{3,5})\.?"
)
_DAY_DATE = re.compile(r"([0-9]{1,2})([./-])([0-9]{1,2})\2(?:[0-9]{2}|[0-9]{4})")
_DATE = re.compile(r"[0-9]{4}-([0-9]{2})-([0-9]{2})(?:[ T]00:00:00)?")
_NUMBER = re.compile(
    r"([0-9]{1,6}(?:[.,][0-9]{1,9})?)(?: ?[:xX/] ?([0-9]{1,6}(?:[.,][0-9]{1,9})?))?"
)
_DAY = 86_400
_TIMED = "the spreadsheet program had turned this ratio into a time."


def judge_ratio(cell: Cell) -> CellFindings[tuple[int, int]]:
    """Read one `aspect_ratio` cell as width and height; whether a model can draw it comes later."""
    text = cell_text(cell).strip()
    if isinstance(cell, Moment):
        return _from_time(text, cell.seconds)
    if isinstance(cell, bool):
        return _unclear(text, ())
    if isinstance(cell, int | float):
        # A time whose cell lost its format is a fraction of a day.
        seconds = cell * _DAY if 0 < cell < 100 and cell != int(cell) else 0.0
        if seconds and abs(seconds - round(seconds)) < 0.01 and _known_time(round(seconds)):
            return _from_time(text, round(seconds))
        return _from_text(text) if 0 < cell < 1e6 else _unclear(text, ())
    return _from_text(text)


def _from_text(text: str) -> CellFindings[tuple[int, int]]:
    plain = " ".join(bare(text).split())
    synonym = COLUMN["aspect_ratio"].synonyms.get(plain.casefold())
    if synonym:
        return _pair(text, synonym.replace(":", " : ").split(" "))
    found = _PAIR.fullmatch(plain)
    if found:
        return _pair(text, found.groups())
    found = _PAIR_WITH_UNIT.fullmatch(plain) or _API_NAME.fullmatch(plain)
    if found:
        return _pair(text, (found[1], "x", found[2]))
    found = _CLOCK.fullmatch(plain)
    if found:
        hours = int(found[1])
        if found[4]:
            hours = hours % 12 + (12 if found[4] in "pP" else 0)
        return _from_time(text, hours * 3600 + int(found[2]) * 60 + int(found[3] or 0))
    if _DATE.fullmatch(plain):
        return _from_time(plain, None)
    if (parts := _day_parts(plain)) is not None:
        return _from_date(text, *parts)
    found = _NUMBER.fullmatch(plain)
    if found:
        width, height = (float((part or "1").replace(",", ".")) for part in found.groups())
        near = nearest_ratios(width / height) if width and height else ()
        # 2.03: a time as some countries write it.
        clock = ":".join(str(int(part)) for part in re.split("[.,]", found[1]))
        meant = (clock,) if found[2] is None and clock in _KNOWN else ()
        return _unclear(text, tuple(dict.fromkeys((*meant, *near))))
    if is_word(plain):
        return _unclear(text, offered(RATIOS, COLUMN["aspect_ratio"].default))
    found = _OTHER_SIGN.fullmatch(plain)
    sides = [int(part) for part in found.groups()] if found else []
    return _unclear(text, ("{}:{}".format(*sides),) if sides and all(sides) else ())


def _day_parts(text: str) -> tuple[int, int] | None:
    """The two numbers of a date in words or figures, as a spreadsheet program shows it."""
    if found := _MONTH_DAY.fullmatch(text):
        month = _MONTHS.get((found[1] or found[4]).casefold())
        return (int(found[2] or found[3]), month) if month else None
    if found := _DAY_DATE.fullmatch(text):
        return int(found[1]), int(found[3])
    return None


def _from_date(text: str, first: int, second: int) -> CellFindings[tuple[int, int]]:
    sound = (f"{first}:{second}", f"{second}:{first}") if first and second else ()
    return error(
        text,
        f"The spreadsheet program turned this into a date ({shown(text)}). Which ratio was "
        "meant? Format the column as text and type it again, like 3:4.",
        *dict.fromkeys(sound),
    )


def _pair(text: str, parts: Iterable[str]) -> CellFindings[tuple[int, int]]:
    first, _, second = parts
    width, height = int(first), int(second)
    if not width or not height:
        return error(text, "A side of an aspect ratio cannot be 0. Write it like 16:9.")
    how = "written in the usual form."
    if min(width, height) >= 64:
        # Pixels: the shape counts, the model has its own sizes.
        divisor = math.gcd(width, height)
        width, height = width // divisor, height // divisor
        how = "only the shape counts; the model sets the size in pixels."
    ratio = f"{width}:{height}"
    same = text.replace(" ", "") == ratio
    return accept(text, ratio, (width, height), "" if same else how)


def _known_time(seconds: int) -> bool:
    hours, minutes = divmod(seconds // 60, 60)
    return seconds % 60 == 0 and f"{hours}:{minutes}" in _KNOWN


def _from_time(text: str, seconds: int | None) -> CellFindings[tuple[int, int]]:
    if seconds is not None and _known_time(seconds):
        width, height = divmod(seconds // 60, 60)
        return accept(text, f"{width}:{height}", (width, height), _TIMED)
    date = _DATE.fullmatch(text) if seconds is None else None
    if date:
        month, day = int(date[1]), int(date[2])
        return _from_date(text, month, day)
    suggestions: tuple[str, ...] = ()
    if seconds is not None:
        hours, minutes, rest = seconds // 3600, seconds // 60 % 60, seconds % 60
        meant = (hours, minutes) if not rest else (minutes, rest)
        suggestions = (f"{meant[0]}:{meant[1]}",) if all(meant) else ()
    return error(
        text,
        f"The spreadsheet program turned this into a time ({shown(text)}), and it is unclear"
        " which ratio was meant. Format the column as text and type it again, like 2:3.",
        *suggestions,
    )


def _unclear(text: str, suggestions: tuple[str, ...]) -> CellFindings[tuple[int, int]]:
    return error(
        text,
        f"{shown(text)} is not an aspect ratio. Write width to height in whole numbers, like 16:9.",
        *suggestions,
    )


def allowed_suggestions(finding: Finding, most: float) -> Finding:
    """The finding with each suggested ratio that is too wide or tall for the row's model replaced.

    Args:
        finding: About an aspect ratio.
        most: As for `nearest_ratios`.
    """
    fitting: list[str] = []
    for ratio in finding.suggestions:
        shape = _shape(ratio)
        fits = max(shape, 1 / shape) <= most * (1 + 1e-9)
        fitting += (ratio,) if fits else nearest_ratios(shape, most)
    return finding._replace(suggestions=tuple(dict.fromkeys(fitting)))


def nearest_ratios(value: float, most: float = math.inf) -> tuple[str, ...]:
    """The offered ratio nearest to a value, if any is allowed.

    Args:
        value: Width divided by height.
        most: The longest side divided by the shortest that is allowed.
    """
    allowed = [
        ratio for ratio in RATIOS if max(_shape(ratio), 1 / _shape(ratio)) <= most * (1 + 1e-9)
    ]
    if not allowed:
        return ()
    return (min(allowed, key=lambda ratio: abs(math.log(_shape(ratio) / value))),)


def _shape(ratio: str) -> float:
    width, height = ratio.split(":")
    return int(width) / int(height)


def picture_ratio(width: int, height: int, most: float) -> str:
    """The ratio of a picture as `w:h`; the nearest that may be, if it is longer than `most`."""
    long, short = max(width, height), min(width, height)
    if long > short * most:
        long, short = math.floor(most * 1000), 1000
    divisor = math.gcd(long, short)
    long, short = long // divisor, short // divisor
    return f"{long}:{short}" if width >= height else f"{short}:{long}"
