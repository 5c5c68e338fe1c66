"""The rows in a whole answer of a chat assistant: without fences, dashes and talk around them.

What is left out becomes blank lines, so that every row keeps its number.
"""

import re
from collections.abc import Collection, Sequence
from typing import NamedTuple

from engine.sheet.headers import MOST_ABOVE, known_name

LINE_END = re.compile(r"\r\n|\r|\n")
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|\Z)")
_FENCE = re.compile(r"\s*(?P<mark>`{3,}|~{3,})(?P<info>[^`\r\n]*)")
_RULE = re.compile(r"[|+]?[ \t]*:?[-=]+:?[ \t]*(?:[|+][ \t]*:?[-=]+:?[ \t]*)*[|+]?")
"""What parts the header of a table that is drawn by letters from its rows."""
_PIPE = re.compile(r"(?<!\\)\|")
_BRACES = re.compile(r"\{[^{}]*\}")
_WRAPPED = re.compile(r"(\*\*|__|`+)(?P<words>.+)\1", re.DOTALL)
_BREAK = re.compile(r"\s*<br\s*/?>\s*", re.IGNORECASE)
_BEFORE = re.compile(
    r"(?:sure|certainly|of course|absolutely|great|okay|ok|here|below|these are|the following)\b"
    r".*(?::|\b(?:prompts?|csv|table|sheet|rows?|list|ideas)\b.*[!.])",
    re.IGNORECASE,
)
_AFTER = re.compile(
    r"(?:(?:just )?let me know\b|feel free\b|would you like\b|do you want\b|want me to\b"
    r"|i hope\b|hope (?:this|these|it)\b|if you(?:'d|’d| would| want| need| like)\b"
    r"|i can (?:also )?(?:make|add|create|write|change|adjust|generate|tailor)\b"
    r"|(?:enjoy|happy (?:prompting|creating|generating))\b.{0,20}!).*",
    re.IGNORECASE,
)
_NUMBERED = re.compile(r"[ \t]*([0-9]{1,4})[.)][ \t]+(?=\S)")
_BULLET = re.compile(r"[ \t]*[-*•–][ \t]+(?=\S)")
_MOST_SHOWN = 40
_MOST_NAMED = 4
_MOST_DRAWN = 10_000
"""Letters of a line that parts a header from its rows."""
_DELIMITERS = ",;\t|"


class Passage(NamedTuple):
    """The part of a text that holds the rows."""

    text: str
    """With blank lines for what is left out above and between."""
    end: int
    """Where it ends in the text."""
    notes: tuple[str, ...] = ()
    """What is left out, in words."""
    table: list[list[str]] | None = None
    """The cells of each line, if they are drawn as a table."""


def passage(text: str) -> Passage:
    """Find the rows in what may be a whole answer; a plain sheet is all of it."""
    lines = _LINE.findall(text)
    kept = _fenced(lines)
    fences = frozenset(at for at, line in enumerate(lines) if kept and _is_fence(line))
    within = kept if kept is not None else list(range(len(lines)))
    drawn = _tables([lines[at] for at in within])
    if drawn:
        drawn = {within[at]: cells for at, cells in drawn.items()}
        rules = {at for at in within if at not in drawn and _is_rule(lines[at])}
        left = _left_out(lines, drawn, fences | rules)
        table = [drawn.get(at, []) for at in range(max(drawn) + 1)]
        return Passage("", sum(map(len, lines[: len(table)])), left, table)
    if kept is None:
        kept = _without_talk(lines)
        if len(kept) == len(lines):
            return Passage(text, len(text))
    last = max(kept, default=-1)
    chosen = set(kept)
    body = "".join(
        line if at in chosen else "".join(LINE_END.findall(line))
        for at, line in enumerate(lines[: last + 1])
    )
    return Passage(body, sum(map(len, lines[: last + 1])), _left_out(lines, chosen, fences))


def without_marks(text: str) -> tuple[str, str]:
    """A list of prompts without the numbers or dots before them, and what is said of it."""
    used = [line for line in _LINE.findall(text) if line.strip()]
    numbers = [int(found[1]) for line in used if (found := _NUMBERED.match(line))]
    pattern = _NUMBERED if numbers == list(range(1, len(used) + 1)) else _BULLET
    if len(used) < 2 or not all(map(pattern.match, used)):
        return text, ""
    bare = "".join(pattern.sub("", line, count=1) for line in _LINE.findall(text))
    return bare, "The number or dot before each prompt was removed."


def table_line(cells: Sequence[str]) -> str:
    """A row as it is written into a table that is drawn by letters."""
    escaped = (LINE_END.sub("<br>", cell).replace("|", "\\|") for cell in cells)
    return f"| {' | '.join(escaped)} |"


def _is_fence(line: str) -> bool:
    return _FENCE.fullmatch(line.rstrip()) is not None


def _is_rule(line: str) -> bool:
    text = line.strip()
    drawn = ("-" in text and "|" in text) or text[:1] == "+"
    return drawn and len(text) < _MOST_DRAWN and _RULE.fullmatch(text) is not None


def _names_prompt(cells: Sequence[str]) -> bool:
    return any(known_name(cell) == "prompt" for cell in cells)


def _has_header(lines: Sequence[str]) -> bool:
    """Whether the first of some lines name the column of the prompts."""
    top = [line for line in lines if line.strip()][:MOST_ABOVE]
    return any(_names_prompt(line.strip().split(edge)) for line in top for edge in _DELIMITERS)


