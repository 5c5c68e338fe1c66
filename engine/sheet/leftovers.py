"""Rows that only look used: check boxes and values that were filled down past the last prompt."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from engine.sheet.headers import MOST_ABOVE, find_header, known_name
from engine.sheet.layout import number_runs

_LEAST_FILLED = 3
"""Rows below one another, from which equal cells were filled down rather than written."""
_MOST_NAMED = 6


def leftovers(rows: Mapping[int, Sequence[Any]]) -> tuple[set[int], str]:
    """The rows that are to count as blank, and what is said of them.

    Args:
        rows: those that hold anything, by number.
    """
    numbers = sorted(rows)
    top = [
        [each if isinstance(each, str) else "" for each in rows[n]] for n in numbers[:MOST_ABOVE]
    ]
    header = find_header(top)
    names = map(known_name, top[header] if top else ())
    prompt = next((at for at, name in enumerate(names) if name == "prompt"), None)
    if prompt is None:
        return set(), ""
    below = numbers[header + 1 :]
    empty = [number for number in below if _is_blank(rows[number], prompt)]
    blank = {number for number in empty if all(map(_is_unticked, rows[number]))}
    last = next(
        (n for n in reversed(below) if n not in blank and not _is_blank(rows[n], prompt)), 0
    )
    tail = [number for number in empty if number > last]
    filled = list(pairwise(tail))
    if len(tail) >= _LEAST_FILLED and all(
        _is_filled_down(rows[above], rows[number]) for above, number in filled
    ):
        blank |= set(tail)
    if not blank:
        return blank, ""
    named = number_runs(sorted(blank))
    more = " …" if len(named) > _MOST_NAMED else ""
    one = len(blank) == 1
    return blank, (
        f"Row{'' if one else 's'} {', '.join(named[:_MOST_NAMED])}{more}"
        f" {'holds' if one else 'hold'} no prompt, only values that were filled down (FALSE, a"
        " number, a choice): treated as blank."
    )


def _is_blank(cells: Sequence[Any], at: int) -> bool:
    return at >= len(cells) or (isinstance(cells[at], str) and not cells[at].strip())


def _is_unticked(cell: Any) -> bool:
    if isinstance(cell, str):
        return cell.strip().casefold() in ("", "false", "falsch", "faux", "falso")
    return cell is False


def _is_filled_down(above: Sequence[Any], cells: Sequence[Any]) -> bool:
    """Whether each cell is that above it, or the next number."""
    width = max(len(above), len(cells))
    first, second = ([*each, *[""] * (width - len(each))] for each in (above, cells))
    return all(a == b or _follows(a, b) for a, b in zip(first, second, strict=True))


def _follows(above: Any, cell: Any) -> bool:
    try:
        return float(cell) == float(above) + 1
    except (TypeError, ValueError):
        return False
