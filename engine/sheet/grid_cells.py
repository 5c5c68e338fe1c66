r"""Cells with several values: `10 | 20 | 30`, `3..8 by 1`, `a {all: red | blue} boat`. Pure.

A row that has some is a grid: it renders every combination of them, all with its seed. A list needs
no braces where a cell has one value; where it is no value as a whole is it a list. Braces with
`all:` do in every cell that a grid can vary, and for a part of one. `\{all: …}` is plain text.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise, product
from typing import TypeAlias

from engine.caption.reading import looks_like_caption
from engine.sheet.cell_findings import shown, unquoted
from engine.sheet.columns import COLUMN, Column, Kind
from engine.sheet.data_records import is_json_object
from engine.sheet.rows import Row

MOST_VALUES = 100
"""Of one list."""
MOST_IN_GRIDS = 20_000
"""Combinations of all rows of a sheet that are grids."""

_MOST_CHARS = 5_000
"""Of a cell that has one value or a list of them."""

Piece: TypeAlias = str | tuple[str, ...]
"""A stretch of a cell: text, or a list of which each combination has one."""
Pieces: TypeAlias = tuple[Piece, ...]

_LISTED = {Kind.CHOICE, Kind.SWITCH, Kind.MODEL, Kind.RATIO, Kind.WHOLE, Kind.DECIMAL, Kind.COLOURS}
_SIGNS = ("|", "..", "…", "{", "｜")
_NEVER = {"visibility", "num_images"}
_ALL = re.compile(r"\{\s*all\s*:", re.IGNORECASE)
_BRACE = re.compile(r"\\[{}|]|[{}|]")
_FIGURE = r"[+-]?(?:[0-9]{1,10}(?:[.,][0-9]{1,6})?|[.,][0-9]{1,6})"
_RANGE = re.compile(
    rf"({_FIGURE})\s*(?:\.\.\.?|…)\s*({_FIGURE})(?:\s*(?:by|step)\s*({_FIGURE}))?", re.IGNORECASE
)
_WITH_STEP = re.compile(rf"({_FIGURE})\s*-\s*({_FIGURE})\s*\(\s*\+?({_FIGURE})\s*\)")
"""As A1111's plot takes a range: `1-5 (+2)`."""
_WITH_COUNT = re.compile(rf"({_FIGURE})\s*-\s*({_FIGURE})\s*\[\s*([0-9]{{1,4}})\s*\]")
"""The same, with how many values there are: `1-10 [5]`."""
_FROM_TO = re.compile(rf"({_FIGURE})\s*(?:[-–—~～]|to)\s*({_FIGURE})", re.IGNORECASE)
"""Without a step: `1-5`, `3 to 8`."""
_APART = re.compile(r"\s*(?:\|\||[;\n¦、]|,(?![0-9]{3}(?![0-9]))\s*)\s*")


class GridError(ValueError):
    """A list that cannot be used; the message says why and what to do."""

    def __init__(self, message: str, *suggestions: str) -> None:
        super().__init__(message)
        self.suggestions = suggestions
        """The whole cell as it may have been meant."""


@dataclass(frozen=True, slots=True)
class Axis:
    """One list of a row's: by which of its values images of the row differ."""

    name: str
    """What people call it: its column, and which of the column's if that has several."""
    column: str
    values: tuple[str, ...]
    """As written, each once."""

    @property
    def title(self) -> str:
        """Its name as words."""
        return self.name.replace("_", " ")


def can_vary(column: Column) -> bool:
    """Whether cells of a column may have several values."""
    if column.name in _NEVER:
        return False
    return column.kind in _LISTED | {Kind.LORAS} or column.name in ("prompt", "negative_prompt")


def may_have_list(text: str, column: Column) -> bool:
    """Whether a cell may have a list; quick, and right where it says no."""
    if column.kind in _LISTED:
        return len(text) <= _MOST_CHARS and any(sign in text for sign in _SIGNS)
    return "{" in text and _ALL.search(text) is not None


