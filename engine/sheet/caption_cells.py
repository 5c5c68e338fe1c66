"""Prompts that are captions: read as such where the row's model was taught by them, else words."""

from collections.abc import Collection, Mapping, Sequence

from engine.caption.filling import BY_WORDS, Clash, Wishes, WordsToShow, filled, ordered_palette
from engine.caption.layout import read_layout
from engine.caption.reading import Reading, looks_like_caption, read
from engine.caption.schema import Fault
from engine.sheet.cell_findings import CellFindings, Finding
from engine.sheet.columns import CAPTION_COLUMNS, COLUMN, TEXTS_IN_PICTURE
from engine.sheet.found import At, Judged, ProblemsAt
from engine.sheet.headers import known_name
from engine.sheet.repair import judge_wildcards
from engine.sheet.rows import Severity
from engine.sheet.table import Table, cell_text
from engine.sheet.vocabulary import Vocabulary

_PALETTE = "color_palette"
_MOST_SAID = 3
"""Faults of one caption that are named; the rest is counted."""


def check_captions(
    columns: Mapping[str, Judged], vocabulary: Vocabulary, found: ProblemsAt
) -> None:
    """Judge prompts and final prompts that are meant as captions, in place.

    For a model of captions one is checked, repaired where its meaning is plain, and held against
    the columns beside it; for another, and where the model is not known, it stays words.

    Args:
        columns: judged; captions among prompts without a look at wildcards.
        vocabulary: the models, styles and palettes.
        found: where findings go; those of the columns are in it.
    """
    prompts = columns["prompt"]
    _check_caption_columns(columns, vocabulary, found)
    for line, text in enumerate(prompts.texts):
        if not looks_like_caption(text) or _is_bad(prompts, line):
            continue
        label = _label(columns, line, vocabulary)
        if label and vocabulary.models[label].captions:
            _check_own(columns, line, read(text), vocabulary, found)
        else:
            _keep_as_words(prompts, line, label, vocabulary, found)
    if (finals := columns.get("final_prompt")) is None:
        return
    for line, text in enumerate(finals.texts):
        label = _label(columns, line, vocabulary)
        if not (label and vocabulary.models[label].captions and looks_like_caption(text)):
            continue
        if (faults := read(text).faults) and not _is_bad(finals, line):
            words = f"{_listed(faults)} It is used exactly as written anyway."
            found[line].append(At(finals.at, finals.name, Finding(Severity.WARNING, words)))


def _check_own(
    columns: Mapping[str, Judged],
    line: int,
    reading: Reading,
    vocabulary: Vocabulary,
    found: ProblemsAt,
) -> None:
    prompts = columns["prompt"]

    def add(column: Judged, severity: Severity, words: str) -> None:
        found[line].append(At(column.at, column.name, Finding(severity, words)))

    if reading.caption is None:
        mend = "Fix it, or write it in final_prompt, which is used exactly as written."
        add(prompts, Severity.ERROR, f"{_listed(reading.faults)} {mend}")
        return
    if reading.repairs:
        prompts.texts[line] = prompts.values[line] = reading.text
        add(prompts, Severity.REPAIRED, f"The caption was corrected: {'; '.join(reading.repairs)}.")
    if "final_prompt" in columns and columns["final_prompt"].texts[line]:
        return
    wishes, clashes = _wishes(columns, line, vocabulary)
    for clash in (*clashes, *filled(reading.caption, wishes, own=True)[1]):
        if clash.column in columns:
            column = columns[clash.column]
            add(column, Severity.WARNING, f"This has no effect: {clash.words}.")


