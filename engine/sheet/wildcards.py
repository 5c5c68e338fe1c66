r"""The wildcards of a prompt: `{a|b}`, `{2$$a|b|c}`, `__name__`, found and judged. Pure.

`\{`, `\}` and `\__` stand for themselves; so do braces without a `|`, and a prompt that is JSON.
"""

import difflib
import fnmatch
import re
from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType
from typing import NamedTuple

from engine.sheet.data_records import is_json_object

MOST_OPTIONS = 200
"""Alternatives of one prompt."""
MOST_DEPTH = 8
"""Braces inside braces."""
NO_FAULTS: Mapping[str, str] = MappingProxyType({})

_NAMED = r"__(?:[^\W_]|\*)(?:(?!__)[\w /.\-*])*(?<! )__"
_TOKEN = re.compile(rf"\\[{{}}]|\\__|[{{}}|]|{_NAMED}")

_COUNT = re.compile(r"\s*(?:[0-9]+-?[0-9]*|-[0-9]+)\$\$")
"""How many alternatives are drawn."""

_COMMENT = re.compile(r"//|/\*")
_NAMED_BETWEEN = re.compile(_COUNT.pattern + rf"[^${{}}|]*{_NAMED}[^${{}}|]*\$\$")
_UNUSUAL = (
    (re.compile(r"\{\s*[!~@][^{}]*\|"), "a way of drawing (!, ~ or @) before alternatives"),
    (re.compile(r"__[!~@][\w/.\-*]+__"), "a way of drawing (!, ~ or @) before a name"),
    (re.compile(r"__[\w/.\-*]+\([^()\n]*=[^()\n]*\)__"), "values for a wildcard in brackets"),
    (re.compile(r"\$\{\s*\w+\s*[=:?}]"), "variables"),
    (re.compile(r"%\{[^{}]*\$\$"), "wrapping (%{…})"),
)
"""What means something to other tools that have wildcards, and nothing here."""


class WildcardError(ValueError):
    """A prompt whose wildcards cannot be understood; the message says why and what to do."""

    def __init__(self, message: str, *suggestions: str) -> None:
        super().__init__(message)
        self.suggestions = suggestions
        """The prompt as it may have been meant."""


class Part(NamedTuple):
    """A stretch of a prompt."""

    text: str
    is_wildcard: bool
    """Whether it is to be expanded: `{…}` or `__name__`; else it is used as it is."""


def has_wildcards(text: str) -> bool:
    """Whether a prompt may hold any; quick."""
    return "{" in text or "}" in text or "__" in text


def escaped(text: str) -> str:
    """A text as a prompt that means these very letters."""
    return re.sub(r"[{}]|__", r"\\\g<0>", text)


def replace_named(text: str, names: Collection[str], by: Callable[[str], str]) -> str:
    """A prompt with each `__name__` that is one of `names` replaced by what `by` makes of it."""

    def replaced(token: re.Match[str]) -> str:
        name = _name_in(token[0], names)
        return by(name) if name is not None and name in names else token[0]

    return _TOKEN.sub(replaced, text)


def named_in(text: str, names: Collection[str]) -> list[str]:
    """Those of `names` that a prompt names, in order."""
    found = (_name_in(token[0], names) for token in _TOKEN.finditer(text))
    return [each for name in found if name is not None for each in matching(name, names)]


def matching(name: str, names: Collection[str]) -> list[str]:
    """Those of `names` that a name means: itself, or all that a `*` in it stands for."""
    if name in names:
        return [name]
    return sorted(fnmatch.filter(names, name)) if "*" in name else []


def without_patterns(text: str, counts: Mapping[str, int], faults: Collection[str] = ()) -> str:
    """A prompt in which `__colors*__` is written as the alternatives it means.

    Args:
        text: the prompt.
        counts: name → how many choices it has: each choice is as likely as any other.
        faults: names that cannot be used; they are passed over where others fit.
    """

    def written(token: re.Match[str]) -> str:
        name = _name_in(token[0], counts)
        if name is None or "*" not in name or name in counts:
            return token[0]
        found = [each for each in matching(name, counts) if each not in faults]
        each = "|".join(f"{counts[name]}::__{name}__" for name in found)
        return f"{{{each}}}" if len(found) > 1 else f"__{found[0]}__" if found else token[0]

    return _TOKEN.sub(written, text) if "*" in text else text


def unusual(text: str) -> str:
    """What a prompt has of other tools' wildcards that is drawn as it is written; or nothing."""
    found = [what for pattern, what in _UNUSUAL if pattern.search(text)]
    return "" if is_json_object(text) else ", ".join(found)


