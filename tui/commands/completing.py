"""What can come next in a command line that is being typed: commands, options, sessions, labels.

Follows the parser's own declarations, by what an argument can be (`tui.commands.arguments`), so
that nothing is declared twice. Loads no more than what is asked for: somebody pressed tab.
"""

import shlex
from argparse import Action
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tui.commands import arguments
from tui.commands.parser import Parser
from tui.text import clean

if TYPE_CHECKING:
    from engine.api import Library

Files = Literal["", "files", "folders"]
EVERY_SESSION = "all"


@dataclass(frozen=True, slots=True)
class Candidate:
    """One thing that can come next."""

    text: str
    about: str = ""


@dataclass(frozen=True, slots=True)
class Next:
    """What can come next."""

    candidates: Sequence[Candidate]
    files: Files = ""
    """Which names on the disk can come next, too."""


def words_of(line: str) -> list[str]:
    """The words of a shell's line so far, without their quotes; the last may be empty.

    Args:
        line: from the command's name to the cursor.
    """
    for close in ("", "'", '"', "\\"):
        reader = shlex.shlex(line + close, posix=True)
        reader.whitespace_split, reader.commenters = True, ""
        with suppress(ValueError):
            words = list(reader)
            break
    else:
        return line.split()
    is_new = not close and line[-1:].isspace() and not line.endswith("\\ ")
    return [*words, ""] if is_new or not words else words


def what_next(parser: Parser, words: Sequence[str], library: Callable[[], "Library"]) -> Next:
    """What can stand in place of the last word, or go on from it.

    Args:
        parser: of the whole command.
        words: what was typed after the command's name; the last of them up to the cursor.
        library: makes the library that is meant.
    """
    *before, last = words or [""]
    here = _LineReading(parser)
    for word in before:
        here.take(word)
    return here.next(last, library)


class _LineReading:
    """How far a command line was read."""

    def __init__(self, parser: Parser) -> None:
        self._top = True
        self._enter(parser)
        self._options_end = False

    def _enter(self, parser: Parser) -> None:
        self._parser = parser
        self._awaited: Action | None = None
        self._unnamed = [a for a in parser.declared if not a.option_strings]

    def take(self, word: str) -> None:
        """Read one word."""
        if self._awaited is not None and word != "=":
            self._awaited = None
        elif word == "--" and not self._options_end:
            self._options_end = True
        elif word.startswith("-") and len(word) > 1 and not self._options_end:
            name, equals, _ = word.partition("=")
            option = self._option(name)
            self._awaited = option if option is not None and not equals else None
        elif self._unnamed:
            if word in (inner := self._parser.inner):
                self._top = False
                self._enter(inner[word])
            elif self._unnamed[0].nargs in (None, "?"):
                del self._unnamed[0]

    def _option(self, name: str) -> Action | None:
        """The option of that name, if a value follows it."""
        found = (a for a in self._parser.declared if name in a.option_strings and a.nargs != 0)
        return next(found, None)

    def next(self, last: str, library: Callable[[], "Library"]) -> Next:
        """What can stand in place of `last`."""
        if self._awaited is not None:
            return _values(self._awaited, last, library)
        if last.startswith("-") and not self._options_end:
            name, equals, value = last.partition("=")
            if equals and (option := self._option(name)) is not None:
                found = _values(option, value, library)
                joined = [Candidate(f"{name}={c.text}", c.about) for c in found.candidates]
                return Next(joined, found.files)
            return Next(list(self._options()))
        if not self._unnamed:
            return Next(list(self._options()) if not self._options_end else [])
        inner = self._parser.inner
        if not inner:
            return _values(self._unnamed[0], last, library)
        commands = [Candidate(name, about) for name, about in _abouts(self._parser)]
        return Next(commands, "files" if self._top else "")

    def _options(self) -> Iterator[Candidate]:
        for action in self._parser.declared:
            for name in action.option_strings:
                if name.startswith("--") or len(action.option_strings) == 1:
                    yield Candidate(name, (action.help or "").partition(";")[0])


def _abouts(parser: Parser) -> Iterator[tuple[str, str]]:
    """The subcommands with what they do."""
    for name, inner in parser.inner.items():
        yield name, " ".join((inner.description or "").split()).partition(";")[0]


def _values(action: Action, last: str, library: Callable[[], "Library"]) -> Next:
    """What an argument can be."""
    if action.choices is not None:
        return Next([Candidate(str(choice)) for choice in action.choices])
    if action.type in (Path, arguments.file_name, arguments.output_file):
        return Next([], "files")
    if action.type is arguments.folder:
        return Next([], "folders")
    find = _FINDERS.get(action.type)
    if find is None:
        return Next([])
    with suppress(Exception):  # whoever presses tab is told of nothing; the command itself tells
        return Next(list(find(library(), last)))
    return Next([])


def _sessions(library: "Library", last: str) -> Iterator[Candidate]:
    names = library.session_names()
    if names:
        yield Candidate("last", f"the newest: {clean(names[0][1])}")
    yield from _named(names, last)


def _sessions_or_all(library: "Library", last: str) -> Iterator[Candidate]:
    yield from _sessions(library, last)
    yield Candidate(EVERY_SESSION, "every session")


def _trashed(library: "Library", last: str) -> Iterator[Candidate]:
    yield from _named(library.session_names(trashed=True), last)
    yield from _sessions(library, last)


def _named(names: Sequence[tuple[str, str]], last: str) -> Iterator[Candidate]:
    """By their names; by their ids where these are begun, or where a name does not tell which."""
    listed = [name for _, name in names]
    for key, name in names:
        is_plain = name == clean(name) and listed.count(name) == 1 and not name.startswith("-")
        if is_plain:
            yield Candidate(name, key)
        if not is_plain or (last and key.startswith(last)):
            yield Candidate(key, clean(name))


def _labels(library: "Library", _: str) -> Iterator[Candidate]:
    yield from map(Candidate, library.model_labels())


def _loras(library: "Library", last: str) -> Iterator[Candidate]:
    *before, _ = last.rpartition(",")
    for lora in library.loras().values():
        yield Candidate(f"{''.join(before)}{lora.label}:{lora.weight:g}", lora.family)


def _offers(library: "Library", _: str) -> Iterator[Candidate]:
    for offer in library.models.offers():
        yield Candidate(offer.label, offer.about)


def _pages(_: "Library", __: str) -> Iterator[Candidate]:
    from tui.commands.guide import topics

    yield from (Candidate(name, title) for name, title in topics().items())


def _papers(_: "Library", __: str) -> Iterator[Candidate]:
    from engine.api import PAPERS

    yield from map(Candidate, PAPERS)


def _under(_library: "Library", last: str) -> Iterator[Candidate]:
    from engine.api import UNDER

    before, comma, _end = last.rpartition(",")
    yield from (Candidate(f"{before}{comma}{name}") for name in UNDER if name not in before)


_FINDERS: dict[object, Callable[["Library", str], Iterator[Candidate]]] = {
    arguments.session_name: _sessions,
    arguments.session_or_all: _sessions_or_all,
    arguments.trashed_session: _trashed,
    arguments.model_label: _labels,
    arguments.lora_weights: _loras,
    arguments.hub_model: _offers,
    arguments.guide_page: _pages,
    arguments.paper: _papers,
    arguments.under_image: _under,
}
