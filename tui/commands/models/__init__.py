"""`promptsheet models …`: the models there are, and what can be done with them.

A module for each of its subcommands, declared in its `register`. What they do is a method of
`engine.api.models.Models`; words for people are in `tui.model_words`. Begin with `listing`.
"""

from tui.commands.arguments import Subcommands
from tui.commands.models import adding, checking, listing, pulling, removing

_MODULES = (listing, adding, pulling, checking, removing)


def register(subcommands: Subcommands) -> None:
    """Declare the group, and all that is in it."""
    group = subcommands.group(
        "models",
        "the models there are: which, how large, what they can do",
        examples=("promptsheet models list", "promptsheet models pull sdxl"),
    )
    for module in _MODULES:
        module.register(group)
