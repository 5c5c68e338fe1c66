"""Each kind of cell: understood, repaired where the meaning is plain, else asked about."""

import difflib
import re
from collections.abc import Callable, Collection, Mapping, Sequence

from engine.caption.layout import LayoutError, read_layout
from engine.caption.reading import looks_like_caption
from engine.sheet.cell_findings import CellFindings, Finding, accept, error, shown
from engine.sheet.columns import EXAMPLE_PROMPT, MOST_COLOURS, PALETTES, Column
from engine.sheet.encodings import damaged, mended
from engine.sheet.foreign_options import ForeignOptions, foreign_options
from engine.sheet.rows import Severity, SourcePicture
from engine.sheet.table import Cell, Moment, cell_text
from engine.sheet.vocabulary import LookedAt
from engine.sheet.wildcards import WildcardError, has_wildcards, split_wildcards, unusual

_SPACES = re.compile(r"[\s_\-]+")
_WHOLE = re.compile(r"\+?([0-9]+)(?:[.,]0+)?")
_GROUPED = re.compile(r"\+?[1-9][0-9]{0,2}(?:[,.\s'’_][0-9]{3})+")
"""Thousands set apart: 1,000 is hardly 1, and asks."""
_SCIENTIFIC = re.compile(r"\+?([0-9])(?:[.,]([0-9]+))?[eE]\+?([0-9]{1,3})")
"""As spreadsheet programs show a number that is too long for its column."""
_LONE_NUMBER = re.compile(r"[^0-9.,\-+]*([0-9]{1,10})[^0-9.,\-+]*")
_COLOUR = re.compile(
    r"#?([0-9a-fA-F]{6}|[0-9a-fA-F]{3})(?:[:=*@]([0-9]{1,4}(?:\.[0-9]{1,4})?)(%?))?"
)
_DECIMAL = re.compile(r"\+?(?=[0-9.,])([0-9]{0,6})(?:[.,]([0-9]{1,6})[0-9]*)?(?P<percent> ?%)?")
_FOREIGN_MODEL = re.compile(
    r"(?:ideogram[ _-]?)?v?[ _-]?(?:[1-3](?:[._ ]?[0a])?|(?P<fourth>4(?:[._ ](?P<part>[05]))?))"
    r"(?:[ _-]?(?P<speed>turbo|default|balanced|quality|flash))?",
    re.IGNORECASE,
)
"""The labels that Ideogram's sheets use for its models, of any generation."""
_MARKS = "'’‘“”„«»\"`\u200b\u2060\ufeff"
"""What word processors, spreadsheet programs and web pages put around a value."""
_NEGATIVE = re.compile(r"[-−](?=[0-9.,])[0-9]{0,15}(?:[.,][0-9]{0,15})?")
_MOST_EXACT = 10**15
"""From here on a spreadsheet's number has lost digits."""


_CONTROL = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufeff]")
_BREAKS = re.compile("[\x0b\x0c\x1c-\x1f\x85\u2028\u2029]+")
"""What parts words, though no model heeds it."""
_MARKED = re.compile(r"['’]+\s*[=+@-]")
"""An apostrophe before what would be a formula without it."""
_WIDE = {wide: wide - 0xFEE0 for wide in range(0xFF01, 0xFF5F)}
"""The wide letters of East Asian keyboards → those they mean."""
_QUOTED = "marks around it were removed."
_MOST_SUGGESTED = 8


def plain_text(cell: Cell, most: int) -> CellFindings[str] | None:
    """The verdict on ordinary words, at once; None for a cell that needs a closer look."""
    if type(cell) is str and len(cell) <= most and cell.isascii() and cell.isprintable():
        text = cell.strip()
        if text and text[0] not in "#'" and text != EXAMPLE_PROMPT and "--" not in text:
            return CellFindings(text, text)
    return None


