"""Check every cell of a table: all problems, not only the first. Pure."""

import functools
from collections import defaultdict
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import islice, repeat, zip_longest
from typing import Any

from engine.caption.reading import looks_like_caption
from engine.sheet.caption_cells import check_captions
from engine.sheet.cell_findings import CellFindings, Finding, shown, unusable
from engine.sheet.columns import (
    COLUMN,
    COLUMNS,
    ENLARGED_STRENGTH,
    TEXTS_IN_PICTURE,
    Column,
    Kind,
)
from engine.sheet.cross_row_checks import (
    check_doubles,
    check_models,
    check_sources,
    check_visibility,
    check_widths,
    require_prompts,
)
from engine.sheet.found import At, Judged, ProblemsAt
from engine.sheet.gc_pause import gc_paused
from engine.sheet.grid_cells import MOST_IN_GRIDS
from engine.sheet.grids import Judge
from engine.sheet.grids import spread as spread_grids
from engine.sheet.headers import letters, map_header
from engine.sheet.loras import judge_loras, judge_tags, tags_in
from engine.sheet.ratio import judge_ratio, picture_ratio
from engine.sheet.repair import (
    judge_choice,
    judge_colours,
    judge_decimal,
    judge_layout,
    judge_model,
    judge_picture,
    judge_switch,
    judge_text,
    judge_whole,
    judge_wildcards,
    plain_text,
)
from engine.sheet.rows import Problem, Row, RowValues, Severity, Sheet, SheetError
from engine.sheet.table import Cell, Line, Table, cell_text
from engine.sheet.vocabulary import ModelLimits, Vocabulary

__all__ = ["ModelLimits", "Vocabulary", "check_table", "typed_table"]


def check_table(
    table: Table,
    vocabulary: Vocabulary,
    plain: Container[int] = (),
    *,
    room: int = MOST_IN_GRIDS,
) -> Sheet:
    """Check all cells of a table.

    Args:
        table: As `read_table` gives it.
        vocabulary: The models there are, and what blank cells mean.
        plain: Numbers of rows in whose prompts nothing stands for a LoRA.
        room: Combinations that its grids may have in all.

    Returns:
        The rows, those without an error ready to render, and every problem.

    Raises:
        SheetError: No `prompt` column, two columns that mean the same, or no rows.
    """
    known, header_problems = map_header(table.header, table.header_row, table.own)
    if not table.lines:
        raise SheetError("There are no rows below the column names. Add at least one prompt.")
    with gc_paused():
        judge_of = functools.cache(lambda name: _judge(COLUMN[name], vocabulary))
        choices = vocabulary.wildcards if isinstance(vocabulary.wildcards, Mapping) else {}
        spread = spread_grids(table, known, judge_of, choices, room)
        columns = _judge_columns(spread.table, known, vocabulary)
        _take_tags(spread.table, columns, _judge(COLUMN["lora"], vocabulary), plain)
        each: ProblemsAt = defaultdict(list)
        for judged in columns.values():
            for line, findings in judged.found.items():
                each[line] += [At(judged.at, judged.name, finding) for finding in findings]
        require_prompts(columns, vocabulary, each)
        check_captions(columns, vocabulary, each)
        check_models(columns, vocabulary, each)
        check_sources(columns, vocabulary, each)
        check_visibility(columns, vocabulary, each)
        rows = _rows(spread.table, known, columns, _bad(each), vocabulary)
        found = spread.found(each, columns)
        if table.sheet is None:
            check_widths(table, found)
        remarks = _remarks(table, found)
        bad = _bad(found)
        check_doubles(table, columns, bad, found, spread.spans)
        rows = tuple(
            replace(row, values=None, grid=()) if line in bad and row.values is not None else row
            for line, row in enumerate(spread.rows(rows, columns))
        )
        problems = [
            _problem(table.lines[line], at) for line in sorted(found) for at in sorted(found[line])
        ]
    header_problems.sort(key=lambda problem: columns[problem.column or "prompt"].at)
    first = table.header_row or table.lines[0].number
    notes = [Problem(first, None, Severity.WARNING, "", note) for note in table.notes]
    notes += remarks
    return Sheet(
        file=table.file,
        sheet=table.sheet,
        columns=table.header,
        rows=rows,
        problems=(*notes, *header_problems, *problems),
    )


