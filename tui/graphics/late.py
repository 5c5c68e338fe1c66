"""Answers that come when nobody waits for them any more, kept from being taken for key presses."""

import re
from collections.abc import Iterable

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


class LateAnswers:
    """Takes the answers out of what the terminal sends, until the last one has come."""

    def __init__(self) -> None:
        self._held = ""
        self.over = False
        """The last answer has come: from here on everything passes."""

    def remove_from(self, data: str) -> str:
        """`data` without answers. The beginning of one is held back until its rest comes."""
        if self.over:
            return data
        data, self._held = self._held + data, ""
        kept = _ANSWER.sub(self._take, data)
        begun = None if self.over else _BEGUN.search(kept)
        if begun and len(begun.group()) < _LONGEST:
            self._held = begun.group()
            kept = kept[: begun.start()]
        return kept

    def _take(self, answer: re.Match[str]) -> str:
        if self.over:
            return answer.group()
        self.over = answer["fence"] is not None
        return ""


def swallow_late_answers() -> None:
    """Make Textual deaf to the answers to `protocol`'s questions, until the last has come."""
    late = LateAnswers()
    feed = XTermParser.feed

    def feed_keys(self: XTermParser, data: str) -> Iterable[Message]:
        kept = late.remove_from(data)
        # An empty string means the end of all input to the parser.
        return feed(self, kept) if kept or not data else ()

    XTermParser.feed = feed_keys  # type: ignore[method-assign]
