"""Models of the Hub that suit Promptsheet: what can be pulled by a short name."""

import difflib
import tomllib
from collections.abc import Callable, Sequence
from importlib.resources import files
from pathlib import PurePosixPath
from typing import Annotated, Literal, NamedTuple

from msgspec import Meta

from engine.config_records import Declared, build
from engine.machine import Gpu
from engine.models.hub.repository import PullError, Repository, named
from engine.models.model_files import GGUF_SUFFIX

_GB = 1_000_000_000


class Form(Declared, frozen=True):
    """One of the forms that an offer's weights come in."""

    name: Annotated[str, Meta(min_length=1)]
    """What its dtype, or its rounding, is called; behind the offer's label it is pulled by."""
    repository: Annotated[str, Meta(min_length=3)]
    about: str
    """What it costs and what it is worth, in a line."""
    gpu_gb: Annotated[float, Meta(gt=0)]
    """GPU memory, in gigabytes, from which on it is proposed: enough to have its denoisers there
    whole while its text encoder is away."""
    quantise: Literal["", "int8", "float8"] = ""
    """What it is rounded to each time it is loaded; empty: it is as it is stored."""
    capability: float = 0.0
    """The least of a GPU's compute capability."""
    machine_gb: float = 0.0
    """The machine's own memory that loading it takes, in gigabytes."""
    only_gpu: bool = False
    """Whether it can be loaded onto a GPU alone."""
    needs: str = ""
    """The package that loads it, beside those that come with Promptsheet."""


class Offer(Declared, frozen=True):
    """One of them."""

    label: Annotated[str, Meta(min_length=1)]
    """What its entry in the model list is called, unless another name is asked for."""
    repository: Annotated[str, Meta(min_length=3)]
    family: str
    """As its makers call it."""
    licence: str
    about: str
    """What it is good at, in a line."""
    gated: bool = False
    """Whether its makers want their terms accepted first, on its page."""
    download_gb: Annotated[float, Meta(gt=0)] | None = None
    """What is pulled, in gigabytes; None: only the Hub knows."""
    memory_gb: Annotated[float, Meta(gt=0)] | None = None
    """GPU memory that its makers name, in gigabytes."""
    forms: tuple[Form, ...] = ()
    """The forms that it comes in, the best first; none: there is one, that of the repository."""

    def label_of(self, form: Form) -> str:
        """By which one of its forms is pulled."""
        return f"{self.label}-{form.name}"


def offers() -> tuple[Offer, ...]:
    """All of them, as the list has them."""
    text = (files("assets") / "models_catalog.toml").read_text(encoding="utf-8")
    return tuple(build(Offer, item) for item in tomllib.loads(text)["offers"])


class Chosen(NamedTuple):
    """A form of an offer that was named, or is proposed."""

    offer: Offer
    form: Form


def chosen(text: str, gpu: Gpu | None, machine_bytes: int) -> Chosen | None:
    """The form of an offer that a name means; None: it means no offer that has several.

    Args:
        text: the label of an offer, then that which suits the machine is proposed; or with the
            form's name behind it, `ideogram-4-nf4`. A revision may follow.
        gpu: the roomiest there is; None: none.
        machine_bytes: of the machine's own memory.
    """
    label = text.strip().partition("@")[0].casefold()
    for offer in offers():
        for form in offer.forms:
            if label == offer.label_of(form).casefold():
                return Chosen(offer, form)
        if offer.forms and label == offer.label.casefold():
            return Chosen(offer, suited(offer.forms, gpu, machine_bytes))
    return None


def suited(forms: Sequence[Form], gpu: Gpu | None, machine_bytes: int) -> Form:
    """The first of an offer's forms that a machine can draw with in full speed; else the last.

    Args:
        forms: the best first; one at least.
        gpu: the roomiest there is; None: what can be loaded without one, the first.
        machine_bytes: of the machine's own memory.
    """
    if gpu is None:
        return next((each for each in forms if not each.only_gpu), forms[-1])
    for each in forms:
        fits = gpu.total >= each.gpu_gb * _GB and machine_bytes >= each.machine_gb * _GB
        if fits and gpu.capability >= each.capability:
            return each
    return forms[-1]


def pull_names() -> Callable[[str], str]:
    """Tells what `models pull` takes for a model that a cell names; empty: none of the Hub's.

    An offer's label or its repository's, whatever the capitals and what is between the words; and
    what is written as OWNER/NAME. The list is read now, and not when it is asked.
    """
    known = {
        _key(name): offer.label
        for offer in offers()
        for name in (offer.label, offer.repository, offer.repository.partition("/")[2])
    }
    known |= {_key(name): name for o in offers() for name in (o.label_of(each) for each in o.forms)}

    def pull_name(text: str) -> str:
        if label := known.get(_key(text)):
            return label
        try:
            return named(text).name
        except PullError:
            return ""

    return pull_name


def offers_like(text: str) -> tuple[Offer, ...]:
    """The offers that a name may mean, the likeliest first; none: it is like none of them."""
    key = _key(text)
    likeness = {offer.label: _likeness(key, offer) for offer in offers()} if key else {}
    likely = [offer for offer in offers() if likeness.get(offer.label, 0.0) >= _LIKE]
    likely.sort(key=lambda offer: -likeness[offer.label])
    return tuple(likely[:_MOST_ALIKE])


_LIKE, _MOST_ALIKE, _LONG_ENOUGH = 0.7, 3, 4


def _likeness(key: str, offer: Offer) -> float:
    """From 0 to 1: 1 is a name of its own, below follow its family's, and what holds a name."""
    repository = offer.repository.partition("/")[2]
    names = [_key(name) for name in (offer.label, offer.repository, repository)]
    if key in names:
        return 1.0
    names.append(_key(offer.family))
    if key == names[-1]:
        return 0.95
    if any(len(name) >= _LONG_ENOUGH and name in key for name in names):
        return 0.9
    within = len(key) >= _LONG_ENOUGH and any(key in name for name in names)
    ratios = (difflib.SequenceMatcher(None, key[:200], name).ratio() for name in names)
    return max(_LIKE if within else 0.0, 0.85 * max(ratios))


def _key(text: str) -> str:
    return "".join(letter for letter in text.casefold() if letter.isalnum())


def wanted(text: str, file: str = "") -> tuple[Repository, str]:
    """The repository that is meant, and the label that a model of it gets.

    Args:
        text: `OWNER/NAME[@REVISION]`, its page's address, or the label of an offer.
        file: the one weights file of it that is meant; empty: a model in diffusers' format.

    Raises:
        PullError: it means none.
    """
    if file:
        repository = named(text)
        stem = PurePosixPath(file).name.removesuffix(".safetensors").removesuffix(GGUF_SUFFIX)
        return Repository(repository.name, repository.revision, file), "-".join(stem.split())
    label, at, revision = text.strip().partition("@")
    for offer in offers():
        if label.casefold() == offer.label.casefold():
            return named(f"{offer.repository}{at}{revision}"), offer.label
    repository = named(text)
    for offer in offers():
        if repository.name == offer.repository:
            return repository, offer.label
    return repository, repository.name.rpartition("/")[2].casefold()
