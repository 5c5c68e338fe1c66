"""Check every cell of a table: all problems, not only the first. Pure."""

import functools
from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, repeat, zip_longest
from typing import Any, NamedTuple, TypeAlias

from engine.sheet.columns import COLUMN, COLUMNS, Column, Kind
from engine.sheet.headers import letters, map_header
from engine.sheet.quiet import no_collecting
from engine.sheet.ratio import allowed_suggestions, judge_ratio, nearest_ratios
from engine.sheet.repair import (
    judge_choice,
    judge_colours,
    judge_model,
    judge_switch,
    judge_text,
    judge_whole,
    plain_text,
)
from engine.sheet.rows import Problem, Row, RowValues, Severity, Sheet, SheetError
from engine.sheet.table import Cell, Line, Table, cell_text
from engine.sheet.verdict import Finding, Verdict, shown, unusable

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
    known, header_problems = map_header(table.header, table.header_row)
    if not table.lines:
        raise SheetError("There is no row under the column names. Add at least one prompt.")
    with no_collecting():
        columns = _judge_columns(table, known, vocabulary)
        found: _Found = defaultdict(list)
        for judged in columns.values():
            for line, findings in judged.found.items():
                found[line] += [_At(judged.at, judged.name, finding) for finding in findings]
        _require_prompts(columns["prompt"], found)
        _check_models(columns, vocabulary, found)
        if table.sheet is None:
            _check_widths(table, found)
        bad = {line for line, each in found.items() if any(at.is_error for at in each)}
        _check_doubles(table, columns, bad, found)
        rows = _rows(table, known, columns, bad, vocabulary)
        problems = [
            _problem(table.lines[line], at) for line in sorted(found) for at in sorted(found[line])
        ]
    for judged in columns.values():
        if judged.idle:
            message = (
                f"{judged.name} is kept with the rows but does not change the images in this "
                "version."
            )
            header = table.header[judged.at]
            header_problems.append(
                Problem(table.header_row, judged.name, Severity.WARNING, header, message)
            )
    header_problems.sort(key=lambda problem: columns[problem.column or "prompt"].at)
    notes = [Problem(table.header_row, None, Severity.WARNING, "", note) for note in table.notes]
    return Sheet(
        file=table.file,
        sheet=table.sheet,
        columns=table.header,
        rows=rows,
        problems=(*notes, *header_problems, *problems),
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


class _At(NamedTuple):
    """A finding and its place in a row; sorts by the place."""

    at: int
    """The column's index in the header; past its end for the whole row."""
    name: str | None
    finding: Finding

    @property
    def is_error(self) -> bool:
        return self.finding.severity is Severity.ERROR


_Found: TypeAlias = defaultdict[int, list[_At]]
"""By index of the line."""


class _Judged(NamedTuple):
    """A known column, all its cells judged."""

    at: int
    name: str
    texts: list[str]
    values: list[Any]
    """The default where a cell is blank or has an error."""
    found: dict[int, tuple[Finding, ...]]
    """By index of the line."""
    idle: bool
    """It does not act yet, and some cell has another value than the default."""


def _judge_columns(
    table: Table, known: Mapping[int, str], vocabulary: Vocabulary
) -> dict[str, _Judged]:
    """Judge column by column, each different cell once: most columns hold few different ones."""
    defaults = _defaults(vocabulary)
    columns = list(zip_longest(*(cells for _, cells in table.lines), fillvalue=""))
    blank = [""] * len(table.lines)
    return {
        name: _judge_column(
            at,
            COLUMN[name],
            columns[at] if at < len(columns) else blank,
            _judge(COLUMN[name], vocabulary),
            defaults[name],
        )
        for at, name in sorted(known.items())
    }


def _judge_column(
    at: int, column: Column, cells: Sequence[Cell], judge: _Judge, default: object
) -> _Judged:
    keys: Sequence[Any] = cells
    if set(map(type, cells)) == {str}:
        different = {cell: cell for cell in cells}
    else:
        # 1, 1.0 and True are equal, but not the same cell.
        keys = list(zip(map(type, cells), cells, strict=True))
        different = {key: key[1] for key in keys}
    verdicts = {key: judge(cell) for key, cell in different.items()}
    texts = {key: verdict.text for key, verdict in verdicts.items()}
    values = {
        key: default if verdict.value is None else verdict.value
        for key, verdict in verdicts.items()
    }
    telling = {key: verdict.findings for key, verdict in verdicts.items() if verdict.findings}
    found: dict[int, tuple[Finding, ...]] = {}
    if telling:
        found = {line: telling[key] for line, key in enumerate(keys) if key in telling}
    return _Judged(
        at=at,
        name=column.name,
        texts=list(map(texts.__getitem__, keys)),
        values=list(map(values.__getitem__, keys)),
        found=found,
        idle=not column.acts and set(values.values()) != {default},
    )


def _require_prompts(prompts: _Judged, found: _Found) -> None:
    for line, text in enumerate(prompts.texts):
        if not text:
            found[line].append(_At(prompts.at, "prompt", _NO_PROMPT))


def _check_models(columns: Mapping[str, _Judged], vocabulary: Vocabulary, found: _Found) -> None:
    """What a row asks of its model and the model cannot do."""
    shapes, negatives = columns.get("aspect_ratio"), columns.get("negative_prompt")
    models = columns.get("model")
    count = len(columns["prompt"].texts)
    labels = models.values if models else [vocabulary.default_model] * count
    unknown = {
        line
        for line, findings in (models.found.items() if models else ())
        if any(finding.severity is Severity.ERROR for finding in findings)
    }
    if shapes:
        asked = list(zip(labels, shapes.values, strict=True))
        too_wide = {pair: each for pair in set(asked) if (each := _too_wide(*pair, vocabulary))}
        for line, pair in enumerate(asked) if too_wide else ():
            if pair in too_wide and line not in unknown:
                found[line].append(_At(shapes.at, shapes.name, too_wide[pair]))
        for line in shapes.found:
            most = vocabulary.models[labels[line]].max_ratio
            found[line] = [
                each._replace(finding=allowed_suggestions(each.finding, most))
                if each.at == shapes.at
                else each
                for each in found[line]
            ]
    heedless = {label for label, model in vocabulary.models.items() if not model.negative_prompt}
    if negatives and heedless:
        for line, (label, text) in enumerate(zip(labels, negatives.values, strict=True)):
            if text and label in heedless and line not in unknown:
                message = f"The model {label} heeds no negative prompt: this one changes nothing."
                warning = Finding(Severity.WARNING, message)
                found[line].append(_At(negatives.at, negatives.name, warning))


def _too_wide(label: str, shape: tuple[int, int], vocabulary: Vocabulary) -> Finding | None:
    width, height = shape
    most = vocabulary.models[label].max_ratio
    if max(shape) <= min(shape) * most * (1 + 1e-9):
        return None
    way, limit = ("wider", f"{most:g}:1") if width > height else ("taller", f"1:{most:g}")
    return Finding(
        Severity.ERROR,
        f"{width}:{height} is {way} than the model {label} can draw (up to {limit}).",
        nearest_ratios(width / height, most),
    )


def _check_widths(table: Table, found: _Found) -> None:
    """Find lines of a text file with more cells than there are columns."""
    width = len(table.header)
    for line, (_, cells) in enumerate(table.lines):
        if len(cells) > width and any(cell_text(cell).strip() for cell in cells[width:]):
            message = (
                f"This row has {len(cells)} cells for {width} columns, so some may stand in the "
                "wrong one. Put quote marks around a cell that has a comma (or whatever "
                'separates the cells) in it: "a red boat, at sunset".'
            )
            found[line].append(_At(width, None, Finding(Severity.ERROR, message)))


def _check_doubles(
    table: Table, columns: Mapping[str, _Judged], bad: Container[int], found: _Found
) -> None:
    """Find rows with a seed that make the same images as an earlier row."""
    seeds = columns.get("seed_number")
    if not seeds:
        return
    alike = [judged.values for name, judged in columns.items() if name != "num_images"]
    first: dict[tuple[object, ...], int] = {}
    for line, key in enumerate(zip(*alike, strict=True)):
        if seeds.values[line] is None or line in bad:
            continue
        earlier = first.setdefault(key, line)
        if earlier != line:
            message = (
                f"Prompt, settings and seed are those of row {table.lines[earlier].number}: the "
                "same image is made again. Change the seed, or delete the row."
            )
            found[line].append(_At(len(table.header), None, Finding(Severity.WARNING, message)))


def _rows(
    table: Table,
    known: Mapping[int, str],
    columns: Mapping[str, _Judged],
    bad: Container[int],
    vocabulary: Vocabulary,
) -> tuple[Row, ...]:
    defaults = _defaults(vocabulary)
    fields: list[Iterable[Any]] = [
        columns[column.name].values if column.name in columns else repeat(defaults[column.name])
        for column in COLUMNS
    ]
    ratio = [column.name for column in COLUMNS].index("aspect_ratio")
    fields[ratio] = [
        f"{width}:{height}" for width, height in islice(fields[ratio], len(table.lines))
    ]
    extras = _extra_names(table.header, known)
    overhang = table.sheet is not None
    width = len(table.header)
    texts: list[dict[str, str]] = [{} for _ in table.lines]
    for judged in columns.values():
        name = judged.name
        for known_texts, text in zip(texts, judged.texts, strict=True):
            if text:
                known_texts[name] = text
    # RowValues has its fields in the order of COLUMNS.
    ready = map(RowValues, *fields)
    return tuple(
        Row(
            number,
            known_texts,
            _extra(cells, extras, width if overhang else len(cells))
            if extras or len(cells) > width
            else {},
            None if line in bad else values,
        )
        for line, ((number, cells), known_texts, values) in enumerate(
            zip(table.lines, texts, ready, strict=False)
        )
    )


def _extra(cells: Sequence[Cell], extras: Sequence[tuple[int, str]], width: int) -> dict[str, str]:
    """What stands in columns that are not ours, and in a workbook right of all headers."""
    texts = {name: cell_text(cells[at]).strip() for at, name in extras if at < len(cells)}
    for at in range(width, len(cells)):
        texts[f"column {letters(at)}"] = cell_text(cells[at]).strip()
    return {name: text for name, text in texts.items() if text}


def _problem(line: Line, at: _At) -> Problem:
    cell = line.cells[at.at] if at.name and at.at < len(line.cells) else ""
    return Problem(
        row=line.number,
        column=at.name,
        severity=at.finding.severity,
        value=shown(cell_text(cell), _MOST_SHOWN),
        message=at.finding.message,
        suggestions=at.finding.suggestions,
    )


_MOST_SHOWN = 1000
"""Characters of a cell that go into a problem."""
_NO_PROMPT = Finding(
    Severity.ERROR,
    "The prompt is missing. Write what the image shall show, or delete the row.",
)


def _defaults(vocabulary: Vocabulary) -> dict[str, Any]:
    """What a blank cell of each column means; an aspect ratio as a pair."""
    defaults: dict[str, Any] = {
        "model": vocabulary.default_model,
        "num_images": vocabulary.num_images,
        "seed_number": None,
        "color_palette": (),
    }
    for column in COLUMNS:
        if column.name not in defaults:
            verdict = _judge(column, vocabulary)(column.default)
            defaults[column.name] = "" if verdict.value is None else verdict.value
    return defaults


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
    if column.kind is Kind.TEXT:
        most = vocabulary.prompt_chars
        return lambda cell: plain_text(cell, most) or unusable(cell) or judge(cell)
    return lambda cell: unusable(cell) or judge(cell)


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