def _fenced(lines: Sequence[str]) -> list[int] | None:
    """The indexes of the lines within code fences that hold the rows; None: there are none."""
    blocks: list[list[int]] = []
    opened, first = "", None
    for at, line in enumerate(lines):
        fence = _FENCE.fullmatch(line.rstrip())
        if fence and not opened:
            first = at if first is None else first
            opened = fence["mark"]
            blocks.append([])
        elif fence and fence["mark"].startswith(opened) and not fence["info"].strip():
            opened = ""
        elif opened:
            blocks[-1].append(at)
    if first is None:
        return None
    filled = [block for block in blocks if any(lines[at].strip() for at in block)]
    if not filled:  # only a last line without its first
        return [at for at, line in enumerate(lines) if not _is_fence(line)]
    if _is_inside_a_cell(lines[:first]):
        return None
    headed = [block for block in filled if _holds_rows([lines[at] for at in block])]
    if not headed and _has_header(lines[:first]):
        return [at for at, line in enumerate(lines) if not _is_fence(line)]
    return headed[0] if headed else [at for block in filled for at in block]


def _holds_rows(lines: Sequence[str]) -> bool:
    """Whether a code block holds rows that are told to be such."""
    return _has_header(lines) or "".join(lines[:2]).lstrip()[:1] in ("[", "{")


def _is_inside_a_cell(above: Sequence[str]) -> bool:
    """Whether what comes below these lines is in a cell that they open."""
    return "".join(above).count('"') % 2 == 1 and _has_header(above)


def _tables(lines: Sequence[str]) -> dict[int, list[str]]:
    """Index of a line → its cells, of the table that holds the rows, and of others like it."""
    found: list[dict[int, list[str]]] = []
    at = 1
    while at < len(lines):
        above = at - 1
        if not (_is_rule(lines[at]) and "|" in lines[above] and not _is_rule(lines[above])):
            at += 1
            continue
        header = _cells(lines[above])
        table = {above: header}
        while at < len(lines) and ("|" in lines[at] or _is_rule(lines[at])):
            if not _is_rule(lines[at]):
                table[at] = _cells(lines[at], len(header))
            at += 1
        found.append(table)
    if not found or _is_inside_a_cell(lines[: min(found[0]) + 1]):
        return {}
    chosen = next((each for each in found if _names_prompt(each[min(each)])), found[0])
    header = chosen[min(chosen)]
    return chosen | {
        line: cells
        for each in found
        if each is not chosen and each[min(each)] == header
        for line, cells in each.items()
        if line != min(each)
    }


def _cells(line: str, width: int = 0) -> list[str]:
    """The cells of a line; more than `width` if there are too many."""
    body = line.strip().removeprefix("|")
    if body.endswith("|") and not body.endswith("\\|"):
        body = body[:-1]
    cells = _PIPE.split(body)
    if width and len(cells) > width:  # alternatives in braces are no cells
        held = _BRACES.sub(lambda found: found[0].replace("|", "\0"), body)
        rejoined = [cell.replace("\0", "|") for cell in _PIPE.split(held)]
        cells = rejoined if len(rejoined) >= width else cells
    return [_plain(cell) for cell in cells]


def _plain(cell: str) -> str:
    text = _BREAK.sub(" ", cell.replace("\\|", "|").replace("&nbsp;", " ")).strip()
    wrapped = _WRAPPED.fullmatch(text)
    return wrapped["words"].strip() if wrapped and wrapped[1] not in wrapped["words"] else text


def _without_talk(lines: Sequence[str]) -> list[int]:
    """The indexes of all lines but those that a chat assistant says first and last."""
    used = [at for at, line in enumerate(lines) if line.strip()]
    left = set[int]()
    if len(used) > 2 and _BEFORE.fullmatch(lines[used[0]].strip()):
        follows = not lines[used[0] + 1].strip() or lines[used[0]].rstrip().endswith(":")
        if follows and not _names_prompt([lines[used[0]].strip(" :\r\n")]):
            left.add(used[0])
    last = len(lines)
    while len(used) > 2 and _AFTER.fullmatch(lines[used[-1]].strip()):
        if lines[used[-1] - 1].strip():
            break  # nothing sets it apart
        last = used.pop()
    return [at for at in range(min(last, len(lines))) if at not in left]


def _left_out(
    lines: Sequence[str], kept: Collection[int], silent: Collection[int]
) -> tuple[str, ...]:
    """A note that names the lines that hold something and are not read.

    Args:
        lines: all.
        kept: indexes of those that are read.
        silent: indexes of those that nobody misses.
    """
    left = [
        at for at, line in enumerate(lines) if line.strip() and at not in kept and at not in silent
    ]
    if not left:
        return ()
    runs: list[list[int]] = []
    for at in left:
        if runs and not any(line.strip() for line in lines[runs[-1][1] + 1 : at]):
            runs[-1][1] = at
        else:
            runs.append([at, at])
    named = [f"{a + 1}" if a == b else f"{a + 1}–{b + 1}" for a, b in runs[:_MOST_NAMED]]
    more = " …" if len(runs) > _MOST_NAMED else ""
    first = lines[left[0]].strip()
    shown = first if len(first) <= _MOST_SHOWN else first[: _MOST_SHOWN - 1] + "…"
    what = "Line" if len(left) == 1 else "Lines"
    return (f"{what} {', '.join(named)}{more} left out because they are not rows: “{shown}”.",)
