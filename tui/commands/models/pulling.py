"""`promptsheet models pull`."""

from argparse import Namespace

from engine.api import Library
from tui.commands.arguments import Subcommands, folder, hub_model, words
from tui.commands.output import OK, SOME, UsageError, can_ask, confirmed, note, print_json, say
from tui.text import clean

_INTERRUPTED = 130


def register(group: Subcommands) -> None:
    """Declare it."""
    command = group.add(
        "pull",
        pull,
        "download a model from the Hugging Face Hub and add it to your list",
        examples=(
            "promptsheet models pull",
            "promptsheet models pull sdxl",
            "promptsheet models pull stabilityai/sdxl-turbo --label turbo",
            "promptsheet models pull city96/FLUX.1-dev-gguf --file flux1-dev-Q8_0.gguf --base flux",
        ),
    )
    command.add_argument(
        "repository",
        metavar="REPOSITORY[@REVISION]",
        nargs="?",
        type=hub_model,
        help="OWNER/NAME as on its page, or a name from the list (shown when left out)",
    )
    command.add_argument("--label", type=words, default="", help="its label in sheets")
    command.add_argument(
        "--file",
        type=words,
        default="",
        metavar="NAME",
        help="one .safetensors or .gguf file of it, instead of a model in diffusers' format; what"
        " it is, a LoRA too, is read from its header first",
    )
    command.add_argument(
        "--base",
        type=folder,
        metavar="FOLDER",
        help="if the file holds only a denoiser: a folder in diffusers' format with the rest",
    )
    command.add_argument(
        "--yes", action="store_true", help="pull without asking (default: show sizes first)"
    )


def pull(options: Namespace, library: Library) -> int:
    """`promptsheet models pull [REPOSITORY[@REVISION]]`."""
    from tui import pull_words
    from tui.progress import pulling

    if options.repository is None:
        return _offers(options, library)
    with library.models.pull(
        options.repository, options.label, options.file, options.base
    ) as coming:
        plan = coming.ask()
        if options.json:
            print_json({"plan": pull_words.plan_body(coming, plan)})
        else:
            say(*pull_words.plan_lines(coming, plan))
        if plan.room_fault:
            raise UsageError(plan.room_fault)
        if not plan.is_here and not _is_agreed(options):
            note("Nothing was pulled.")
            return OK if options.json else SOME
        try:
            with pulling(coming.repository.name, as_json=options.json) as show:
                for step in coming.bring():
                    show(step)
        except KeyboardInterrupt:
            note("Stopped. What was downloaded is kept: run the same command to continue.")
            return _INTERRUPTED
        label = coming.add(plan)
    kind = "lora" if plan.found.is_lora else "model"
    if options.json:
        print_json({kind: label, "folder": plan.folder, "commit": plan.found.commit})
    elif plan.found.is_lora:
        say(f"{clean(label)} was added to your LoRAs: use it in the column `lora` of a sheet.")
    else:
        say(f"{clean(label)} was added to your models: use it in the column `model` of a sheet.")
    return OK


def _is_agreed(options: Namespace) -> bool:
    if options.yes or options.json:
        return bool(options.yes)
    if not can_ask():
        raise UsageError("Pull it? Confirm with --yes.")
    return confirmed("Pull it?")


def _offers(options: Namespace, library: Library) -> int:
    from engine.api import plain
    from tui import pull_words

    if options.label or options.yes or options.file:
        raise UsageError("Name the repository to pull.")
    offers = library.models.offers()
    if options.json:
        print_json({"offers": [plain(offer) for offer in offers]})
    else:
        say(*pull_words.offer_lines(offers))
    return OK
