"""The keys: one table for the whole app, in which a verb has one key and a key one verb.

A binding's id is `screen.verb`. By it the settings can give it another key.
"""

import pkgutil
from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module

from textual._context import active_app
from textual.binding import Binding
from textual.dom import DOMNode
from textual.keys import format_key

KEYS: dict[str, str] = {
    # Everywhere
    "sheet": "1",
    "jobs": "2",
    "review": "3",
    "sessions": "4",
    "models": "f4",
    "settings": "comma",
    "help": "question_mark",
    "redraw": "ctrl+l",
    "quit": "q,ctrl+q",  # what lies over an area is left by it
    # Moving
    "up": "up,k",
    "down": "down,j",
    "left": "left,h",
    "right": "right,l",
    "first": "home,g",
    "last": "end,G",
    "page_up": "pageup",
    "page_down": "pagedown",
    "half_page_up": "ctrl+u",
    "half_page_down": "ctrl+d",
    "next": "n",  # problem, or image
    "previous": "N",
    "next_session": "right_square_bracket",
    "previous_session": "left_square_bracket",
    "row": "colon",  # to the one whose number is typed
    "scroll_down": "right_curly_bracket",
    "scroll_up": "left_curly_bracket",
    # Choosing
    "open": "enter",  # open, edit, choose: what one comes to a place for
    "leave": "escape",  # what was opened last, then the marks, then the screen
    "onward": "tab",  # to what comes next, with what is there taken
    "mark": "space",  # and go on; in Pick, where digits mark, it goes on
    "range": "v",
    "mark_all": "ctrl+a",
    # Back and forth
    "back": "backspace",  # to what one came from
    "undo": "u",
    "redo": "U,ctrl+r,ctrl+y",
    # Finding, and what is listed
    "find": "slash",
    "find_next": "full_stop",
    "find_previous": "greater_than_sign",
    "order": "O",
    "failed": "E",
    "favourites": "F",
    "all_images": "ctrl+f",  # of all sessions; of the one of the image
    "trashed": "B",
    # Looking
    "watch": "w",
    "compare": "c",
    "grid": "vertical_line",  # the sign between values in a cell
    "turn": "dollar_sign",
    "pick": "ctrl+k",  # what is kept of each row
    "several": "ampersand",
    "duel": "ctrl+t",  # two at a time
    "picture": "L",
    "zoom": "z",
    "larger": "plus",
    "smaller": "minus",
    "flip": "semicolon",  # source or result
    "wipe": "percent_sign",
    "wipe_left": "left_parenthesis",
    "wipe_right": "right_parenthesis",
    # The work
    "start": "ctrl+s",
    "start_changed": "ctrl+g",
    "stop": "s",
    "stop_all": "S",
    "resume": "r",
    "resume_all": "R",
    "retry": "t",
    "pause": "P",
    "sooner": "K",
    "later": "J",
    # Making it again
    "to_sheet": "e",  # rows, a session, the example
    "again": "m",  # rendered, with new seeds
    "same_seed": "H",  # with another prompt
    "more": "V",  # like this one
    "upscale": "Z",
    # Deciding and naming
    "favourite": "f",
    "rate": "exclamation_mark",
    "take_away": "d",  # into the trash; a row: out of the start
    "empty": "X",
    "rename": "f2",
    "tags": "number_sign",
    # Out of the app
    "write_out": "x",
    "copy_to": "C",
    "download": "D",
    "copy": "y",  # the prompt
    "copy_path": "Y",
    # The sheet
    "open_file": "o",
    "prompts": "p",
    "pictures": "ctrl+o",  # to be drawn on
    "forget": "ctrl+n",  # what was found of them
    "reload": "f5",
    "worksheet": "W",
    "template": "T",
    "add": "i",
    "pull": "less_than_sign",  # from the Hub
    "duplicate": "quotation_mark",  # a row below itself: the ditto mark
    "seeds": "at",  # other ones, in the cells
    "column": "I",
    "images": "asterisk",
    "take": "a",
    "take_alike": "A",
    "as_read": "b",
    "fill_down": "equals_sign",
    "final_prompt": "ctrl+e",
    "magic": "M",
    # The settings
    "default": "delete",
}
"""Verb → its keys by Textual's names, the one that texts name first."""

NUMBERS = {f"number_{digit}": str(digit) for digit in range(10)}
"""Where what lies over an area is numbered, the digits are the numbers: the areas' own keys do not
work there."""
_ALL = KEYS | NUMBERS

_CALLED = {
    "enter": "enter",
    "delete": "delete",
    "backspace": "backspace",
    "pageup": "page up",
    "pagedown": "page down",
}
"""Where Textual's short form is none that a sentence can have."""


def bind(
    id: str,  # noqa: A002
    action: str,
    words: str,
    *,
    show: bool = True,
    first: bool = False,
) -> Binding:
    """One binding; its keys are those of its verb.

    Args:
        id: `screen.verb`, by which the settings and the help name it.
        action: Textual's action.
        words: for the key line, the palette and the help.
        show: whether the key line shows it, as far as there is room.
        first: whether it comes before what the focus binds to the same key.

    Raises:
        KeyError: the table has no such verb.
    """
    return Binding(_ALL[verb_of(id)], action, words, id=id, show=show, priority=first)


def verb_of(id: str) -> str:  # noqa: A002
    """The part of an id that stands in the table."""
    return id.rpartition(".")[2]


def key_of(id: str) -> str:  # noqa: A002
    """How a text names the key of an action; the user's own key, where the app runs.

    Raises:
        KeyError: the table has no such verb.
    """
    keys, app = _ALL[verb_of(id)], active_app.get(None)
    if app is not None:
        keys = app._keymap.get(id, keys)
    return called(keys.split(",")[0])


def called(key: str) -> str:
    """What people call a key: the sign it types, or its name."""
    return _CALLED.get(key) or format_key(key)


def words_of(node: DOMNode, binding: Binding) -> str:
    """What a key does as things are now; empty: nothing that is worth a place on the key line.

    A node that has more to say than its bindings has a method `now_called`, which is given a
    binding's id and may answer None.
    """
    say: Callable[[str], str | None] | None = getattr(node, "now_called", None)
    said = say(binding.id) if say is not None and binding.id else None
    return binding.description if said is None else said


@cache
def all_ids() -> frozenset[str]:
    """The ids of all bindings there are. Loads every screen the first time."""
    return frozenset(binding.id for binding in all_bindings() if binding.id)


def all_bindings() -> Iterator[Binding]:
    """Every binding there is, of the running app, its screens and its widgets. Loads them all."""
    for name in ("tui.screens", "tui.widgets"):
        for module in pkgutil.iter_modules(import_module(name).__path__, f"{name}."):
            import_module(module.name)
    for kind in _below(DOMNode):
        if kind.__module__.startswith("tui."):
            for binding in vars(kind).get("BINDINGS", ()):
                yield binding if isinstance(binding, Binding) else Binding(*binding)


def _below(kind: type) -> Iterator[type]:
    each: type
    for each in kind.__subclasses__():
        yield each
        yield from _below(each)