def judge_text(cell: Cell, column: Column, most: int) -> CellFindings[str]:
    """Read a prompt; `most` is how many characters it may have."""
    text = cell_text(cell).strip()
    if not any(letter.isprintable() and not letter.isspace() for letter in text):
        return CellFindings("", None)
    if len(text) > most:
        return error(
            text,
            f"The {column.name.replace('_', ' ')} has {len(text):,} characters, more than the "
            f"limit of {most:,}. Shorten it.",
        )
    if isinstance(cell, str) and not cell.isascii() and cell_text(cell) != cell:
        likely = (mended(cell).strip(),) if damaged(cell) else ()
        return error(text, "Some characters are damaged (shown as ?). Type them again.", *likely)
    if text == EXAMPLE_PROMPT:
        message = "This is the template's example row. Replace it, or leave it out."
        return CellFindings(text, text, (Finding(Severity.WARNING, message),))
    if "\0" in text:
        bare = "".join(text.split("\0"))
        return error(
            text,
            "This cell contains a NUL character, so it may be damaged. Check that no letters are"
            " missing.",
            *((bare,) if bare.strip() else ()),
        )
    findings: tuple[Finding, ...] = ()
    if _BREAKS.search(text):
        text = _BREAKS.sub(" ", text).strip()
        message = "Unusual line and page breaks were replaced by spaces."
        findings = (Finding(Severity.REPAIRED, message),)
    if _CONTROL.search(text):
        text = _CONTROL.sub("", text).strip()
        message = "Invisible control characters were removed."
        findings += (Finding(Severity.REPAIRED, message),)
    marked = _MARKED.match(text)
    if marked:
        read, text = text, text[marked.end() - 1 :]
        message = (
            f"{shown(read, 20)} → {shown(text, 20)}: the apostrophe only tells spreadsheet"
            " programs that this is not a formula."
        )
        findings += (Finding(Severity.REPAIRED, message),)
    elif text[0] in "'’" and text.count(text[0]) == 1 and text[1:2].strip():
        # 'tis begins so too.
        message = (
            "The text begins with an apostrophe, which spreadsheet programs use to mark text. If"
            " it does not belong to the prompt, delete it."
        )
        findings += (Finding(Severity.WARNING, message, (text[1:].strip(),)),)
    if isinstance(cell, Moment):
        message = (
            f"The spreadsheet program turned this text into a time or date; it is used as {text}."
            " If you meant something else, format the cell as text and type it again."
        )
        findings = (Finding(Severity.WARNING, message),)
    elif isinstance(cell, int | float) and abs(cell) >= _MOST_EXACT:
        message = (
            "The spreadsheet program keeps only 15 digits of a number; it is used as"
            f" {shown(text)}. If you meant something else, format the cell as text and type it"
            " again."
        )
        findings = (Finding(Severity.WARNING, message),)
    if (
        column.name == "prompt"
        and not looks_like_caption(text)
        and (options := foreign_options(text))
    ):
        findings += (_about_options(options),)
    return CellFindings(text, text, findings)


def _about_options(options: ForeignOptions) -> Finding:
    """What is said of other tools' options in a prompt; the suggestion is the prompt without."""
    listed = ", ".join(shown(each) for each in options.written)
    means = ", ".join(f"{column} {shown(text)}" for column, text in options.cells.items())
    without = ", ".join(shown(each) for each in options.others)
    message = f"{listed}: options of another tool, which count as words of the prompt here."
    message += f" As columns: {means}. Applying the suggestion moves them there." if means else ""
    message += f" No column replaces {without}." if without else ""
    return Finding(Severity.WARNING, message, (options.prompt,) if means and options.prompt else ())


def judge_layout(cell: Cell) -> CellFindings[str]:
    """Read where things are in a picture."""
    text = cell_text(cell).strip()
    try:
        placed = read_layout(text)
    except LayoutError as fault:
        return error(text, str(fault))
    return CellFindings(text, text) if placed else CellFindings("", None)


def judge_picture(cell: Cell, looked: Mapping[str, LookedAt]) -> CellFindings[SourcePicture]:
    """Read the name of a picture's file; `looked` has what was found of each cell's text."""
    text = cell_text(cell).strip()
    found = looked[text]
    if found.picture is None:
        return error(text, found.message, *found.suggestions)
    noted = (Finding(Severity.WARNING, found.message),) if found.message else ()
    return CellFindings(text, found.picture, noted)


def judge_wildcards(
    verdict: CellFindings[str],
    names: Collection[str],
    faults: Mapping[str, str],
    fault_of: Callable[[str], str],
) -> CellFindings[str]:
    """A prompt's verdict, or what is wrong with its wildcards; the others as the vocabulary's."""
    if verdict.value and has_wildcards(verdict.value):
        try:
            for part in split_wildcards(verdict.value, names, faults):
                if part.is_wildcard and (why := fault_of(part.text)):
                    raise WildcardError(why)
        except WildcardError as fault:
            sound = [text for text in fault.suggestions if _expands(text, names)]
            return error(verdict.text, str(fault), *sound)
        if meant_elsewhere := unusual(verdict.value):
            message = (
                f"This has {meant_elsewhere}, which has no meaning here and is passed to the"
                " model as written."
            )
            warning = Finding(Severity.WARNING, message)
            return verdict._replace(findings=(*verdict.findings, warning))
    return verdict


