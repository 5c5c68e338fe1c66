"""Check every cell of a table: all problems, not only the first. Pure."""

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, NamedTuple, TypeAlias

from engine.sheet.columns import COLUMN, COLUMNS, Column, Kind
from engine.sheet.headers import letters, map_header
from engine.sheet.ratio import judge_ratio, nearest_ratios
from engine.sheet.repair import (
    judge_choice,
    judge_colours,
    judge_model,
    judge_switch,
    judge_text,
    judge_whole,
)
from engine.sheet.rows import Problem, Row, RowValues, Severity, Sheet, SheetError
from engine.sheet.table import Cell, Line, Table, cell_text
from engine.sheet.verdict import Finding, Verdict, broken, shown

_Judge: TypeAlias = Callable[[Cell], Verdict[Any]]


@dataclass(frozen=True, slots=True)
class ModelLimits:
    """What a model can do, as far as a sheet can ask too much of it."""

    max_ratio: float
    """The longest side divided by the shortest, at most; 1 or more."""
    negative_prompt: bool = True
    """Whether it heeds a negative prompt."""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What the cells of a sheet may refer to, and what blank ones mean."""

    models: Mapping[str, ModelLimits]
    """By label, in the model list's order."""
    default_model: str
    num_images: int = int(COLUMN["num_images"].default)
    """Images of a row that does not say."""
    prompt_chars: int = 10_000
    """Characters of a prompt or negative prompt, at most."""

    def __post_init__(self) -> None:
        if self.default_model not in self.models:
            raise ValueError(f"the default model {self.default_model!r} is not in the list")


def check_table(table: Table, vocabulary: Vocabulary) -> Sheet:
    """Check all cells of a table.

    Args:
        table: As `read_table` gives it.
        vocabulary: The models there are, and what blank cells mean.

    Returns:
        The rows, those without an error ready to render, and every problem.

    Raises:
        SheetError: No `prompt` column, two columns that mean the same, or no rows.
    """
    known, problems = map_header(table.header, table.header_row)
    notes = [Problem(table.header_row, None, Severity.WARNING, "", note) for note in table.notes]
    if not table.lines:
        raise SheetError("There is no row under the column names. Add at least one prompt.")
    checker = _Checker(table, known, vocabulary)
    rows = tuple(map(checker.row, table.lines))
    problems += [
        Problem(
            table.header_row,
            name,
            Severity.WARNING,
            table.header[index],
            f"{name} is kept with the rows but does not change the images in this version.",
        )
        for index, name in sorted(known.items())
        if name in checker.idle
    ]
    place = {name: index for index, name in known.items()}
    problems.sort(key=lambda problem: place[problem.column or "prompt"])
    return Sheet(
        file=table.file,
        sheet=table.sheet,
        columns=table.header,
        rows=rows,
        problems=(*notes, *problems, *checker.problems),
    )


def typed_rows(
    prompts: Sequence[str], vocabulary: Vocabulary, *, num_images: int = 1, **cells: str
) -> Sheet:
    """Check prompts that were typed, not read from a file.

    Args:
        prompts: One row each, numbered from 2 as if under a header; blank ones are left out.
        vocabulary: As for `check_table`.
        num_images: Images of each row.
        cells: Other columns' cells, the same for every row, by column name.

    Raises:
        SheetError: No prompt, or an unknown column.
    """
    for name in cells:
        if name not in COLUMN or name in ("prompt", "num_images"):
            raise SheetError(f"There is no setting {name}. There are: {', '.join(COLUMN)}.")
    settings = {name: text for name, text in cells.items() if text.strip()}
    lines = tuple(
        Line(number, (prompt, num_images, *settings.values()))
        for number, prompt in enumerate(prompts, start=2)
        if prompt.strip()
    )
    if not lines:
        raise SheetError("No prompt was given.")
    header = ("prompt", "num_images", *settings)
    return check_table(Table(file="prompts", sheet=None, header=header, lines=lines), vocabulary)


_SLOTS = {column.name: slot for slot, column in enumerate(COLUMNS)}
"""Where each column's value stands among the fields of RowValues: both are in one order."""
_RATIO, _MODEL, _IMAGES, _SEED, _NEGATIVE = itemgetter(
    "aspect_ratio", "model", "num_images", "seed_number", "negative_prompt"
)(_SLOTS)
_SELDOM_REPEATED = {"prompt", "seed_number"}


