"""`promptsheet models remove`."""

from argparse import Namespace

from engine.api import Library
from tui.commands.arguments import Subcommands, model_label
from tui.commands.output import OK, print_json, say
from tui.text import clean


def register(group: Subcommands) -> None:
    """Declare it."""
    remove = group.add(
        "remove",
        remove_model,
        "take a model out of your list; its files stay where they are",
        examples=("promptsheet models remove pretty",),
    )
    remove.add_argument("label", type=model_label)


def remove_model(options: Namespace, library: Library) -> int:
    """`promptsheet models remove LABEL`."""
    from tui import model_words

    entry = library.models.remove(options.label)
    if options.json:
        print_json({"removed": entry})
    else:
        say(clean(model_words.removed_words(entry)))
    return OK
