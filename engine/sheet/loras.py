"""The LoRAs that a row asks for: a cell's list, and the tags of other tools in a prompt. Pure."""

import difflib
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from engine.sheet.cell_findings import CellFindings, Finding, accept, error, shown
from engine.sheet.columns import COLUMN
from engine.sheet.repair import bare, offered
from engine.sheet.rows import LoraWeight, Severity
from engine.sheet.table import Cell, cell_text
from engine.sheet.vocabulary import LoraUse

_COLUMN = COLUMN["lora"]
_TAG = re.compile(
    r"(?P<before>\s*,)?\s*<\s*(?:lora|lyco)\s*:(?P<part>[^<>]{1,300})>(?P<after>(?=\s*(?:,|$)))?",
    re.IGNORECASE,
)
_BETWEEN = re.compile(r"[,;|\n]+")
_DECIMAL_COMMA = re.compile(r"(:\s*[+-]?[0-9]{0,2}),([0-9]{1,4})(?![0-9]*:)")
_WEIGHT = re.compile(r"[+-]?(?=[0-9.])[0-9]{0,4}(?:\.[0-9]{0,6})?(?P<percent> ?%)?")
_NO_WEIGHT = ("", "-", "none")
_SUFFIX = ".safetensors"
_MOST_SUGGESTED = 8


class _LoraPart(NamedTuple):
    """What stands between two commas: a LoRA, or what is wrong with it."""

    text: str
    """As it should be written."""
    asked: LoraWeight | None = None
    message: str = ""
    """Why it cannot be used."""
    instead: tuple[str, ...] = ()
    """What could be written."""
    how: str = ""
    """Why it is written otherwise than it was read; empty: that is not worth a word."""


def judge_loras(
    cell: Cell, loras: Mapping[str, LoraUse], faults: Mapping[str, str]
) -> CellFindings[tuple[LoraWeight, ...]]:
    """Read a list of LoRAs, each perhaps with a weight.

    Args:
        cell: the cell.
        loras: those there are.
        faults: labels of those that cannot be used → why not.
    """
    text = cell_text(cell).strip()
    tagged = _TAG.search(text) is not None
    plain = bare(_TAG.sub(lambda tag: f",{tag['part']},", text))
    written = [part for each in _BETWEEN.split(plain) if (part := each.strip())]
    parts = [_part(each, loras, faults) for each in written]
    wrong = next((number for number, part in enumerate(parts) if part.message), None)
    if wrong is not None:
        whole = [_joined(parts, wrong, instead) for instead in parts[wrong].instead]
        taken = [each for one in whole if (each := _as_taken(one, loras, faults)) is not None]
        if (number := _DECIMAL_COMMA.sub(r"\1.\2", plain)) != plain:
            again = judge_loras(number, loras, faults)
            taken = [again.text] if again.value else taken
        return error(text, parts[wrong].message, *dict.fromkeys(taken))
    asked = tuple(part.asked for part in parts if part.asked)
    names = [each.name for each in asked]
    if twice := next((name for name in names if names.count(name) > 1), None):
        first = [part for n, part in enumerate(parts) if names.index(names[n]) == n]
        return error(
            text,
            f"The LoRA {shown(twice)} is named twice. Name it once, with the weight you want.",
            ", ".join(part.text for part in first),
        )
    hows = ["written in the usual form."] if tagged else []
    hows += dict.fromkeys(part.how for part in parts if part.how)
    return accept(text, ", ".join(part.text for part in parts), asked, " ".join(hows))


def _joined(parts: Sequence[_LoraPart], wrong: int, instead: str) -> str:
    """The list with this instead of the wrong one; for others that are wrong, what is nearest."""
    texts = [
        instead if number == wrong else part.instead[0] if part.instead else part.text
        for number, part in enumerate(parts)
    ]
    return ", ".join(text for text in texts if text)


def _as_taken(text: str, loras: Mapping[str, LoraUse], faults: Mapping[str, str]) -> str | None:
    """A list as it would be taken, once more mended where it must be; None: it cannot be."""
    again = judge_loras(text, loras, faults)
    errors = [each for each in again.findings if each.severity is Severity.ERROR]
    return next(iter(errors[0].suggestions), None) if errors else again.text


