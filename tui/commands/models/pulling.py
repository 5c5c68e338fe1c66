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
        "fetch a model from the Hugging Face Hub, and add it to the model list",
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
        help="OWNER/NAME as on its page, or a name of the list that is shown without one",
    )
    command.add_argument("--label", type=words, default="", help="what the `model` column calls it")
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
        help="for a file of a denoiser alone: a folder in diffusers' format that has the rest",
    )
    command.add_argument(
        "--yes", action="store_true", help="pull it without a question; else sizes are shown first"
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
            note("Stopped. What has come is kept: the same command goes on from there.")
            return _INTERRUPTED
        label = coming.add(plan)
    kind = "lora" if plan.found.is_lora else "model"
    if options.json:
        print_json({kind: label, "folder": plan.folder, "commit": plan.found.commit})
    elif plan.found.is_lora:
        say(f"{clean(label)} is in your LoRAs: write it in a sheet's column `lora`.")
    else:
        say(f"{clean(label)} is in your models: write it in a sheet's column `model`.")
    return OK


def _is_agreed(options: Namespace) -> bool:
    if options.yes or options.json:
        return bool(options.yes)
    if not can_ask():
        raise UsageError("Pull it? Say so with --yes.")
    return confirmed("Pull it?")


def _offers(options: Namespace, library: Library) -> int:
    from engine.api import plain
    from tui import pull_words

    if options.label or options.yes or options.file:
        raise UsageError("Name the repository that is to be pulled.")
    offers = library.models.offers()
    if options.json:
        print_json({"offers": [plain(offer) for offer in offers]})
    else:
        say(*pull_words.offer_lines(offers))
    return OK