def has_braces(text: str) -> bool:
    """Whether a cell has a list in braces: it is one whatever else the cell may mean."""
    return any(not _is_escaped(text, found.start()) for found in _ALL.finditer(text))


def pieces_of(text: str, column: Column, choices: Mapping[str, Sequence[str]]) -> Pieces | None:
    """A cell in pieces, of which one or several are lists; None: it has no list.

    Args:
        text: the cell's.
        column: its column.
        choices: of wildcards, by name: what is suggested where one stands for a list.

    Raises:
        GridError: a list that cannot be used.
    """
    if not can_vary(column):
        return None
    if has_braces(text):
        if column.kind is Kind.TEXT and (looks_like_caption(text) or is_json_object(text)):
            return None
        return tuple(_in_braces(text, column, choices))
    if column.kind not in _LISTED:
        return None
    plain = unquoted(text)
    parts = [part.strip() for part in plain.split("|")]
    if len(parts) == 1 and not (_is_figures(column) and _RANGE.fullmatch(plain)):
        return None
    if not all(parts):
        whole = " | ".join(filter(None, parts))
        raise GridError("A value is missing beside a |, which stands between values.", whole)
    return (_values(parts, column, plain),)


def _is_figures(column: Column) -> bool:
    return column.kind in (Kind.WHOLE, Kind.DECIMAL)


def _is_escaped(text: str, at: int) -> bool:
    return at > 0 and text[at - 1] == "\\"


def _in_braces(text: str, column: Column, choices: Mapping[str, Sequence[str]]) -> Iterator[Piece]:
    """The pieces of a cell that has lists in braces."""
    depth, start, plain, cuts = 0, 0, 0, list[int]()
    listing = False
    for token in _BRACE.finditer(text):
        if token[0] == "{":
            opens = _ALL.match(text, token.start()) is not None
            if opens and depth:
                raise GridError(
                    "{all: …} cannot be inside other braces: it stands for several images, not for"
                    " a choice within one. Put it outside, or write each row out."
                )
            if opens:
                if token.start() > plain:
                    yield text[plain : token.start()]
                listing, start, cuts = True, token.start(), []
            depth += 1
        elif token[0] == "}" and depth:
            depth -= 1
            if not depth and listing:
                head = _ALL.match(text, start)
                edges = [head.end() if head else start, *cuts, token.start()]
                parts = [
                    text[left:right].removeprefix("|").strip() for left, right in pairwise(edges)
                ]
                if len(parts) == 1:
                    _refuse_single(parts[0], text[start : token.end()], text, choices)
                yield _values(parts, column, text)
                listing, plain = False, token.end()
        elif token[0] == "|" and depth == 1 and listing:
            cuts.append(token.start())
    if listing:
        raise GridError("A { without a }: a list is written {all: red | blue}.", f"{text}}}")
    if plain < len(text):
        yield text[plain:]


def _refuse_single(
    part: str, written: str, text: str, choices: Mapping[str, Sequence[str]]
) -> None:
    """Raise if one value is all that stands in braces, unless that is a range.

    Raises:
        GridError: it is.
    """
    if _RANGE.fullmatch(part):
        return
    name = part.removeprefix("__").removesuffix("__")
    if part == f"__{name}__" and 1 < len(found := choices.get(name, ())) <= MOST_VALUES:
        listed = f"{{all: {' | '.join(found)}}}"
        raise GridError(
            f"{part} picks one of its choices for each image. To render all of them, list them.",
            text.replace(written, listed),
        )
    raise GridError(
        f"{shown(written)} has one value. List several: {{all: red | blue}}.",
        text.replace(written, part),
    )