def _part(written: str, loras: Mapping[str, LoraUse], faults: Mapping[str, str]) -> _LoraPart:
    name, *weights = (each.strip() for each in written.split(":"))
    found, how = _called(name, loras, faults), ""
    if found is None:
        return _unknown(written, name, weights, loras, faults)
    if found in faults:
        return _LoraPart(
            written, message=f"The LoRA {shown(found)} cannot be used. {faults[found]}"
        )
    if len(set(weights)) > 1:
        message = f"{shown(written)} has several weights. Give each LoRA one weight."
        return _LoraPart(written, message=message, instead=(f"{found}:{weights[0]}",))
    if not weights:
        return _LoraPart(found, LoraWeight(found, loras[found].weight))
    said = weights[0].casefold()
    usual = loras[found].weight
    if said in _NO_WEIGHT:
        how = f"{shown(found)} has no weight, so {usual:g} is used."
        return _LoraPart(found, LoraWeight(found, usual), how=how)
    number = _WEIGHT.fullmatch(said)
    if number is None:
        message = (
            f"{shown(weights[0])} is not a weight for the LoRA {shown(found)}. Write a number"
            f" from {_COLUMN.minimum} to {_COLUMN.maximum}, or leave it out to use {usual:g}."
        )
        return _LoraPart(written, message=message, instead=(found,))
    weight = float(number[0].rstrip(" %")) / (100 if number["percent"] else 1)
    if not _COLUMN.minimum <= weight <= _COLUMN.maximum:
        nearest = max(_COLUMN.minimum, min(weight, _COLUMN.maximum))
        message = (
            f"The LoRA {shown(found)} cannot have the weight {weight:g}: weights go from"
            f" {_COLUMN.minimum} to {_COLUMN.maximum}, and most LoRAs work best below 1.5."
        )
        return _LoraPart(written, message=message, instead=(f"{found}:{nearest:g}",))
    how = "written as a fraction of 1." if number["percent"] else ""
    # 0 and -0 are one weight.
    return _LoraPart(f"{found}:{weight + 0:g}", LoraWeight(found, weight + 0.0), how=how)


def _called(name: str, loras: Mapping[str, LoraUse], faults: Mapping[str, str]) -> str | None:
    """The label that a name means; None: none, or several."""
    for meant in (name, name.removesuffix(_SUFFIX)):
        if meant in loras or meant in faults:
            return meant
        key = meant.casefold()
        same = [label for label in (*loras, *faults) if label.casefold() == key]
        if len(same) == 1:
            return same[0]
    return None


def _unknown(
    written: str,
    name: str,
    weights: Sequence[str],
    loras: Mapping[str, LoraUse],
    faults: Mapping[str, str],
) -> _LoraPart:
    if not loras:
        message = (
            f"There is no LoRA {shown(name)}: your list is empty. Set a folder of LoRAs in the"
            " settings (loras_folder), or list them in loras.toml beside the settings."
        )
        return _LoraPart(written, message=message, instead=("",))
    folded = {label.casefold(): label for label in loras}
    near = difflib.get_close_matches(name[:60].casefold(), folded, n=3, cutoff=0.6)
    some = ", ".join([*loras][:_MOST_SUGGESTED]) + (" …" if len(loras) > _MOST_SUGGESTED else "")
    message = f"No LoRA in your list is called {shown(name)}. Your list: {some}."
    meant = [folded[each] for each in near] or offered(
        [each for each in loras if each not in faults]
    )
    return _LoraPart(
        written, message=message, instead=tuple(":".join((each, *weights)) for each in meant)
    )


# -------------------------------------------------------------------- tags in prompts


def tags_in(text: str) -> list[str]:
    """The LoRAs that a prompt names as other tools do, `<lora:ink:0.8>`, as a cell names them."""
    return [tag["part"].strip() for tag in _TAG.finditer(text)] if "<" in text else []


def without_tags(text: str) -> str:
    """A prompt without them."""

    def between(tag: re.Match[str]) -> str:
        return "," if tag["before"] and tag["after"] is None else ""

    return _TAG.sub(between, text).strip().removeprefix(",").strip()


def judge_tags(verdict: CellFindings[str]) -> CellFindings[str]:
    """A prompt's verdict, the tags in it left out: what they name goes into the column lora."""
    text = verdict.text
    if not (tags := tags_in(text)) or verdict.value is None:
        return verdict
    written = ", ".join(shown(f"<lora:{tag}>") for tag in tags)
    if _is_between_braces(text):
        return error(
            text,
            f"{written} is inside braces, but a row uses the same LoRA for all its images. Use a"
            " separate row for each, with the column lora.",
        )
    rest = without_tags(text)
    message = f"{written} → the column lora: other tools put LoRAs in the prompt."
    found = (*verdict.findings, Finding(Severity.REPAIRED, message))
    return CellFindings(rest, rest or None, found)


def _is_between_braces(text: str) -> bool:
    return any(
        text.count("{", 0, tag.start()) > text.count("}", 0, tag.start())
        for tag in _TAG.finditer(text)
    )
