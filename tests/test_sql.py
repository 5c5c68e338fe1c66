"""SQL is written in `engine.library` and nowhere else."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LIBRARY = ROOT / "engine" / "library"
MODULES = sorted(
    path
    for top in ("engine", "tui", "assets")
    for path in (ROOT / top).rglob("*.py")
    if not path.is_relative_to(LIBRARY)
)
SQL = re.compile(
    r"\b(?:SELECT\b.+\bFROM|INSERT\b.+\bINTO|UPDATE\b.+\bSET|DELETE\s+FROM|PRAGMA\s+\w"
    r"|(?:CREATE|ALTER|DROP)\s+(?:TABLE|INDEX|TRIGGER|VIEW))\b",
    re.DOTALL,
)


def sql_in(source: str) -> Iterator[tuple[int, str]]:
    """The line and the text of each string that is SQL, those that are put together included."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.JoinedStr):
            parts = [each.value if isinstance(each, ast.Constant) else "?" for each in node.values]
            text = "".join(map(str, parts))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = node.value
        else:
            continue
        if SQL.search(text):
            yield node.lineno, text


@pytest.mark.parametrize(
    "source",
    [
        'read("SELECT digest FROM sources")',
        'read(f"SELECT {columns}, name"\n " FROM sessions")',
        'write("INSERT OR IGNORE INTO a VALUES (?)")',
        'write(f"UPDATE {table} SET a = 1")',
        'write("DELETE FROM a")',
    ],
)
def test_sql_is_known_where_it_stands(source: str) -> None:
    assert list(sql_in(source))


def test_words_are_no_sql() -> None:
    assert not list(sql_in('say("Select a row from the table", "UPDATE the sheet", "DELETE")'))


def test_no_module_outside_the_library_writes_sql() -> None:
    assert len(MODULES) > 300
    found = {
        f"{path.relative_to(ROOT)}:{line}": text
        for path in MODULES
        for line, text in sql_in(path.read_text())
    }
    assert not found