def _values(parts: Sequence[str], column: Column, text: str) -> tuple[str, ...]:
    """What a list has, ranges written out.

    Raises:
        GridError: a range that cannot be, too many values, or one twice.
    """
    values = [value for part in parts for value in _range(part, column, text) or [part]]
    if len(values) > MOST_VALUES:
        raise GridError(
            f"This list has {len(values):,} values; {MOST_VALUES} are the limit. Use fewer, or"
            " larger steps."
        )
    twice = next((value for value in values if values.count(value) > 1), None)
    if twice is not None:
        once = " | ".join(dict.fromkeys(values))
        # Which stretch of a longer text it is, is not known here.
        raise GridError(
            f"{shown(twice) if twice else 'An empty value'} is in the list twice. Name each value"
            " once.",
            *([once] if "{" not in text else []),
        )
    return tuple(values)


def _range(part: str, column: Column, text: str) -> list[str]:
    """The values of a range, both ends included where the steps meet them; empty: it is none."""
    found = _RANGE.fullmatch(part)
    if found is None or not (_is_figures(column) or has_braces(text)):
        return []
    first, last, by = (Decimal(each.replace(",", ".")) if each else None for each in found.groups())
    if first is None or last is None:
        return []
    if by is None and (first % 1 or last % 1 or (column.kind is Kind.DECIMAL and last <= 1)):
        steps = abs(last - first) / 5
        near = f"{first:f}..{last:f} by {steps.normalize():f}"
        raise GridError(
            f"{shown(part)} does not say its step. Write {near}.",
            *([text.replace(part, near)] if steps else []),
        )
    by = abs(by) if by is not None else Decimal(1)
    if not by:
        raise GridError(f"{shown(part)} has the step 0. Write 3..8 by 1.")
    count = int(abs(last - first) / by) + 1
    if count > MOST_VALUES:
        raise GridError(
            f"{shown(part)} has {count:,} values; {MOST_VALUES} are the limit. Use larger steps."
        )
    way = by if last >= first else -by
    return [_figure(first + way * at) for at in range(count)]


def _figure(number: Decimal) -> str:
    plain = f"{number:f}"
    return plain.rstrip("0").rstrip(".") if "." in plain else plain


def meant_as_list(text: str, column: Column) -> str:
    """A list as it is written here, of what is one elsewhere: `10, 20`, `1-5 (+2)`; or nothing."""
    if len(text) > _MOST_CHARS or column.kind not in _LISTED or not can_vary(column):
        return ""
    plain = unquoted(text)
    if _is_figures(column):
        if found := _WITH_STEP.fullmatch(plain):
            return "{}..{} by {}".format(*found.groups())
        if (found := _WITH_COUNT.fullmatch(plain)) and int(found[3]) > 1:
            first, last = (Decimal(found[at].replace(",", ".")) for at in (1, 2))
            by = (last - first) / (int(found[3]) - 1)
            return f"{found[1]}..{found[2]} by {_figure(abs(by))}" if by else ""
        if found := _FROM_TO.fullmatch(plain):
            steps = Decimal(found[2].replace(",", ".")) - Decimal(found[1].replace(",", "."))
            near = not steps % 1 and 0 < abs(steps) < MOST_VALUES
            return f"{found[1]}..{found[2]} by 1" if near else ""
    parts = [part.strip() for part in _APART.split(plain)]
    return " | ".join(dict.fromkeys(parts)) if len(set(parts)) > 1 and all(parts) else ""


# -------------------------------------------------------------------- rows


def joined(pieces: Pieces, chosen: Iterator[str]) -> str:
    """The cell of one combination; `chosen` gives one value for each list, in order."""
    text = ""
    for piece in pieces:
        value = piece if isinstance(piece, str) else next(chosen)
        # A list may have nothing as one of its values: then there is one space, not two.
        text = text.rstrip(" ") + value if not value and text.endswith(" ") else text + value
    return text.strip()


