"""`promptsheet models remove`."""

from argparse import Namespace
from shlex import quote

from engine.api import Library
from tui.commands.arguments import Subcommands, model_label
from tui.commands.output import OK, note, print_json, say
from tui.text import clean


def register(group: Subcommands) -> None:
    """Declare it."""
    remove = group.add(
        "remove",
        remove_model,
        "remove a model from your list; its files stay in place",
        examples=("promptsheet models remove pretty",),
    )
    remove.add_argument("label", type=model_label)


def remove_model(options: Namespace, library: Library) -> int:
    """`promptsheet models remove LABEL`."""
    from engine.api import plain
    from tui import model_words

    removed = library.models.remove(options.label)
    needed_by = library.models.needed_by(options.label)
    if options.json:
        print_json({"removed": removed.entry, "needed_by": [plain(each) for each in needed_by]})
    else:
        say(clean(model_words.removed_words(removed)))
    if needed := model_words.needed_words(needed_by):
        back = f"promptsheet models add {quote(removed.source)} --label {quote(options.label)}"
        back += f" --base {quote(removed.base)}" if removed.base else ""
        note(clean(f"{needed}: `{back}` puts it back."))
    return OK
