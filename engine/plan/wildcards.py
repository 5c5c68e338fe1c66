"""Wildcards expanded by a seed, through dynamicprompts."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from random import Random
from typing import Any

from engine.sheet.wildcards import WildcardError, has_wildcards, split_wildcards

_MOST_CHARS = 10_000
_MOST_ROUNDS = 8
_HEADER = re.compile(r"(\{\s*[0-9]*-?[0-9]*\$\$(?:[^${}|]*\$\$)?)|\$")


def _letters(plain: str, start: int) -> dict[str, str]:
    """Letters for private use that stand for `plain` while it must mean nothing."""
    return {letter: chr(start + at) for at, letter in enumerate(plain)}


# dynamicprompts gives these a meaning that nobody expects in a prompt: comments, variables, ways of
# sampling.
_FOREIGN = _letters("#%~!@$", 0xE100)
# Escaped braces stay plain text in every round.
_KEPT = _letters("{}|_\\", 0xE110)
# What a wildcard's choice holds is expanded in the next round.
_LATER = _letters("{}|_\\", 0xE120)


def _back(letters: Mapping[str, str]) -> dict[int, str]:
    return str.maketrans({hidden: plain for plain, hidden in letters.items()})


_HIDE_FOREIGN = str.maketrans({k: v for k, v in _FOREIGN.items() if k != "$"})
_HIDE_KEPT, _SHOW_KEPT = str.maketrans(_KEPT), _back(_KEPT)
_HIDE_CHOICE, _SHOW_SAMPLED = str.maketrans(_FOREIGN | _LATER), _back(_FOREIGN | _LATER)
_PRIVATE = re.compile("[\ue100-\ue12f]")


@dataclass(frozen=True)
class Wildcards:
    """What can stand between `__` and `__`."""

    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Name → what it can become; the choices may hold wildcards themselves."""

    @cached_property
    def manager(self) -> Any:
        """As dynamicprompts takes them."""
        from dynamicprompts.wildcards import WildcardManager  # 40 ms that most sheets never need

        hidden: dict[str, Any] = {
            name: [choice.translate(_HIDE_CHOICE) for choice in choices]
            for name, choices in self.choices.items()
        }
        return WildcardManager(root_map={"": [hidden]})


def expand(text: str, seed: int, wildcards: Wildcards) -> str:
    """A prompt with its wildcards replaced: always the same for the same seed.

    Args:
        text: the prompt.
        seed: the image's.
        wildcards: what names stand for.

    Raises:
        WildcardError: it cannot be understood, or grows beyond all bounds.
    """
    if not has_wildcards(text):
        return text
    rand = Random(seed)
    text = _PRIVATE.sub("", text)
    for _ in range(_MOST_ROUNDS):
        parts = split_wildcards(text, wildcards.choices)
        if not any(part.is_wildcard for part in parts):
            return "".join(part.text for part in parts).translate(_SHOW_KEPT)
        text = "".join(
            _sample(part.text, rand, wildcards)
            if part.is_wildcard
            else part.text.translate(_HIDE_KEPT)
            for part in parts
        )
        if len(text) > _MOST_CHARS:
            break
    raise WildcardError(
        "The wildcards grow without end: one of them names itself, or they name one another."
    )


def _sample(expression: str, rand: Random, wildcards: Wildcards) -> str:
    from dynamicprompts.enums import SamplingMethod
    from dynamicprompts.sampling_context import SamplingContext

    context = SamplingContext(SamplingMethod.RANDOM, wildcards.manager, rand=rand)
    try:
        drawn = next(iter(context.sample_prompts(_command(expression), 1)))
    except Exception as error:  # whatever a parser of others raises, it is the prompt's fault
        raise WildcardError(
            f"{expression[:60]} cannot be read. Alternatives are written {{red|blue}}, or"
            " {2$$red|blue|green} for two of them."
        ) from error
    return str(drawn).translate(_SHOW_SAMPLED)


@lru_cache(1024)
def _command(expression: str) -> Any:
    """The parsed expression; parsing takes a millisecond, sampling a tenth of it."""
    from dynamicprompts.parser.parse import parse

    kept = expression.replace("\\{", _KEPT["{"]).replace("\\}", _KEPT["}"])
    kept = kept.replace("\\__", _KEPT["_"] * 2).translate(_HIDE_FOREIGN)
    return parse(_HEADER.sub(lambda found: found[1] or _FOREIGN["$"], kept))