def axes_of(cells: Mapping[str, Pieces]) -> tuple[Axis, ...]:
    """The lists of a row, in the order in which columns are declared.

    Args:
        cells: column → its pieces, of those that have a list.
    """
    axes = []
    for column, pieces in _in_order(cells):
        lists = [(at, piece) for at, piece in enumerate(pieces) if not isinstance(piece, str)]
        for number, (at, values) in enumerate(lists, start=1):
            name = f"{column} {number}" if len(lists) > 1 else column
            before = pieces[at - 1] if at else ""
            if column == "lora" and isinstance(before, str) and before.endswith(":"):
                name = f"lora {re.split('[,;|]', before)[-1].strip(' :')}"
            axes.append(Axis(name, column, values))
    return tuple(axes)


def combinations(cells: Mapping[str, Pieces]) -> list[dict[str, str]]:
    """The cells of every combination, the last list's values going round first.

    Args:
        cells: column → its pieces, of those that have a list.
    """
    lists = [axis.values for axis in axes_of(cells)]
    found = []
    for values in product(*lists):
        chosen = iter(values)
        found.append({column: joined(pieces, chosen) for column, pieces in _in_order(cells)})
    return found


def _in_order(cells: Mapping[str, Pieces]) -> list[tuple[str, Pieces]]:
    """Columns as they are declared: the same however a sheet has them."""
    return [(name, cells[name]) for name in COLUMN if name in cells]


@dataclass(frozen=True, slots=True)
class Grid:
    """A row of a session that was a grid, and which image of it is where."""

    cells: Mapping[str, str]
    axes: tuple[Axis, ...]
    each: int
    """Images of a combination; with those that are made of them, larger, twice as many."""
    combinations: tuple[Mapping[str, str], ...]
    """Of each, the cells that differ."""

    @property
    def own(self) -> int:
        """Images of the row without those made of them."""
        return len(self.combinations) * self.each

    def combination(self, variation: int) -> int:
        """The position of the combination that a variation of the row has."""
        return (variation - 1) % self.own // self.each

    def place(self, variation: int) -> tuple[int, ...]:
        """Which value of each axis a variation has, by position."""
        left, place = self.combination(variation), []
        for axis in reversed(self.axes):
            left, at = divmod(left, len(axis.values))
            place.append(at)
        return tuple(reversed(place))

    def within(self, variation: int) -> int:
        """Which of the images of its combination it is, from 1."""
        return (variation - 1) % self.own % self.each + 1

    def is_enlarged(self, variation: int) -> bool:
        """Whether a variation is one that was made of another, larger."""
        return variation > self.own

    def cells_of(self, variation: int) -> dict[str, str]:
        """The row's cells with the values of one variation."""
        chosen = self.combinations[self.combination(variation)]
        return {name: text for name, text in {**self.cells, **chosen}.items() if text}


def grid_of(row: Row) -> Grid | None:
    """The grid that a checked row is; None: it is a plain row, or has an error."""
    own = sum(values.num_images for values in row.grid)
    return stored_grid(row.cells, own) if own else None


def may_be_grid(cells: Mapping[str, str]) -> bool:
    """Whether a stored row may be a grid; quick, and right where it says no."""
    return any(
        can_vary(column) and may_have_list(text, column)
        for name, text in cells.items()
        if text and (column := COLUMN.get(name)) is not None
    )


def stored_grid(cells: Mapping[str, str], images: int) -> Grid | None:
    """The grid that a stored row is; None: it is a plain one.

    Args:
        cells: known column → text, as the row was accepted.
        images: how many it had, without those made of them, larger. A row that has another number
            than a grid would have was accepted before there were grids.
    """
    pieces: dict[str, Pieces] = {}
    for name, column in COLUMN.items() if may_be_grid(cells) else ():
        text = cells.get(name, "")
        if not text or not can_vary(column) or not may_have_list(text, column):
            continue
        try:
            found = pieces_of(text, column, {})
        except GridError:
            return None
        if found is not None:
            pieces[name] = found
    if not pieces:
        return None
    found_all = combinations(pieces)
    each, rest = divmod(images, len(found_all))
    said = cells.get("num_images") or "1"
    if rest or not each or str(each) != said:
        return None
    return Grid(cells, axes_of(pieces), each, tuple(found_all))