def _expands(text: str, names: Collection[str]) -> bool:
    try:
        split_wildcards(text, names)
    except WildcardError:
        return False
    return True


def bare(text: str) -> str:
    """A short value without the marks around it, letters nobody sees, and wide letters."""
    return _CONTROL.sub("", text.translate(_WIDE)).strip().strip(_MARKS).strip()


def judge_choice(cell: Cell, column: Column) -> CellFindings[str]:
    """Read one of a column's choices."""
    text = cell_text(cell).strip()
    key = bare(text).casefold()
    if key in column.choices:
        quoted = text.casefold() != key
        return accept(text, key, key, _QUOTED if quoted else "")
    key = _SPACES.sub(" ", key)
    meant = key if key in column.choices else column.synonyms.get(key)
    if meant:
        return accept(text, meant, meant, f"the name used in {column.name}.")
    near = {choice: choice for choice in column.choices} | dict(column.synonyms)
    return error(
        text,
        f"{column.name} cannot be {shown(text)}. It can be {_either(column.choices)}.",
        *(_nearest(key, near) or offered(column.choices, column.default)),
    )


def judge_switch(cell: Cell, column: Column) -> CellFindings[bool]:
    """Read on or off."""
    verdict = judge_choice(cell, column)
    if verdict.value is None:
        return error(verdict.text, verdict.findings[0].message, *column.choices)
    return CellFindings(verdict.text, verdict.value == "on", verdict.findings)


def judge_model(
    cell: Cell,
    labels: Sequence[str],
    names: Mapping[str, str],
    faults: Mapping[str, str],
    fourth: Sequence[str] = (),
    pull_name: Callable[[str], str] = lambda _: "",
) -> CellFindings[str]:
    """Read the label of a model.

    Args:
        cell: The cell.
        labels: Of the models there are.
        names: Labels in other people's sheets → those of ours they stand for.
        faults: Labels of the list whose models cannot be used → why not.
        fourth: Those of `labels` that are Ideogram 4.
        pull_name: What fetches a model that is not there is told, if it can be fetched.
    """
    text = cell_text(cell).strip()
    if text in faults:
        return error(text, f"The model {shown(text)} cannot be used now. {faults[text]}")
    if text in labels:
        return CellFindings(text, text)
    plain = bare(text)
    same = [label for label in labels if label.casefold() == plain.casefold()]
    if len(same) == 1:
        quoted = text.casefold() != same[0].casefold()
        return accept(text, same[0], same[0], _QUOTED if quoted else "")
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        # A label such as 3.0 is a number to a spreadsheet program.
        same = [label for label in labels if _number(label) == cell]
        if len(same) == 1:
            return accept(
                text,
                same[0],
                same[0],
                "the spreadsheet program had turned this label into a number.",
            )
    key = _label_key(plain)
    meant = next((label for name, label in names.items() if _label_key(name) == key), None)
    if meant is not None and meant in labels:
        return accept(text, meant, meant, "the model set for this label in your settings.")
    if meant is not None:
        return error(
            text,
            f"The settings map {shown(text)} to {shown(meant)} (model_names under [sheet]), but"
            " your model list has no such model.",
            *offered(labels),
        )
    if not isinstance(cell, bool) and (foreign := _FOREIGN_MODEL.fullmatch(plain)):
        first = dict.fromkeys((*(fourth if foreign["fourth"] else ()), *labels))
        return error(
            text,
            f"{shown(text)} is an Ideogram model{_foreign(foreign, fourth)}. Choose one of your"
            " models for all such cells, or map it in the settings once and for all: model_names"
            f' = {{"{shown(text)}" = "{next(iter(first))}"}} under [sheet].',
            *offered(list(first)),
        )
    folded = {label.casefold(): label for label in labels}
    some = ", ".join(labels[:8]) + (" …" if len(labels) > 8 else "")
    pulled = pull_name(plain)
    fetches = f"pull {pulled}` downloads it" if pulled else "pull` lists models to download"
    return error(
        text,
        f"Your model list has no model {shown(text)}. `promptsheet models {fetches}, `promptsheet"
        f" models add PATH` adds one from your disk. Your list: {some}.",
        *(_nearest(plain.casefold(), folded) or offered(labels)),
    )


