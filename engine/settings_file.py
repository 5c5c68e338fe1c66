"""Reading and writing single settings in the user's file, whose own remarks are kept."""

import contextlib
import json
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

from engine.atomic_files import replace_text
from engine.config_records import Declared, DeclaredError, bounds_words, build, explanations, plain
from engine.errors import reason_of
from engine.settings import Applies, Settings, SettingsError, applies, settings_path

SettingKind = Literal["switch", "choice", "number", "list", "names", "folder", "text"]
"""On or off; one of a few; a number; several texts; texts by names; a folder; any text."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting as it stands."""

    name: str
    """Dotted, as in `app.theme`."""
    text: str
    """Its value as it would be typed."""
    default: str
    explanation: str
    choices: tuple[str, ...] = ()
    """All it can be, where that is a short list."""
    kind: SettingKind = "text"
    """Which form suits it."""
    bounds: str = ""
    """What it can be, in words, where that has limits: `a whole number from 0 to 256`."""
    section: str = ""
    """What the group is for that it stands in."""
    applies: Applies = "app"
    """When it holds once it was changed."""
    is_set: bool = False
    """Whether the file says so; otherwise it is the default, or the command line's."""


def all_settings(settings: Settings) -> tuple[Setting, ...]:
    """Every setting, in the order of declaration.

    Raises:
        SettingsError: the file cannot be read.
    """
    written = _body()
    return tuple(_walk(settings, Settings(), written, "", ""))


def _walk(
    record: Declared, defaults: Declared, written: dict[str, Any], path: str, section: str
) -> Iterator[Setting]:
    hints = get_type_hints(type(record))
    limits = get_type_hints(type(record), include_extras=True)
    for name, explanation in explanations(type(record)):
        value, default = getattr(record, name), getattr(defaults, name)
        inside = written.get(name)
        if isinstance(value, Declared):
            below = inside if isinstance(inside, dict) else {}
            yield from _walk(value, default, below, f"{path}{name}.", explanation)
            continue
        yield Setting(
            name=path + name,
            text=as_text(value),
            default=as_text(default),
            explanation=explanation,
            choices=_choices(hints[name]),
            kind=_form(hints[name]),
            bounds=bounds_words(limits[name]) or "",
            section=section,
            applies=applies(path + name),
            is_set=name in written,
        )


def _choices(kind: Any) -> tuple[str, ...]:
    if kind is bool:
        return ("true", "false")
    return tuple(map(str, get_args(kind))) if get_origin(kind) is Literal else ()


def _form(kind: Any) -> SettingKind:
    if kind is bool:
        return "switch"
    if get_origin(kind) is Literal:
        return "choice"
    if kind in (int, float):
        return "number"
    if get_origin(kind) in (tuple, dict):
        return "list" if get_origin(kind) is tuple else "names"
    return "folder" if Path in (kind, *get_args(kind)) else "text"


def as_text(value: Any) -> str:
    """A setting's value as it would be typed."""
    value = plain(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        plainly = all(item == item.strip(" \"'[") and "," not in item for item in value)
        return ", ".join(value) if plainly else f"[{', '.join(map(_quoted, value))}]"
    if isinstance(value, dict):
        pairs = (f"{_quoted(key)} = {_quoted(inner)}" for key, inner in value.items())
        return f"{{{', '.join(pairs)}}}" if value else ""
    if isinstance(value, str) and value.startswith(('"', "'")):
        return _quoted(value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def understood(name: str, text: str) -> Any:
    """The value that a typed text means for a setting.

    Raises:
        SettingsError: it cannot be that; the message says what it can be.
    """
    value = _from_text(_kind_of(name), text.strip())
    body = _body()
    table = body
    *above, last = name.split(".")
    for part in above:
        table = table.setdefault(part, {})
    table[last] = value
    try:
        build(Settings, body)
    except DeclaredError as error:
        raise SettingsError(str(error).removeprefix(f"{name}: ")) from error
    return value


def _kind_of(name: str) -> Any:
    kind: Any = Settings
    for part in name.split("."):
        hints = get_type_hints(kind)
        if part not in hints:
            raise SettingsError(f"Unknown setting {name}.")
        kind = hints[part]
    return kind


def _from_text(kind: Any, text: str) -> Any:
    """A text as TOML's kind of value; left as it is where it is none, for `build` to refuse.

    It may be written as the file would have it, `{"sheet.start" = "f5"}`, or plainly.

    Raises:
        SettingsError: it begins as the file would have it, and does not go on so.
    """
    many = get_origin(kind) in (tuple, dict)
    if text.startswith(("[", "{") if many else ('"', "'")):
        written = _written(text)
        if written is not None:
            return written
        if many:
            example = '{"this" = "that"}' if get_origin(kind) is dict else '["this", "that"]'
            raise SettingsError(f"Write it as in the file: {example}.")
    if kind in (int, float, bool) and len(text.split()) == 1:
        with contextlib.suppress(ValueError):
            return tomllib.loads(f"value = {text.lower() if kind is bool else text}")["value"]
        return text
    if get_origin(kind) is tuple:
        return [part for piece in text.split(",") if (part := piece.strip())]
    if get_origin(kind) is dict:
        pairs = (piece.partition("=") for piece in text.split(",") if piece.strip())
        return {key.strip().strip('"'): value.strip().strip('"') for key, _, value in pairs}
    return text


def _written(text: str) -> Any:
    """The value that a text is in the file; None if it is none there."""
    try:
        body = tomllib.loads(f"value = {text}")
    except ValueError:
        return None
    return body["value"] if len(body) == 1 else None


def write_setting(name: str, value: Any) -> None:
    """Put a value into the settings file, with its explanation if it is new there.

    Args:
        name: dotted.
        value: as `understood` gave it; None takes the setting out, so that the default holds.

    Raises:
        SettingsError: the file is not TOML.
        OSError: it cannot be written.
    """
    import tomlkit  # it keeps the user's remarks and order; only who writes needs it

    path = settings_path()
    try:
        text = path.read_text(encoding="utf-8-sig") if path.is_file() else ""
        document = tomlkit.parse(text)
    except (ValueError, tomlkit.exceptions.ParseError) as error:
        raise SettingsError(f"{path} is not valid TOML: {error}.") from error
    *above, last = name.split(".")
    table: Any = document
    for part in above:
        if part not in table:
            table[part] = tomlkit.table()
        table = table[part]
    if value is None:
        table.pop(last, None)
    elif isinstance(value, dict) and isinstance(there := table.get(last), dict):
        # Name by name: remarks stand between them.
        for gone in [key for key in there if key not in value]:
            del there[gone]
        for key, inner in value.items():
            if there.get(key) != inner:
                there[key] = inner
    elif last in table:
        if table[last] != value:
            table[last] = value
    else:
        explained = {s.name: s.explanation for s in _walk(Settings(), Settings(), {}, "", "")}
        if isinstance(table, tomlkit.TOMLDocument) and table.body:
            # A key of the whole file must stand before the first table.
            fresh = tomlkit.document()
            fresh.add(tomlkit.comment(explained[name]))
            fresh.add(last, value)
            document = tomlkit.parse(f"{tomlkit.dumps(fresh)}\n{tomlkit.dumps(document)}")
        else:
            table.add(tomlkit.comment(explained[name]))
            table.add(last, value)
    replace_text(path, tomlkit.dumps(document))


def _body() -> dict[str, Any]:
    path = settings_path()
    try:
        body = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise SettingsError(f"{path} cannot be read: {reason_of(error)}.") from error
    return body
