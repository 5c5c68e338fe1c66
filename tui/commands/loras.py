"""The subcommand on LoRAs."""

from argparse import Namespace

from engine.api import Library
from tui.commands.arguments import Subcommands
from tui.commands.output import OK, print_json, say
from tui.text import clean


def register(subcommands: Subcommands) -> None:
    """Declare it."""
    subcommands.add(
        "loras",
        loras,
        "list the LoRAs you can use in the column lora",
        examples=("promptsheet loras", "promptsheet loras --json"),
        any_version=True,
    )


def loras(options: Namespace, library: Library) -> int:
    """`promptsheet loras`."""
    known = library.loras()
    if options.json:
        print_json(
            {
                "loras": [
                    {
                        "label": lora.label,
                        "file": str(lora.file),
                        "family": lora.family or None,
                        "weight": lora.weight,
                        "words": list(lora.words),
                    }
                    for lora in known.values()
                ],
                "faults": known.faults,
            }
        )
        return OK
    for lora in known.values():
        words = f"  trigger words {', '.join(lora.words)}" if lora.words else ""
        say(clean(f"{lora.label}:{lora.weight:g}  {lora.family or '–'}  {lora.file}{words}"))
    folder = library.settings.loras_folder
    if not known and folder:
        say(f"No LoRAs that can be used in {clean(str(folder))}, the setting loras_folder.")
    elif not known:
        say('No LoRAs yet. Set their folder in the settings: loras_folder = "/data/loras"')
    for label, fault in known.faults.items():
        say(clean(f"! {label}: {fault}"))
    return OK