def is_foreign_model(text: str) -> bool:
    """Whether Ideogram's sheets call one of its models so."""
    return _FOREIGN_MODEL.fullmatch(bare(text)) is not None


def _foreign(label: re.Match[str], fourth: Sequence[str]) -> str:
    """What is to be said of a label of Ideogram's, in the middle of a sentence."""
    told = ", which you do not have"
    if label["fourth"] and fourth:
        told = f"; use {' or '.join(fourth)} for Ideogram 4"
        told += ", and 4.5 cannot be downloaded" if label["part"] == "5" else ""
    if speed := label["speed"]:
        told += f" (put {speed.casefold()} in the column rendering)"
    return told


def _label_key(text: str) -> str:
    """What tells labels apart: neither capitals nor how a number is written."""
    number = _number(text)
    return repr(number) if number is not None else _SPACES.sub("_", text.casefold())


def _number(text: str) -> float | None:
    return float(text) if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", text) else None


def judge_whole(cell: Cell, column: Column) -> CellFindings[int]:
    """Read a whole number within the column's range."""
    if type(cell) is float and cell.is_integer() and column.minimum <= cell <= column.maximum:
        return CellFindings(str(int(cell)), int(cell))
    text = cell_text(cell).strip()
    span = f"a whole number from {column.minimum} to {column.maximum}"
    if isinstance(cell, bool):
        return error(text, f"{text} is not a number. Write {span}.")
    if isinstance(cell, Moment):
        return error(
            text,
            f"The spreadsheet program turned this into a time or date ({text}). Format the "
            f"column as text or as a number, and write {span}.",
        )
    if isinstance(cell, int | float):
        if cell != cell or abs(cell) == float("inf") or cell != int(cell):
            return error(text, f"{shown(text)} is not {span}.")
        return _in_range(text, int(cell), column, span)
    plain = bare(text)
    if _NEGATIVE.fullmatch(plain):
        return _in_range(text, -1, column, span)
    grouped = _GROUPED.fullmatch(plain)
    whole = None if grouped else _WHOLE.fullmatch(plain)
    if whole:
        digits = whole[1].lstrip("0") or "0"
        # Python refuses to read thousands of digits.
        number = int(digits) if len(digits) < 20 else 10**20
        return _in_range(text, number, column, span)
    if scientific := _SCIENTIFIC.fullmatch(plain):
        return _shortened(text, scientific, column, span)
    if grouped:
        meant = "".join(letter for letter in plain if letter.isdigit())
    else:
        lone = _LONE_NUMBER.fullmatch(plain)
        meant = lone[1] if lone else ""
    fits = meant and column.minimum <= int(meant[:20]) <= column.maximum
    return error(
        text, f"{shown(text)} is not {span}.{_hint(column)}", *((str(int(meant)),) if fits else ())
    )


def _shortened(text: str, found: re.Match[str], column: Column, span: str) -> CellFindings[int]:
    """What is said of a number that a spreadsheet program wrote with an exponent."""
    whole, part, power = found.groups()
    digits = (part or "").rstrip("0")
    exact = int(whole + digits) * 10 ** (int(power) - len(digits)) if int(power) < 16 else 0
    # With no figure lost, every figure is written.
    meant = (str(exact),) if len(digits) >= int(power) and column.minimum <= exact else ()
    sound = meant if meant and exact <= column.maximum else ()
    return error(
        text,
        f"The spreadsheet program shortened this number: the last digits of {shown(text)} are "
        f"lost. Format the column as text or as a number, and type it again: {span}.",
        *sound,
    )


def _in_range(text: str, number: int, column: Column, span: str) -> CellFindings[int]:
    if column.minimum <= number <= column.maximum:
        return accept(text, str(number), number, "written as a plain whole number.")
    return error(text, f"{shown(text)} is not {span}.{_hint(column)}", _within(number, column))


def _within(number: float, column: Column) -> str:
    """What is suggested for a number out of its column's range: the nearest that is in it.

    Not for a seed, since no other seed draws the same: without one, one is drawn.
    """
    if column.name == "seed_number":
        return ""
    return f"{max(column.minimum, min(number, column.maximum)):g}"