class _Known(NamedTuple):
    """A known column of this table."""

    at: int
    """Its index in the header."""
    name: str
    slot: int
    judge: _Judge
    verdicts: dict[object, Verdict[Any]] | None
    """By cell, for columns whose cells repeat."""


class _Checker:
    """One pass over a table's lines."""

    def __init__(self, table: Table, known: Mapping[int, str], vocabulary: Vocabulary) -> None:
        self.problems: list[Problem] = []
        self.idle: set[str] = set()
        """Columns that act on nothing yet and were given something else than the default."""
        self._vocabulary = vocabulary
        self._known = [
            _Known(
                index,
                name,
                _SLOTS[name],
                _judge(COLUMN[name], vocabulary),
                None if name in _SELDOM_REPEATED else {},
            )
            for index, name in sorted(known.items())
        ]
        self._extra = _extra_names(table.header, known)
        self._width = len(table.header)
        self._from_text = table.sheet is None
        self._defaults = _defaults(vocabulary)
        self._doubles: dict[tuple[object, ...], int] = {}
        self._shapes: dict[tuple[str, tuple[int, int]], tuple[Finding, ...]] = {}

    def row(self, line: Line) -> Row:
        """Check one line; its problems are added to `problems`."""
        cells = line.cells
        values: list[Any] = self._defaults.copy()
        texts: dict[str, str] = {}
        found: dict[str, tuple[Finding, ...]] = {}
        width = len(cells)
        for index, name, slot, judge, verdicts in self._known:
            cell = cells[index] if index < width else None
            if cell is None:
                continue
            if verdicts is None:
                verdict = judge(cell)
            else:
                # 1, 1.0 and True are equal, but not the same cell.
                key = cell if type(cell) is str else (type(cell), cell)
                known = verdicts.get(key)
                if known is None:
                    known = verdicts[key] = judge(cell)
                    self._note_idle(name, known)
                verdict = known
            text, value, findings = verdict
            if text:
                texts[name] = text
                if value is not None:
                    values[slot] = value
                if findings:
                    found[name] = findings
        self._across(values, texts, found)
        severities = {finding.severity for each in found.values() for finding in each}
        shift = self._shifted(line) if self._from_text and width > self._width else None
        ready = None
        double = None
        if Severity.ERROR not in severities and shift is None:
            double = self._double(line.number, values)
            values[_RATIO] = "{}:{}".format(*values[_RATIO])
            ready = RowValues(*values)
        for index, name, *_ in self._known if found else ():
            for finding in found.get(name, ()):
                self._report(line, name, cells[index] if index < width else None, finding)
        for whole in (shift, double):
            if whole:
                self._report(line, None, None, whole)
        return Row(line.number, texts, self._extras(cells), ready)

    def _report(self, line: Line, column: str | None, cell: Cell, finding: Finding) -> None:
        self.problems.append(
            Problem(
                row=line.number,
                column=column,
                severity=finding.severity,
                value=shown(cell_text(cell), _MOST_SHOWN),
                message=finding.message,
                suggestions=finding.suggestions,
            )
        )

    def _note_idle(self, name: str, verdict: Verdict[Any]) -> None:
        if not COLUMN[name].acts and verdict.value not in (None, self._defaults[_SLOTS[name]]):
            self.idle.add(name)

    def _across(
        self,
        values: list[Any],
        texts: Mapping[str, str],
        found: dict[str, tuple[Finding, ...]],
    ) -> None:
        """Add what can only be seen by looking at several cells of a row."""
        if "prompt" not in texts:
            found["prompt"] = (_NO_PROMPT,)
        if "model" in texts and _has_error(found.get("model", ())):
            return
        label = values[_MODEL]
        shape = values[_RATIO]
        wide = self._shapes.get((label, shape))
        if wide is None:
            wide = self._shapes[label, shape] = self._judge_shape(label, *shape)
        if wide:
            found["aspect_ratio"] = (*found.get("aspect_ratio", ()), *wide)
        if values[_NEGATIVE] and not self._vocabulary.models[label].negative_prompt:
            message = f"The model {label} heeds no negative prompt: this one changes nothing."
            heedless = Finding(Severity.WARNING, message)
            found["negative_prompt"] = (*found.get("negative_prompt", ()), heedless)

    def _judge_shape(self, label: str, width: int, height: int) -> tuple[Finding, ...]:
        most = self._vocabulary.models[label].max_ratio
        if max(width, height) <= min(width, height) * most * (1 + 1e-9):
            return ()
        way, limit = ("wider", f"{most:g}:1") if width > height else ("taller", f"1:{most:g}")
        return (
            Finding(
                Severity.ERROR,
                f"{width}:{height} is {way} than the model {label} can draw (up to {limit}).",
                nearest_ratios(width / height, most),
            ),
        )

    def _shifted(self, line: Line) -> Finding | None:
        if all(cell is None for cell in line.cells[self._width :]):
            return None
        return Finding(
            Severity.ERROR,
            f"This row has {len(line.cells)} cells for {self._width} columns, so some may stand "
            "in the wrong one. Put quote marks around a cell that has a comma (or whatever "
            'separates the cells) in it: "a red boat, at sunset".',
        )

    def _double(self, number: int, values: list[Any]) -> Finding | None:
        """A finding if an earlier row makes the same images."""
        if values[_SEED] is None:
            return None
        key = (*values[:_IMAGES], *values[_IMAGES + 1 :])
        first = self._doubles.setdefault(key, number)
        if first == number:
            return None
        return Finding(
            Severity.WARNING,
            f"Prompt, settings and seed are those of row {first}: the same image is made again. "
            "Change the seed, or delete the row.",
        )

    def _extras(self, cells: Sequence[Cell]) -> dict[str, str]:
        extras = {
            name: cell_text(cells[index]).strip()
            for index, name in self._extra
            if index < len(cells) and cells[index] is not None
        }
        if not self._from_text:
            for index in range(self._width, len(cells)):
                if cells[index] is not None:
                    extras[f"column {letters(index)}"] = cell_text(cells[index]).strip()
        return extras