def _bad(found: ProblemsAt) -> set[int]:
    """Lines that have an error."""
    return {line for line, each in found.items() if any(at.is_error for at in each)}


def typed_table(prompts: Sequence[str], *, num_images: int | None = None, **cells: str) -> Table:
    """Prompts that were typed, as the table they would be in a file.

    Args:
        prompts: One row each, numbered from 2 as if under a header; blank ones are left out.
        num_images: Images of each row; None: as many as a row makes that does not say.
        cells: Other columns' cells, the same for every row, by column name.

    Raises:
        SheetError: No prompt, or an unknown column.
    """
    for name in cells:
        if name not in COLUMN or name in ("prompt", "num_images"):
            raise SheetError(f"Unknown setting {name}. Settings are: {', '.join(COLUMN)}.")
    settings = {name: text for name, text in cells.items() if text.strip()}
    lines = tuple(
        Line(number, (prompt, "" if num_images is None else num_images, *settings.values()))
        for number, prompt in enumerate(prompts, start=2)
        if prompt.strip()
    )
    if not lines:
        raise SheetError("No prompts given.")
    header = ("prompt", "num_images", *settings)
    return Table(file="prompts", sheet=None, header=header, lines=lines)


def _judge_columns(
    table: Table, known: Mapping[int, str], vocabulary: Vocabulary
) -> dict[str, Judged]:
    """Judge column by column, each different cell once: most columns hold few different ones."""
    defaults = _defaults(vocabulary)
    columns = list(zip_longest(*(cells for _, cells in table.lines), fillvalue=""))
    blank = [""] * len(table.lines)
    vocabulary = _looked(known, columns, vocabulary)
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


def _take_tags(
    table: Table, columns: dict[str, Judged], judge: Judge, plain: Container[int]
) -> None:
    """Put the LoRAs that prompts name among those of the column, which the table may lack."""
    prompts, blank = columns["prompt"], [""] * len(table.lines)
    # A prompt with a tag has a finding that says so.
    for line in prompts.found:
        number, cells = table.lines[line]
        tags = tags_in(cell_text(cells[prompts.at]))
        if not tags or not prompts.texts[line] or number in plain:
            continue
        if looks_like_caption(prompts.texts[line]):  # whose words are to the letter
            continue
        if "lora" not in columns:
            columns["lora"] = Judged(len(table.header), "lora", blank, [()] * len(blank), {})
        at, _, texts, values, found = columns["lora"]
        own = cell_text(cells[at]).strip() if at < len(cells) else ""
        verdict = judge(", ".join(filter(None, (own, *tags))))
        texts[line], values[line] = verdict.text, verdict.value or ()
        found[line] = verdict.findings


def _looked(
    known: Mapping[int, str], columns: Sequence[Sequence[Cell]], vocabulary: Vocabulary
) -> Vocabulary:
    """The vocabulary, all pictures that are named looked at together: one by one takes longer."""
    places = [at for at, name in known.items() if COLUMN[name].kind is Kind.PICTURE]
    cells = (cell for at in places if at < len(columns) for cell in columns[at])
    texts = {cell_text(cell).strip() for cell in cells if not unusable(cell)}
    if not texts:
        return vocabulary
    looked = vocabulary.pictures(texts)
    return replace(vocabulary, pictures=lambda _: looked)


def _judge_column(
    at: int, column: Column, cells: Sequence[Cell], judge: Judge, default: object
) -> Judged:
    # 1, 1.0 and True are equal, but not the same cell.
    only_text = set(map(type, cells)) == {str}
    keys: Sequence[Any] = cells if only_text else list(zip(map(type, cells), cells, strict=True))
    different = set(keys)
    if len(different) > len(keys) // 2:
        verdicts = list(map(judge, cells))
        texts = [verdict[0] for verdict in verdicts]
        values = [default if verdict[1] is None else verdict[1] for verdict in verdicts]
        found = {line: verdict[2] for line, verdict in enumerate(verdicts) if verdict[2]}
    else:
        each = {key: judge(key if only_text else key[1]) for key in different}
        text = {key: verdict.text for key, verdict in each.items()}
        value = {
            key: default if verdict.value is None else verdict.value
            for key, verdict in each.items()
        }
        telling = {key: verdict.findings for key, verdict in each.items() if verdict.findings}
        texts = list(map(text.__getitem__, keys))
        values = list(map(value.__getitem__, keys))
        lines = enumerate(keys) if telling else ()
        found = {line: telling[key] for line, key in lines if key in telling}
    return Judged(at, column.name, texts, values, found)


