"""Answers that come when nobody waits for them any more: no key presses, and used all the same."""

import re
from collections.abc import Callable, Iterable

from textual._xterm_parser import XTermParser
from textual.message import Message

_ANSWER = re.compile(
    r"\x1bP>\|[^\x1b]*\x1b\\"  # name and version
    r"|\x1b_G[^\x1b]*\x1b\\"  # kitty graphics
    r"|\x1b\[6;\d+;\d+t"  # cell size
    r"|\x1b\[\?1004;\d\$y"  # focus
    r"|(?P<fence>\x1b\[\?[\d;]*c)"  # attributes
)
_BEGUN = re.compile(
    r"\x1b(?:P>(?:\|[^\x1b]*\x1b?)?|_G[^\x1b]*\x1b?|\[6(?:;\d*){0,2}|\[\?[\d;]*\$?)$", re.DOTALL
)
"""The beginning of an answer at the end of what was read. None of these begins a key."""
_LONGEST = 256
_MAY_BEGIN = re.compile(r"\x1b[P_\[]?$")
"""What begins an answer, and is what Alt with a key sends, too."""


class LateAnswers:
    """Takes the answers out of what the terminal sends, until the last one has come."""

    def __init__(self, begun: str = "", tell: Callable[[str], object] = lambda _: None) -> None:
        """Waits for answers.

        Args:
            begun: what has come of one that is not whole yet.
            tell: told all of them, one behind the other, when the last has come.
        """
        self._held = begun
        self._heard: list[str] = []
        self._tell = tell
        self._passed = ""
        """The end of what was handed on, if that begins both a key and an answer."""
        self.over = False
        """The last answer has come: from here on everything passes."""

    def remove_from(self, data: str) -> str:
        """`data` without answers. The beginning of one is held back until its rest comes."""
        if self.over or not data:
            return data
        if self._passed and self._goes_on(data):
            data = self._passed + data
        data, self._held = self._held + data, ""
        kept = _ANSWER.sub(self._take, data)
        begun = None if self.over else _BEGUN.search(kept)
        if begun and len(begun.group()) < _LONGEST:
            self._held = begun.group()
            kept = kept[: begun.start()]
        passed = None if self._held else _MAY_BEGIN.search(kept)
        self._passed = passed.group() if passed else ""
        return kept

    def _goes_on(self, data: str) -> bool:
        """Whether an answer was cut behind its first signs, which have passed for a key by now."""
        return bool(_ANSWER.match(self._passed + data) or _BEGUN.match(self._passed + data))

    def _take(self, answer: re.Match[str]) -> str:
        if self.over:
            return answer.group()
        self._heard.append(answer.group())
        if answer["fence"] is not None:
            self.over = True
            self._tell("".join(self._heard))
        return ""


def swallow_late_answers(begun: str, tell: Callable[[str], object]) -> None:
    """Make Textual deaf to the answers to `protocol`'s questions, until the last has come.

    Args:
        begun: what has come of one that is not whole yet.
        tell: told all of them, in the thread that hears them.
    """
    late = LateAnswers(begun, tell)
    feed = XTermParser.feed

    def feed_keys(self: XTermParser, data: str) -> Iterable[Message]:
        kept = late.remove_from(data)
        # An empty string means the end of all input to the parser.
        return feed(self, kept) if kept or not data else ()

    XTermParser.feed = feed_keys  # type: ignore[method-assign]