def _wishes(
    columns: Mapping[str, Judged], line: int, vocabulary: Vocabulary
) -> tuple[Wishes, tuple[Clash, ...]]:
    """What the columns beside a caption ask of it, and what none can be asked."""
    style = columns["style"].values[line] if "style" in columns else COLUMN["style"].default
    described = vocabulary.caption_styles.get(style, {})
    palette: Sequence[str] = columns[_PALETTE].values[line] if _PALETTE in columns else ()
    if len(palette) == 1:
        palette = vocabulary.palettes.get(palette[0]) or palette
    colours = ordered_palette(colour for colour in palette if colour.startswith("#"))
    by_words = style != COLUMN["style"].default and not described
    texts = {name: columns[name].texts[line] for name in TEXTS_IN_PICTURE if name in columns}
    words = tuple(WordsToShow(name, text) for name, text in texts.items() if text)
    layout = columns["layout"].values[line] if "layout" in columns else ""
    wishes = Wishes(described, colours, words, dict(read_layout(layout)))
    return wishes, (BY_WORDS,) if by_words else ()


def _check_caption_columns(
    columns: Mapping[str, Judged], vocabulary: Vocabulary, found: ProblemsAt
) -> None:
    """Find cells that act in captions where there are none, and places of words that are not."""
    for column in (columns[name] for name in CAPTION_COLUMNS if name in columns):
        for line, text in enumerate(column.texts):
            label = _label(columns, line, vocabulary) if text else None
            if label is None or _is_bad(column, line):
                continue
            if not vocabulary.models[label].captions:
                words = f"The model {label} does not read captions, so this has no effect."
                found[line].append(At(column.at, column.name, Finding(Severity.WARNING, words)))
            elif column.name == "layout":
                placed = [name for name, _ in read_layout(text) if name in TEXTS_IN_PICTURE]
                blank = [n for n in placed if not (n in columns and columns[n].texts[line])]
                if blank:
                    words = f"layout places {blank[0]}, but this row has no text for it."
                    finding = Finding(Severity.WARNING, words)
                    found[line].append(At(column.at, column.name, finding))


def own_caption_columns(table: Table, captioned: Collection[str], default: str) -> frozenset[int]:
    """Indexes of columns that are called as those for captions, in a sheet that has none for them.

    Args:
        table: as it was read.
        captioned: labels of models that read captions, and what other sheets call them.
        default: the model of a row that does not say.
    """
    names = {at: known_name(cell) for at, cell in enumerate(table.header)}
    ours = frozenset(at for at, name in names.items() if name in CAPTION_COLUMNS)
    if not ours:
        return ours
    labels = {label.casefold() for label in captioned}
    at = next((at for at, name in names.items() if name == "model"), None)
    cells = [cells[at] if at is not None and at < len(cells) else "" for _, cells in table.lines]
    asked = {cell_text(cell).strip().casefold() or default.casefold() for cell in cells}
    return frozenset() if asked & labels else ours


def _keep_as_words(
    prompts: Judged, line: int, label: str | None, vocabulary: Vocabulary, found: ProblemsAt
) -> None:
    text = prompts.texts[line]
    verdict = judge_wildcards(
        CellFindings(text, text),
        vocabulary.wildcards,
        vocabulary.wildcard_faults,
        vocabulary.wildcard_fault,
    )
    findings = list(verdict.findings)
    if label and verdict.value is not None:
        able = [name for name, model in vocabulary.models.items() if model.captions]
        others = f" {', '.join(able)} reads captions." if able else ""
        words = f"The model {label} reads this caption as plain words.{others}"
        findings.append(Finding(Severity.WARNING, words))
    found[line] += [At(prompts.at, prompts.name, each) for each in findings]


def _label(columns: Mapping[str, Judged], line: int, vocabulary: Vocabulary) -> str | None:
    """The row's model; None where it is not known."""
    models = columns.get("model")
    if models is None:
        return vocabulary.default_model
    return None if _is_bad(models, line) else str(models.values[line])


def _is_bad(column: Judged, line: int) -> bool:
    return any(each.severity is Severity.ERROR for each in column.found.get(line, ()))


def _listed(faults: Sequence[Fault]) -> str:
    said = "; ".join(map(str, faults[:_MOST_SAID]))
    more = len(faults) - _MOST_SAID
    rest = f"; and {more} more" if more > 0 else ""
    return f"This caption has problems: {said}{rest}."
