"""Bindings with an id each, so that the settings can give them other keys."""

from textual.binding import Binding


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
