"""From TOML to frozen records whose fields say what they take; every fault is named."""

import ast
import inspect
import textwrap
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

import msgspec

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
    faults += [f"{path}{name}: there is no such name" for name in body if name not in types]
    values: dict[str, Any] = {}
    for field in msgspec.structs.fields(kind):
        where = path + field.name
        if field.name in body:
            values[field.name] = _value(types[field.name], body[field.name], where, faults)
        elif field.required:
            faults.append(f"{where}: this is missing")
            values[field.name] = None
    return kind(**values)


def _value(wanted: Any, value: Any, where: str, faults: list[str]) -> Any:
    if isinstance(wanted, type) and issubclass(wanted, Declared) and isinstance(value, Mapping):
        return _build(wanted, value, f"{where}.", faults)
    try:
        return msgspec.convert(value, wanted, dec_hook=_path)
    except msgspec.ValidationError as error:
        faults.append(f"{where}: {error}")
        return None


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
