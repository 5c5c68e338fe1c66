"""What can only be seen by looking at several cells: of one row, or of several rows."""

from collections import defaultdict
from collections.abc import Container, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from engine.sheet.ratio import allowed_suggestions, nearest_ratios
from engine.sheet.rows import Severity
from engine.sheet.table import Table, cell_text
from engine.sheet.verdict import Finding
from engine.sheet.vocabulary import Vocabulary


class At(NamedTuple):
    """A finding and its place in a row; sorts by the place."""

    at: int
    """The column's index in the header; past its end for the whole row."""
    name: str | None
    finding: Finding

    @property
    def is_error(self) -> bool:
        """Whether it keeps its row from being rendered."""
        return self.finding.severity is Severity.ERROR


Found: TypeAlias = defaultdict[int, list[At]]
"""By index of the line."""


class Judged(NamedTuple):
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


def require_prompts(prompts: Judged, found: Found) -> None:
    """Find rows without a prompt."""
    for line, text in enumerate(prompts.texts):
        if not text:
            found[line].append(At(prompts.at, "prompt", _NO_PROMPT))


def check_models(columns: Mapping[str, Judged], vocabulary: Vocabulary, found: Found) -> None:
    """Find what rows ask of their models and these cannot do."""
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
        asked = [
            (None if line in unknown else label, shape)
            for line, (label, shape) in enumerate(zip(labels, shapes.values, strict=True))
        ]
        too_wide = {pair: each for pair in set(asked) if (each := _too_wide(*pair, vocabulary))}
        for line, pair in enumerate(asked) if too_wide else ():
            if pair in too_wide:
                found[line].append(At(shapes.at, shapes.name, too_wide[pair]))
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
        _warn_unheeded(negatives, labels, heedless, unknown, "negative prompt", found)
    palettes = columns.get("color_palette")
    heedless = {label for label, model in vocabulary.models.items() if not model.palettes}
    if palettes and heedless:
        _warn_unheeded(palettes, labels, heedless, unknown, "color_palette", found)


def _warn_unheeded(
    column: Judged,
    labels: Sequence[str],
    heedless: Container[str],
    unknown: Container[int],
    what: str,
    found: Found,
) -> None:
    for line, (label, value) in enumerate(zip(labels, column.values, strict=True)):
        if value and label in heedless and line not in unknown:
            message = f"The model {label} heeds no {what}: this one changes nothing."
            warning = Finding(Severity.WARNING, message)
            found[line].append(At(column.at, column.name, warning))


def _too_wide(label: str | None, shape: tuple[int, int], vocabulary: Vocabulary) -> Finding | None:
    """What is wrong with a shape for a model; for None, where the model is not known, for all."""
    width, height = shape
    limits = [vocabulary.models[label]] if label else vocabulary.models.values()
    most = max(model.max_ratio for model in limits)
    if max(shape) <= min(shape) * most * (1 + 1e-9):
        return None
    way, limit = ("wider", f"{most:g}:1") if width > height else ("taller", f"1:{most:g}")
    return Finding(
        Severity.ERROR,
        f"{width}:{height} is {way} than {f'the model {label}' if label else 'any model'} can draw"
        f" (up to {limit}).",
        nearest_ratios(width / height, most),
    )


def check_widths(table: Table, found: Found) -> None:
    """Find lines of a text file with more cells than there are columns."""
    width = len(table.header)
    for line, (_, cells) in enumerate(table.lines):
        if len(cells) > width and any(cell_text(cell).strip() for cell in cells[width:]):
            message = (
                f"This row has {len(cells)} cells for {width} columns, so some may stand in the "
                "wrong one. Put quote marks around a cell that has a comma (or whatever "
                'separates the cells) in it: "a red boat, at sunset".'
            )
            found[line].append(At(width, None, Finding(Severity.ERROR, message)))


def check_doubles(
    table: Table, columns: Mapping[str, Judged], bad: Container[int], found: Found
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
            place = At(len(table.header), None, doubled(table.lines[earlier].number))
            found[line].append(place)


def doubled(earlier: int) -> Finding:
    """What is found of a row that makes the same images as the row with the number `earlier`."""
    return Finding(
        Severity.WARNING,
        f"Prompt, settings and seed are those of row {earlier}: the same image is made again."
        " Change the seed, or delete the row.",
    )


_NO_PROMPT = Finding(
    Severity.ERROR,
    "The prompt is missing. Write what the image shall show, or delete the row.",
)
