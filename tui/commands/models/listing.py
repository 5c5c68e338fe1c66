"""`promptsheet models list`."""

from argparse import Namespace

from engine.api import Library
from tui.commands.arguments import Subcommands
from tui.commands.output import OK, print_json, say


def register(group: Subcommands) -> None:
    """Declare it."""
    group.add(
        "list",
        list_models,
        "the models there are, and what each needs and can do",
        examples=("promptsheet models list", "promptsheet models list --json"),
    )


def list_models(options: Namespace, library: Library) -> int:
    """`promptsheet models list`."""
    from engine.api import plain
    from tui import model_words

    found = library.models.described()
    if options.json:
        print_json({"models": [plain(info) for info in found]})
    else:
        say(*model_words.model_lines(found))
    return OK
