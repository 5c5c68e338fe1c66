"""Writing the user's model list: entries added and taken out, everything else left as it is."""

import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from engine.atomic_files import replace_text
from engine.errors import PromptsheetError, reason_of
from engine.models.catalog import own_list
from engine.settings import SettingsError


class LabelTakenError(PromptsheetError):
    """The list has an entry of that label already."""


def add_entries(
    *added: Mapping[str, Any], path: Path | None = None, tables: str = "models"
) -> Path:
    """Put entries at the end of one of the user's lists, all or none; the list.

    Args:
        added: the fields of each, its label among them.
        path: the list; None: that of models.
        tables: what each entry is called there.

    Raises:
        LabelTakenError: it has such a label already; nothing is written over.
        SettingsError: it is not TOML, or no model list, or cannot be written.
    """
    import tomlkit  # it keeps the user's remarks and order; only who writes needs it

    def put(document: Any) -> None:
        entries = document.setdefault(tables, tomlkit.aot())
        taken = {item.get("label") for item in entries}
        for entry in added:
            if entry["label"] in taken:
                raise LabelTakenError(
                    f"{path or own_list()} has a model {entry['label']} already: choose another"
                    " label, or take that one out first"
                    f" (`promptsheet models remove {entry['label']}`)."
                )
            taken.add(entry["label"])
            table = tomlkit.table()
            for name, value in entry.items():
                table.add(name, value)
            entries.append(table)

    return _changed(put, path or own_list(), tables)


def remove_entry(label: str) -> dict[str, Any]:
    """Take an entry out of the user's list; the fields that it had.

    Raises:
        SettingsError: it is not TOML, or has no such entry, or cannot be written.
    """
    taken: dict[str, Any] = {}

    def removed(document: Any) -> None:
        entries = document.get("models", [])
        numbers = [n for n, item in enumerate(entries) if item.get("label") == label]
        if not numbers:
            raise SettingsError(f"{own_list()} has no model {label}.")
        taken.update(entries[numbers[-1]].unwrap())
        del entries[numbers[-1]]
        if not len(entries):
            del document["models"]

    _changed(removed, own_list(), "models")
    return taken


def _changed(change: Callable[[Any], None], path: Path, tables: str) -> Path:
    import tomlkit

    try:
        text = path.read_text(encoding="utf-8-sig") if path.is_file() else ""
        document = tomlkit.parse(text)
        listed = tomllib.loads(text).get(tables, [])
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} cannot be read: {reason_of(error)}.") from error
    except (ValueError, tomlkit.exceptions.ParseError) as error:
        raise SettingsError(f"{path} is not valid TOML: {error}.") from error
    if not isinstance(listed, list) or not all(isinstance(item, dict) for item in listed):
        raise SettingsError(
            f"{path}: each entry is a [[{tables}]] table; nothing else belongs here."
        )
    change(document)
    try:
        replace_text(path, tomlkit.dumps(document))
    except OSError as error:
        raise SettingsError(f"{path} cannot be written: {reason_of(error)}.") from error
    return path
