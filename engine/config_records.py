"""From TOML to frozen records whose fields say what they take; every fault is named."""

import ast
import inspect
import textwrap
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

import msgspec

from engine.errors import did_you_mean

_SHOWN = 40
"""Characters of a value that cannot be."""

R = TypeVar("R", bound="Declared")


class Declared(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A record: fields annotated with what they take, limits by `msgspec.Meta`.

    A docstring under each field says what it is for. Fields that are records are tables.
    """


class DeclaredError(Exception):
    """Values that do not fit; the message names each by its dotted path."""


def build(kind: type[R], body: Mapping[str, Any]) -> R:
    """A record from what a TOML file holds.

    Args:
        kind: which record.
        body: name → value. Unknown names are refused, so that a slip is not silent.

    Raises:
        DeclaredError: all values that do not fit.
    """
    faults: list[str] = []
    built = _build(kind, body, "", faults)
    if faults:
        raise DeclaredError("; ".join(faults))
    return built


def _build(kind: type[R], body: Mapping[str, Any], path: str, faults: list[str]) -> R:
    types = _types(kind)
    faults += [
        f"{path}{name}: unknown name.{did_you_mean(name, types)}".rstrip(".")
        for name in body
        if name not in types
    ]
    values: dict[str, Any] = {}
    for field in msgspec.structs.fields(kind):
        where = path + field.name
        if field.name in body:
            values[field.name] = _value(types[field.name], body[field.name], where, faults)
        elif field.required:
            faults.append(f"{where} is missing")
            values[field.name] = None
    return kind(**values)


def _value(wanted: Any, value: Any, where: str, faults: list[str]) -> Any:
    # The record that is wanted: itself, or None, or any number of it by name.
    record = next((kind for kind in (wanted, *get_args(wanted)) if _is_record(kind)), None)
    if record is not None and isinstance(value, Mapping):
        if get_origin(wanted) is not dict:
            return _build(record, value, f"{where}.", faults)
        return {
            str(key): _value(record, inner, f"{where}.{key}", faults)
            for key, inner in value.items()
        }
    try:
        return msgspec.convert(value, wanted, dec_hook=_path)
    except msgspec.ValidationError as error:
        bounds = bounds_words(wanted)
        what = f"{_shown(value)} is not allowed; write {bounds}" if bounds else error
        faults.append(f"{where}: {what}")
        return None


def _is_record(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Declared)


def bounds_words(wanted: Any) -> str | None:
    """`a whole number from 0 to 256`; None where a field's annotation has no bounds."""
    if wanted is bool:
        return "true or false"
    if get_origin(wanted) is Literal:
        *first, last = map(str, get_args(wanted))
        return f"{', '.join(first)} or {last}" if first else last
    kind, *about = get_args(wanted) or (wanted,)
    for meta in about:
        if not isinstance(meta, msgspec.Meta):
            continue
        if meta.description:
            return meta.description
        if meta.ge is not None and meta.le is not None:
            number = "a whole number" if kind is int else "a number"
            return f"{number} from {meta.ge} to {meta.le}"
        if meta.min_length is not None and meta.max_length is not None:
            return f"a list of {meta.min_length} to {meta.max_length}"
    return None


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _path(wanted: type, value: Any) -> Path:
    if wanted is Path and isinstance(value, str | Path):
        return Path(value)
    raise TypeError("Expected a path in quotes")


@cache
def _types(kind: type) -> dict[str, Any]:
    return get_type_hints(kind, include_extras=True)


def plain(value: Any) -> Any:
    """A record, or a value of one, as JSON and TOML can hold it."""
    return msgspec.to_builtins(value, enc_hook=str)


def explanations(kind: type[Declared]) -> Iterator[tuple[str, str]]:
    """Each field of a record, and the docstring that stands under it."""
    body = ast.parse(textwrap.dedent(inspect.getsource(kind))).body[0]
    assert isinstance(body, ast.ClassDef)
    under = {
        field.target.id: " ".join(text.value.value.split())
        for field, text in pairwise(body.body)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
        and isinstance(text.value.value, str)
    }
    for name in kind.__struct_fields__:
        yield name, under.get(name, "")
