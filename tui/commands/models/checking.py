"""`promptsheet models check`."""

from argparse import Namespace

from engine.api import Library
from tui.commands.arguments import Subcommands, model_label
from tui.commands.output import OK, SOME, print_json, say
from tui.text import clean


def register(group: Subcommands) -> None:
    """Declare it."""
    check = group.add(
        "check",
        check_models,
        "whether models' files are all there and whole; all models, or one",
        examples=("promptsheet models check", "promptsheet models check sdxl"),
    )
    check.add_argument("label", type=model_label, nargs="?")


def check_models(options: Namespace, library: Library) -> int:
    """`promptsheet models check [LABEL]`."""
    models = library.models.all()
    labels = [options.label] if options.label else [*models, *models.faults]
    faults = {label: library.models.check(label) for label in labels}
    if options.json:
        print_json(
            {"models": {label: {"whole": not f, "faults": f} for label, f in faults.items()}}
        )
    else:
        for label, found in faults.items():
            say(*(f"✗ {clean(label)}: {clean(fault)}" for fault in found))
            if not found:
                say(f"✓ {clean(label)} is whole.")
    return SOME if any(faults.values()) else OK
