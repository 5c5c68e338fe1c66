"""Records of JSON, JSON lines, YAML and TOML: flat ones are rows; others are refused by name."""

import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from engine.sheet.cell_findings import shown
from engine.sheet.headers import known_name
from engine.sheet.rows import SheetError

_JSON_START = re.compile(r"\s*(?:\[\s*(?:[\[{\"]|\])|\{\s*[\"}])")
_YAML_START = re.compile(
    r"(?:\s*(?:#[^\n]*|---[^\n]*)?\n)*"
    r"(?:[\w -]{1,40}:[ \t]*\n(?:[ \t]*\n)*[ \t]*-[ \t]"
    r"|-[ \t]+(?P<key>[\"']?[\w -]{1,40}[\"']?):(?:[ \t]|\n))"
)
_TOML_START = re.compile(
    r"(?:\s*(?:#[^\n]*)?\n)*\s*(?:\[\[[\w.\"-]+\]\]|(?P<key>[\w-]+)[ \t]*=[ \t]*[\"'\[\d])"
)
_COLOURS = "color_palette"


class DataRecords(NamedTuple):
    """Records as a sheet has them."""

    rows: list[list[str]]
    """The names of the columns first."""
    note: str
    """What the person should know."""


def data_records(text: str) -> DataRecords | None:
    """The records of a text that is data for programs; None if it is none.

    Raises:
        SheetError: it is such data, but no list of flat records; says what it is.
    """
    found = _TOML_START.match(text)
    if found and (not found["key"] or known_name(found["key"])):
        try:
            return _rows(tomllib.loads(text, parse_float=str), "TOML")
        except tomllib.TOMLDecodeError as error:
            raise _broken("TOML", str(error)) from error
    if _JSON_START.match(text):
        return _from_json(text)
    found = _YAML_START.match(text)
    if found and (not found["key"] or known_name(found["key"].strip("\"' "))):
        return _from_yaml(text)
    return None


def is_json_object(text: str) -> bool:
    """Whether a text is an object of JSON, which some models are prompted by."""
    text = text.strip()
    if not (text.startswith("{") and text.endswith("}") and '"' in text):
        return False
    try:
        return isinstance(json.loads(text, strict=False), dict)
    except (ValueError, RecursionError):
        return False


def _from_json(text: str) -> DataRecords | None:
    numbers: dict[str, Any] = {"parse_int": str, "parse_float": str, "parse_constant": str}
    try:
        return _rows(json.loads(text.strip("\ufeff \t\r\n"), strict=False, **numbers), "JSON")
    except RecursionError as error:
        raise _broken("JSON", "it is nested too deeply") from error
    except ValueError as error:
        whole = error
    records = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            records.append(json.loads(line, strict=False, **numbers))
        except (ValueError, RecursionError) as error:
            if records and isinstance(records[0], dict):
                raise _broken("JSON lines", f"line {number}") from error
            break
    else:
        return _rows(records, "JSON lines")
    if re.match(r"\s*(?:\[\s*\{|\{\s*\"[^\"\n]*\"\s*:)", text):
        raise _broken("JSON", str(whole)) from whole
    return None  # a prompt may begin so


def _from_yaml(text: str) -> DataRecords | None:
    import yaml  # type: ignore[import-untyped]  # which few sheets need

    try:
        # All as text: 16:9 is a number to YAML else.
        body = yaml.load(text, Loader=yaml.BaseLoader)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise _broken("YAML", " ".join(str(error).split())) from error
    return _rows(body, "YAML")


def _broken(kind: str, where: str) -> SheetError:
    return SheetError(
        f"This looks like {kind}, but is incomplete ({shown(where, 160)}). Fix it, or save the"
        " prompts as csv or xlsx."
    )


def _rows(body: object, kind: str) -> DataRecords:
    records = _records(body)
    if records is None:
        raise SheetError(
            f"This is {kind}, not a table: no list of records with a `prompt` was found in it."
            " Save the prompts as csv or xlsx, one per row."
        )
    names = list(dict.fromkeys(name for record in records for name in record))
    if not any(known_name(name) == "prompt" for name in names):
        raise SheetError(
            f"This is {kind} whose records have no `prompt`; they have"
            f" {', '.join(f'`{shown(name, 40)}`' for name in names[:12])}. Rename the field that"
            " holds the prompts to `prompt`."
        )
    rows = [
        [_cell(record.get(name), name, number, kind) for name in names]
        for number, record in enumerate(records, start=1)
    ]
    note = f"This is {kind}: each of its records is a row, and the first one is row 2."
    return DataRecords([names, *rows], note)


def _records(body: object) -> Sequence[Mapping[str, Any]] | None:
    """Flat records, wherever a document has its only list of them."""
    match body:
        case list():
            if body and all(isinstance(each, dict) for each in body):
                return [{str(key): value for key, value in each.items()} for each in body]
            if len(body) > 1 and all(
                isinstance(each, list) and len(each) <= len(body[0]) for each in body
            ):
                return [dict(zip(map(str, body[0]), row, strict=False)) for row in body[1:]]
            if body and all(isinstance(each, str) for each in body):
                return [{"prompt": each} for each in body]
        case dict():
            prompts = next((body[key] for key in body if known_name(str(key)) == "prompt"), None)
            lists = [value for value in body.values() if isinstance(value, list)]
            if isinstance(prompts, list) and _is_columns(body):
                rows = zip(*body.values(), strict=True)
                return [dict(zip(map(str, body), row, strict=True)) for row in rows]
            if prompts is not None and not isinstance(prompts, list | dict):
                return [{str(key): value for key, value in body.items()}]
            found = [each for each in map(_records, lists) if each]
            if len(found) == 1:
                return found[0]
    return None


def _is_columns(body: Mapping[Any, Any]) -> bool:
    """Whether each key has a list, all of one length: a table by columns."""
    values = list(body.values())
    return (
        all(isinstance(value, list) for value in values)
        and len(values) > 1
        and len(set(map(len, values))) == 1
        and not any(isinstance(each, dict) for value in values for each in value)
    )


def _cell(value: object, name: str, number: int, kind: str) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case str() | int() | float():
            return str(value)
        case list() if all(isinstance(each, str | int) for each in value):
            return (" " if known_name(name) == _COLOURS else ", ").join(map(str, value))
    raise SheetError(
        f"This is {kind}, and the `{shown(name, 40)}` of its record {number} holds more than one "
        "value. A row has one value for each column: save the prompts as csv or xlsx."
    )