def _rows(
    table: Table,
    known: Mapping[int, str],
    columns: Mapping[str, Judged],
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
    if "image" in columns:
        fields = _drawn_on_pictures(fields, columns, vocabulary)
    extras = extra_names(table.header, known)
    overhang = table.sheet is not None
    width = len(table.header)
    texts: list[dict[str, str]] = [{} for _ in table.lines]
    for judged in columns.values():
        name = judged.name
        for known_texts, text in zip(texts, judged.texts, strict=True):
            if text:
                known_texts[name] = text
    # RowValues has its fields in the order of COLUMNS, and after these what follows from them.
    ready = map(RowValues, *fields, _upscalers(columns, vocabulary))
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


def _upscalers(columns: Mapping[str, Judged], vocabulary: Vocabulary) -> Iterable[str]:
    """What enlarges the images of each row that are drawn from noise, if it is not their model."""
    by = vocabulary.upscaler
    if "upscale" not in columns or not by:
        return repeat("")
    factors = columns["upscale"].values
    images = columns["image"].texts if "image" in columns else repeat("")
    return [
        by if factor and not image else "" for factor, image in zip(factors, images, strict=False)
    ]


def _remarks(table: Table, found: ProblemsAt) -> list[Problem]:
    """Put what is to be said of rows among what was found; those that are of no row are left."""
    lines = {line.number: at for at, line in enumerate(table.lines)} if table.remarks else {}
    width, left = len(table.header), []
    for row, severity, message in table.remarks:
        if row in lines:
            found[lines[row]].append(At(width, None, Finding(severity, message)))
        elif row == table.header_row:
            left.append(Problem(row, None, severity, "", message))
    return left


def _drawn_on_pictures(
    fields: Sequence[Iterable[Any]], columns: Mapping[str, Judged], vocabulary: Vocabulary
) -> list[Iterable[Any]]:
    """What blank cells mean in rows that are drawn on a picture.

    One image, of the picture's own ratio, and the prompt as it is written: a picture of something
    to be sold is not made prettier by a default.
    """
    pictures, count = columns["image"].values, len(columns["image"].values)
    blank = [""] * count
    labels = columns["model"].values if "model" in columns else [vocabulary.default_model] * count
    said = {
        name: columns[name].texts if name in columns else blank
        for name in ("num_images", "magic_prompt", "aspect_ratio", "strength")
    }
    factors = columns["upscale"].values if "upscale" in columns else blank
    values = {c.name: list(islice(field, count)) for c, field in zip(COLUMNS, fields, strict=True)}
    for line, picture in enumerate(pictures):
        if picture is None:
            continue
        if not said["num_images"][line]:
            values["num_images"][line] = 1
        if not said["magic_prompt"][line]:
            values["magic_prompt"][line] = False
        if not said["aspect_ratio"][line]:
            most = vocabulary.models[labels[line]].max_ratio
            values["aspect_ratio"][line] = picture_ratio(picture.width, picture.height, most)
        if factor := int(factors[line] or 0):
            values["width"][line] = picture.width * factor
            values["height"][line] = picture.height * factor
            if not said["strength"][line]:
                values["strength"][line] = ENLARGED_STRENGTH
    return [values[column.name] for column in COLUMNS]


def _extra(cells: Sequence[Cell], extras: Sequence[tuple[int, str]], width: int) -> dict[str, str]:
    """What stands in columns that are not ours, and in a workbook right of all headers."""
    texts = {name: cell_text(cells[at]).strip() for at, name in extras if at < len(cells)}
    for at in range(width, len(cells)):
        texts[f"column {letters(at)}"] = cell_text(cells[at]).strip()
    return {name: text for name, text in texts.items() if text}


def _problem(line: Line, at: At) -> Problem:
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


def _defaults(vocabulary: Vocabulary) -> dict[str, Any]:
    """What a blank cell of each column means; an aspect ratio as a pair."""
    defaults: dict[str, Any] = {
        "model": vocabulary.default_model,
        "num_images": vocabulary.num_images,
        "seed_number": None,
        "color_palette": (),
        "lora": (),
        **dict.fromkeys(("steps", "guidance", "width", "height", "image", "strength", "mask")),
    }
    for column in COLUMNS:
        if column.name not in defaults:
            verdict = _judge(column, vocabulary)(column.default)
            defaults[column.name] = "" if verdict.value is None else verdict.value
    return defaults


def _judge(column: Column, vocabulary: Vocabulary) -> Judge:
    """The function that reads the cells of a column."""
    if column.name == "style" and vocabulary.styles:
        # The user's may have the names of ours.
        choices = dict.fromkeys((*column.choices, *vocabulary.styles))
        column = replace(column, choices=tuple(choices))
    judges: dict[Kind, Judge] = {
        Kind.TEXT: functools.partial(judge_text, column=column, most=vocabulary.prompt_chars),
        Kind.CHOICE: functools.partial(judge_choice, column=column),
        Kind.SWITCH: functools.partial(judge_switch, column=column),
        Kind.MODEL: functools.partial(
            judge_model,
            labels=tuple(vocabulary.models),
            names=vocabulary.model_names,
            faults=vocabulary.model_faults,
            fourth=tuple(label for label, model in vocabulary.models.items() if model.captions),
            pull_name=vocabulary.pull_name,
        ),
        Kind.RATIO: judge_ratio,
        Kind.WHOLE: functools.partial(judge_whole, column=column),
        Kind.LAYOUT: judge_layout,
        Kind.COLOURS: functools.partial(judge_colours, names=tuple(vocabulary.palettes)),
        Kind.DECIMAL: functools.partial(judge_decimal, column=column),
        Kind.PICTURE: lambda cell: judge_picture(
            cell, vocabulary.pictures((cell_text(cell).strip(),))
        ),
        Kind.LORAS: functools.partial(
            judge_loras, loras=vocabulary.loras, faults=vocabulary.lora_faults
        ),
    }
    judge = judges[column.kind]
    if column.kind is Kind.TEXT:
        most = vocabulary.prompt_chars
        if column.name in _TO_THE_LETTER:  # their braces are braces
            return lambda cell: plain_text(cell, most) or unusable(cell) or judge(cell)

        def with_wildcards(cell: Cell) -> CellFindings[str]:
            verdict = plain_text(cell, most) or unusable(cell) or judge(cell)
            if column.name == "prompt" and verdict.value and looks_like_caption(verdict.value):
                return verdict  # which model it is for decides what it is
            return judge_wildcards(
                judge_tags(verdict) if column.name == "prompt" else verdict,
                vocabulary.wildcards,
                vocabulary.wildcard_faults,
                vocabulary.wildcard_fault,
            )

        return with_wildcards
    if fault := vocabulary.file_faults.get(column.name):
        return lambda cell: unusable(cell) or _explained(judge(cell), fault)
    return lambda cell: unusable(cell) or judge(cell)


_TO_THE_LETTER = ("final_prompt", *TEXTS_IN_PICTURE)


def _explained(verdict: CellFindings[Any], fault: str) -> CellFindings[Any]:
    """A verdict whose errors say what may be to blame: it may be in a file that cannot be read."""
    return verdict._replace(
        findings=tuple(
            each._replace(message=f"{each.message} {fault}")
            if each.severity is Severity.ERROR
            else each
            for each in verdict.findings
        )
    )


def extra_names(header: Sequence[str], known: Mapping[int, str]) -> list[tuple[int, str]]:
    """Index and name of each unknown column; a name used twice or missing gets its letters."""
    names: list[tuple[int, str]] = []
    for index, cell in enumerate(header):
        if index not in known:
            name = cell or f"column {letters(index)}"
            if header.index(cell) != index and cell:
                name = f"{cell} (column {letters(index)})"
            names.append((index, name))
    return names