def _hint(column: Column) -> str:
    drawn = column.name == "seed_number"
    return " Leave the cell empty for a random one." if drawn else ""


def judge_decimal(cell: Cell, column: Column) -> CellFindings[float]:
    """Read a number within the column's range."""
    text = cell_text(cell).strip()
    span = f"a number from {column.minimum} to {column.maximum}"
    found = None if isinstance(cell, Moment) else _DECIMAL.fullmatch(bare(text))
    if found is None:
        below = (_within(-1, column),) if _NEGATIVE.fullmatch(bare(text)) else ()
        return error(text, f"{shown(text)} is not {span}.", *below)
    number = float(f"{found[1] or 0}.{found[2] or 0}")
    if found["percent"] and column.maximum == 1:
        return accept(text, f"{number / 100:g}", number / 100, "written as a fraction of 1.")
    if found["percent"] or not column.minimum <= number <= column.maximum:
        return error(text, f"{shown(text)} is not {span}.", _within(number, column))
    return accept(
        text, f"{number:g}", number, "" if "," not in text else "written with a decimal point."
    )


def judge_colours(cell: Cell, names: Sequence[str] = PALETTES) -> CellFindings[tuple[str, ...]]:
    """Read a palette's name, one of `names`, or up to five colours."""
    text = cell_text(cell).strip()
    plain = bare(text)
    if plain.casefold() in names:
        name = plain.casefold()
        return accept(text, name, (name,), _QUOTED if text.casefold() != name else "")
    parts = [part for part in re.split(r"[\s,;|]+", plain) if part]
    found = [match for part in parts if (match := _COLOUR.fullmatch(part))]
    if parts and len(found) == len(parts):
        colours = tuple(_hexadecimal(*match.groups()) for match in found)
        if all(colour.endswith(":0") for colour in colours):
            return error(text, "Every colour has the weight 0. Give at least one a higher weight.")
        if len(colours) > MOST_COLOURS:
            return error(
                text,
                f"{len(colours)} colours are too many: a palette can have up to {MOST_COLOURS}.",
                " ".join(colours[:MOST_COLOURS]),
            )
        written = " ".join(colours)
        same = " ".join(text.split()).upper() == written
        return accept(text, written, colours, "" if same else "written as #RRGGBB with spaces.")
    suggestions = _nearest(plain.casefold(), {name: name for name in names})
    if not suggestions and is_word(plain):
        suggestions = offered(names)
    if isinstance(cell, int | float) and plain.isdigit() and len(plain) < 6:
        # 001122 typed as a number loses its zeros.
        suggestions = (f"#{plain.zfill(6)}",)
    return error(
        text,
        f"{shown(text)} is not a palette. Write up to {MOST_COLOURS} colours like #CBA324,"
        f" separated by spaces, or {_either(names)}.",
        *suggestions,
    )


def _hexadecimal(digits: str, weight: str | None, percent: str | None) -> str:
    """`#RRGGBB`, and its weight if one is given, in hundredths at the finest."""
    colour = digits if len(digits) == 6 else "".join(digit * 2 for digit in digits)
    if weight is None:
        return f"#{colour.upper()}"
    share = round(float(weight) / (100 if percent else 1), 2)
    return f"#{colour.upper()}:{share:g}"


def _either(choices: Sequence[str]) -> str:
    return f"{', '.join(choices[:-1])} or {choices[-1]}"


def offered(choices: Sequence[str], default: str = "") -> tuple[str, ...]:
    """What is suggested for a word that is like none of the choices: these, the default first."""
    first = [default] if default in choices else []
    return tuple(dict.fromkeys((*first, *choices)))[:_MOST_SUGGESTED]


def is_word(text: str) -> bool:
    """Whether there are letters in a text and no figures, as where a choice was meant."""
    return any(map(str.isalpha, text)) and not any(map(str.isdigit, text))


def _nearest(text: str, meanings: Mapping[str, str]) -> tuple[str, ...]:
    """The meanings of the known words most like a text, nearest first, each once."""
    # Matching takes time that grows with both lengths, and no choice is long.
    near = difflib.get_close_matches(text[:60], meanings, n=3, cutoff=0.6)
    return tuple(dict.fromkeys(meanings[word] for word in near))
