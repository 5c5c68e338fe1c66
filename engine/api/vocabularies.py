"""What the cells of a sheet may say: by the settings, the models and the lists there are now."""

from functools import partial
from pathlib import Path

from engine.api.pictures import PictureFolder
from engine.library.read.shared_folder import why_unreachable
from engine.machine import may_have_gpu
from engine.models.catalog import KnownModels, Model, own_list
from engine.models.families import is_known
from engine.models.helpers import ON_GPU_ALONE, lack_of
from engine.models.hub.offers import pull_names
from engine.models.loras import KnownLora, KnownLoras, load_loras, own_loras, why_not
from engine.plan.sizes import enlarged_size, exact_size
from engine.plan.styles import caption_styles
from engine.plan.words import load_words
from engine.settings import Settings, SettingsError, loras_folder, shared_folder
from engine.sheet.check import ModelLimits, Vocabulary
from engine.sheet.vocabulary import LoraUse, PictureLook


def vocabulary(settings: Settings, models: KnownModels, pictures: PictureLook) -> Vocabulary:
    """Args: settings: limits; models: by label; pictures: how a cell's picture is looked at."""
    words = load_words()
    loras, unread = _loras(settings)
    return Vocabulary(
        models={
            label: ModelLimits(
                max_ratio=model.max_ratio,
                heeds_negative=model.heeds_negative,
                schedulers=model.kind.schedulers_for(),
                schedulers_on_pictures=model.kind.schedulers_for(on_picture=True),
                guides=model.kind.guides,
                captions=model.kind.captions,
                stranger="" if is_known(model.pipeline) else model.pipeline,
                lack=_lack(settings, model),
                size=partial(exact_size, model=model),
                enlarged=partial(enlarged_size, model=model),
                draws_on=model.draws_on,
                needs_picture=model.kind.needs_picture,
                masks=model.kind.masks,
                least_strength=model.least_strength,
                takes_loras=bool(model.kind.loras),
            )
            for label, model in models.items()
        },
        default_model=next(iter(models)),
        num_images=settings.sheet.num_images,
        prompt_chars=settings.sheet.max_prompt_chars,
        styles=tuple(words.styles),
        caption_styles=caption_styles(words.styles),
        palettes=words.palettes,
        wildcards=words.wildcards.choices,
        wildcard_faults=words.wildcards.faults,
        wildcard_fault=words.wildcards.fault_of,
        unshared=why_unreachable(shared_folder(settings)),
        model_names=settings.sheet.model_names,
        model_faults=models.faults,
        pull_name=pull_names(),
        file_faults={**words.faults, **unread},
        loras={
            name: LoraUse(lora.weight, lora.words, partial(_why_not, models, lora))
            for name, lora in loras.items()
        },
        lora_faults=loras.faults,
        pictures=pictures,
        picture_folder=pictures.folder if isinstance(pictures, PictureFolder) else None,
    )


def lists_stamp(settings: Settings) -> tuple[tuple[int, int] | None, ...]:
    """What tells whether the lists of models and LoRAs were changed; asks the disk."""
    return tuple(map(_stamp, (own_list(), own_loras(), loras_folder(settings))))


def _lack(settings: Settings, model: Model) -> str:
    """What keeps a model from being drawn with on this machine; empty: nothing known."""
    if settings.engine.render_on:  # another may be meant
        return ""
    if lack := lack_of(model.helper):
        return lack
    on_cpu = {*settings.render.devices} == {"cpu"} or not may_have_gpu()
    if model.helper == ON_GPU_ALONE and on_cpu:
        return (
            "is stored in a form that only a GPU computes with, and there is none to render on"
            " here: take one whose weights are whole"
        )
    return ""


def _stamp(place: Path | None) -> tuple[int, int] | None:
    """What tells whether a file, or which files are in a folder, is otherwise; None: nothing."""
    try:
        about = place.stat() if place is not None else None
    except OSError:
        return None
    return (about.st_mtime_ns, about.st_size) if about is not None else None


def _loras(settings: Settings) -> tuple[KnownLoras, dict[str, str]]:
    """The LoRAs there are, and why they cannot be read: that concerns rows alone that want some."""
    try:
        return load_loras(loras_folder(settings)), {}
    except SettingsError as error:
        return KnownLoras({}, {}), {"lora": str(error)}


def _why_not(models: KnownModels, lora: KnownLora, label: str) -> str:
    return why_not(lora, models[label])