def _name_in(token: str, names: Collection[str]) -> str | None:
    """The name that a token names; None for other tokens, and for words with spaces that are none.

    `__so loud__` is somebody's way of writing; a wildcard's file may have that name all the same.
    """
    if not token.startswith("__"):
        return None
    name = token.strip("_")
    return name if name in names or " " not in name else None


def split_wildcards(
    text: str, names: Collection[str], faults: Mapping[str, str] = NO_FAULTS
) -> list[Part]:
    """A prompt in stretches, escapes resolved in those that are plain.

    Args:
        text: the prompt.
        names: what can stand between `__` and `__`.
        faults: why some of the names cannot be used.

    Raises:
        WildcardError: braces that do not match, an unknown name, or too much of it.
    """
    text = meant(text)
    parts: list[Part] = []
    depth, options, start, plain = 0, 0, 0, 0

    def add_plain(stop: int) -> None:
        if stop > plain:
            parts.append(Part(_unescaped(text[plain:stop]), False))

    for token in _TOKEN.finditer(text):
        found = token[0]
        if found == "{":
            if not depth:
                add_plain(token.start())
                start = token.start()
            depth += 1
            options += 1
            if _NAMED_BETWEEN.match(text, token.end()):
                raise WildcardError(
                    "The text between $$ and $$ joins the alternatives and must be plain: it"
                    " cannot contain wildcards."
                )
            if depth > MOST_DEPTH:
                raise WildcardError(f"More than {MOST_DEPTH} levels of braces.")
        elif found == "}":
            if not depth:
                raise _unmatched(text, "}", "{")
            depth -= 1
            if not depth:
                plain = token.end()
                if comment := _COMMENT.search(text, start, plain):
                    raise WildcardError(
                        f"{comment[0]} begins a comment within {{…}}, so alternatives after it"
                        " are lost. Remove it."
                    )
                parts.append(Part(text[start:plain], True))
        elif found == "|":
            options += depth > 0
        elif (name := _name_in(found, names)) is not None:
            _require_known(name, found, text, names)
            meant_names = matching(name, names)
            if all(each in faults for each in meant_names):
                worst = faults[meant_names[0]]
                raise WildcardError(f"The wildcard {found} cannot be used. {worst}")
            if not depth:
                add_plain(token.start())
                plain = token.end()
                parts.append(Part(found, True))
        if options > MOST_OPTIONS:
            raise WildcardError(
                f"More than {MOST_OPTIONS} alternatives in one prompt: put them in a file in the"
                " wildcards folder, one per line, and write its name: __name__."
            )
    if depth:
        raise _unmatched(text, "{", "}")
    add_plain(len(text))
    return parts


def meant(text: str) -> str:
    """A prompt whose braces that are no wildcards are escaped."""
    if "{" not in text:
        return text
    if is_json_object(text):
        return escaped(text)
    opened: list[list[int]] = []
    plain: set[int] = set()
    for token in _TOKEN.finditer(text):
        if token[0] == "{":
            opened.append([token.start(), _COUNT.match(text, token.end()) is not None])
        elif token[0] == "|" and opened:
            opened[-1][1] = True
        elif token[0] == "}" and opened:
            start, is_wildcard = opened.pop()
            if not is_wildcard:
                plain |= {start, token.start()}
    return "".join(f"\\{letter}" if at in plain else letter for at, letter in enumerate(text))


def _unescaped(text: str) -> str:
    return text.replace("\\{", "{").replace("\\}", "}").replace("\\__", "__")


def _unmatched(text: str, brace: str, other: str) -> WildcardError:
    escaped = re.sub(r"\\?([{}])", r"\\\1", text)
    return WildcardError(
        f"A {brace} without a {other}. Braces hold alternatives, {{red|blue}}; write \\{brace} to"
        " use it as plain text.",
        escaped,
    )


def _require_known(name: str, found: str, text: str, names: Collection[str]) -> None:
    if matching(name, names):
        return
    near = difflib.get_close_matches(name[:60], names, n=3, cutoff=0.6)
    known = ", ".join(sorted(names)[:8]) + (" …" if len(names) > 8 else "")
    raise WildcardError(
        f"There is no wildcard {found}. "
        + (f"There are {known}. " if names else "")
        + "A wildcard is a text file in the wildcards folder, one choice per line; write"
        f" \\{found} to use it as plain text.",
        *(text.replace(found, f"__{other}__") for other in near),
    )
