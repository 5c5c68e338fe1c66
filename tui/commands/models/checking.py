"""`promptsheet models check`."""

from argparse import Namespace

from engine.api import Library
from tui.commands.arguments import Subcommands, model_label
from tui.commands.output import OK, SOME, note, print_json, say
from tui.text import clean, size_text

_LONG_BYTES = 1 << 30


def register(group: Subcommands) -> None:
    """Declare it."""
    check = group.add(
        "check",
        check_models,
        "whether models' files are all there, whole, and as they were when the model came; all"
        " models, or one",
        examples=("promptsheet models check", "promptsheet models check sdxl --whole"),
    )
    check.add_argument("label", type=model_label, nargs="?")
    check.add_argument(
        "--whole",
        action="store_true",
        help="read large files to their last byte, too, which takes a while; else their headers,"
        " sizes and samples count",
    )


def check_models(options: Namespace, library: Library) -> int:
    """`promptsheet models check [LABEL]`."""
    models = library.models.all()
    labels = [options.label] if options.label else [*models, *models.faults]
    faults: dict[str, list[str]] = {}
    compared: dict[str, str | None] = {}
    for label in labels:
        record = library.models.recorded(label)
        compared[label] = record.came if record else None
        if options.whole and record and record.bytes >= _LONG_BYTES:
            note(f"{clean(label)}: reading {size_text(record.bytes)} …")
        faults[label] = library.models.check(label, whole=options.whole)
    if options.json:
        print_json(
            {
                "models": {
                    label: {"whole": not found, "faults": found, "recorded": compared[label]}
                    for label, found in faults.items()
                }
            }
        )
        return SOME if any(faults.values()) else OK
    for label, found in faults.items():
        say(*(f"✗ {clean(label)}: {clean(fault)}" for fault in found))
        if not found:
            since = f", and as it was when it was {compared[label]}" if compared[label] else ""
            say(f"✓ {clean(label)} is whole{since}.")
    return SOME if any(faults.values()) else OK
