"""`promptsheet models add`: a folder in diffusers' format, a weights file, or a folder full."""

from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from engine.api import Library
from tui.commands.arguments import Subcommands, folder, words
from tui.commands.output import OK, SOME, UsageError, can_ask, confirmed, print_json, say
from tui.text import clean, count_text

if TYPE_CHECKING:
    from engine.api import FoundModel


def register(group: Subcommands) -> None:
    """Declare it."""
    add = group.add(
        "add",
        add_model,
        "put a model into your list: a folder in diffusers' format, a .safetensors or .gguf file,"
        " or a folder full of them; what was found is shown first, and files stay where they are",
        examples=(
            "promptsheet models add /data/models/stable-diffusion-xl-base-1.0",
            "promptsheet models add some-checkpoint.safetensors --label pretty",
            "promptsheet models add flux-finetuned.safetensors --base /data/models/FLUX.1-dev",
        ),
    )
    add.add_argument("path", type=Path)
    add.add_argument("--label", type=words, default="", help="its label in sheets")
    add.add_argument(
        "--base",
        type=folder,
        metavar="FOLDER",
        help="if the file holds only a denoiser: a folder in diffusers' format with the rest",
    )
    add.add_argument("--yes", action="store_true", help="add without asking")


def add_model(options: Namespace, library: Library) -> int:
    """`promptsheet models add PATH`."""
    found = library.models.look_at(options.path, options.base)
    if found.is_tree:
        return _add_all(options, library)
    if found.is_lora:
        return _add_lora(found, options, library)
    return _add_one(found, options, library)


def _add_one(found: "FoundModel", options: Namespace, library: Library) -> int:
    from engine.api import plain
    from tui import model_words

    info = library.models.would_be(found, options.label)
    if not options.json:
        say(*model_words.found_lines(info, found))
    if _may_add(options, f"Add it to your models as {clean(info.label)}?"):
        info = library.models.add(found, info.label)
        added = True
    else:
        added = False
    if options.json:
        print_json({"model": plain(info), "added": added})
    elif added:
        say(
            f"{clean(info.label)} was added to your models: use it in the column `model` of a"
            " sheet."
        )
    else:
        say("Nothing was added.")
    return OK if added or options.json else SOME


def _add_lora(found: "FoundModel", options: Namespace, library: Library) -> int:
    """A LoRA, which is told by its header, comes into the list of LoRAs."""
    from engine.api import plain

    assert found.kind is not None
    if why := library.models.why_no_lora(found):
        raise UsageError(f"{clean(found.path.name)}: {clean(why)}")
    if not options.json:
        say(f"{clean(found.path.name)} is {clean(found.kind.words)}.")
    label = ""
    if _may_add(options, "Add it to your LoRAs?"):
        label = library.models.add_lora(found, options.label)
    if options.json:
        print_json({"lora": plain(found) | {"label": label or None}, "added": bool(label)})
    elif label:
        say(f"{clean(label)} was added to your LoRAs: use it in the column `lora` of a sheet.")
    else:
        say("Nothing was added.")
    return OK if label or options.json else SOME


def _add_all(options: Namespace, library: Library) -> int:
    """Everything in a folder that is a model and is not in the list yet."""
    from engine.api import plain
    from tui import model_words

    if options.label or options.base:
        raise UsageError(
            f"{clean(str(options.path))} is a folder of files: --label and --base work for a"
            " single model only."
        )
    found = list(library.models.look_through(options.path))
    labels = library.models.labels_of(*found)
    known = {each.path: named for each, named in zip(found, labels, strict=True)}
    fresh = [each for each in found if not each.fault and not known[each.path]]
    if not options.json:
        say(*(model_words.found_line(each, known[each.path]) for each in found))
        if not fresh:
            say(f"No new models in {clean(str(options.path))}.")
    asked = f"Add {count_text(len(fresh), 'model')}?"
    added = []
    if fresh and _may_add(options, asked):
        added = library.models.add_all(fresh)
    if options.json:
        print_json(
            {
                "found": [
                    plain(each) | {"path": str(each.path), "labels": known[each.path]}
                    for each in found
                ],
                "added": added,
            }
        )
    elif added:
        say(model_words.added_words(added))
    elif fresh:
        say("Nothing was added.")
    return OK if added or options.json else SOME


def _may_add(options: Namespace, question: str) -> bool:
    if options.yes or options.json:
        return bool(options.yes)
    if not can_ask():
        raise UsageError(f"{question} Confirm with --yes.")
    return confirmed(question)
