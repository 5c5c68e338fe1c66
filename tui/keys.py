"""Bindings with an id each, so that the settings can give them other keys."""

import pkgutil
from collections.abc import Iterator
from functools import cache
from importlib import import_module

from textual.binding import Binding
from textual.dom import DOMNode


def bind(id: str, key: str, action: str, words: str, *, show: bool = True) -> Binding:  # noqa: A002
    """One binding.

    Args:
        id: `screen.action`, by which the settings and the help name it.
        key: Textual's name of the key; several with commas.
        action: Textual's action.
        words: for the footer, the palette and the help.
        show: whether the footer shows it.
    """
    return Binding(key, action, words, id=id, show=show)


@cache
def all_ids() -> frozenset[str]:
    """The ids of all bindings there are. Loads every screen the first time."""
    for name in ("tui.screens", "tui.widgets"):
        for module in pkgutil.iter_modules(import_module(name).__path__, f"{name}."):
            import_module(module.name)
    return frozenset(
        binding.id
        for kind in _below(DOMNode)
        if kind.__module__.startswith("tui.")
        for binding in vars(kind).get("BINDINGS", ())
        if isinstance(binding, Binding) and binding.id
    )


def _below(kind: type) -> Iterator[type]:
    each: type
    for each in kind.__subclasses__():
        yield each
        yield from _below(each)
