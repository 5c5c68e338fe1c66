"""What a search finds: sessions by their names and tags, rows by the words of their prompts."""

import json
import re

_WORD = re.compile(r"\w+")
_UNSPACED = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\u0e00-\u0eff\uf900-\ufaff]")
"""Scripts without spaces between words, where an index of words finds nothing inside a sentence."""


def rows_with_words(text: str) -> tuple[str, list[object]]:
    """A query for the ids of rows of all sessions whose prompt has the words, and its arguments.

    Args:
        text: words, of which the last may be unfinished. Without any, no row has them.
    """
    words = _WORD.findall(text)
    if not words:
        return "SELECT NULL WHERE 0", []
    if _UNSPACED.search(text):
        found = "instr(lower(json_extract(cells, '$.prompt')), lower(?))"
        return f"SELECT id FROM rows WHERE {found}", [text]
    match = " ".join(f'"{word}"' for word in words) + "*"
    return "SELECT rowid FROM prompts WHERE prompts MATCH ?", [match]


def sessions_called(text: str) -> tuple[str, list[object]]:
    """A condition on sessions, and its arguments: the text is in the name or a tag, or is the id.

    Args:
        text: what is looked for; capitals do not matter.
    """
    condition = "(key = ? OR instr(lower(name), lower(?)) OR instr(lower(tags), lower(?)))"
    return condition, [text, text, json.dumps(text, ensure_ascii=False)[1:-1]]