_MOST_SHOWN = 1000
"""Characters of a cell that go into a problem."""
_NO_PROMPT = Finding(
    Severity.ERROR,
    "The prompt is missing. Write what the image shall show, or delete the row.",
)


def _has_error(findings: Sequence[Finding]) -> bool:
    return any(finding.severity is Severity.ERROR for finding in findings)


def _defaults(vocabulary: Vocabulary) -> list[Any]:
    """The values of a row of blank cells, in the order of RowValues; the ratio as a pair."""
    chosen: dict[str, object] = {
        "model": vocabulary.default_model,
        "num_images": vocabulary.num_images,
        "seed_number": None,
        "color_palette": (),
    }
    return [
        chosen[column.name]
        if column.name in chosen
        else _judge(column, vocabulary)(column.default).value or ""
        for column in COLUMNS
    ]


def _judge(column: Column, vocabulary: Vocabulary) -> _Judge:
    """The function that reads the cells of a column."""
    judges: dict[Kind, _Judge] = {
        Kind.TEXT: functools.partial(judge_text, column=column, most=vocabulary.prompt_chars),
        Kind.CHOICE: functools.partial(judge_choice, column=column),
        Kind.SWITCH: functools.partial(judge_switch, column=column),
        Kind.MODEL: functools.partial(judge_model, labels=tuple(vocabulary.models)),
        Kind.RATIO: judge_ratio,
        Kind.WHOLE: functools.partial(judge_whole, column=column),
        Kind.COLOURS: judge_colours,
    }
    judge = judges[column.kind]
    return lambda cell: broken(cell) or judge(cell)


def _extra_names(header: Sequence[str], known: Mapping[int, str]) -> list[tuple[int, str]]:
    """Index and name of each unknown column; a name used twice or missing gets its letters."""
    names: list[tuple[int, str]] = []
    for index, cell in enumerate(header):
        if index not in known:
            name = cell or f"column {letters(index)}"
            if header.index(cell) != index and cell:
                name = f"{cell} (column {letters(index)})"
            names.append((index, name))
    return names
