"""Models of the Hub that suit Promptsheet: what can be pulled by a short name."""

import difflib
import tomllib
from collections.abc import Callable
from importlib.resources import files
from typing import Annotated

from msgspec import Meta

from engine.config_records import Declared, build
from engine.models.hub.repository import PullError, Repository, named


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


def offers() -> tuple[Offer, ...]:
    """All of them, as the list has them."""
    text = (files("assets") / "models_catalog.toml").read_text(encoding="utf-8")
    return tuple(build(Offer, item) for item in tomllib.loads(text)["offers"])


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
        stem = file.rpartition("/")[2].removesuffix(".safetensors")
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
