"""Wildcards expanded by a seed, through dynamicprompts."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from random import Random
from typing import Any

from engine.sheet.cell_findings import shown
from engine.sheet.wildcards import (
    WildcardError,
    has_wildcards,
    named_in,
    replace_named,
    split_wildcards,
    without_patterns,
)

_MOST_CHARS = 10_000
_MOST_ROUNDS = 8
_HEADER = re.compile(r"(\{\s*(?:[0-9]+-?[0-9]*|-[0-9]+)\$\$(?:(?:[^${}|]*|\|)\$\$)?)|\$")


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
_ALIAS = "\ue130{}\ue130"
_PRIVATE = re.compile("[\ue100-\ue130]")
_WORDS = re.compile("(?:[^\\W\\d_]|[\ue100-\ue12f])+")
_ANY_ALIAS = re.compile(r"__w[0-9]+__")
_TRIES = 6
"""Draws of an expression that tell whether it can be drawn."""


@dataclass(frozen=True)
class Wildcards:
    """What can stand between `__` and `__`."""

    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Name → what it can become; the choices may hold wildcards themselves."""
    broken: Mapping[str, str] = field(default_factory=dict)
    """Name → why its file cannot be read; it has no choices then."""

    @cached_property
    def manager(self) -> Any:
        """As dynamicprompts takes them."""
        from dynamicprompts.wildcards import WildcardManager  # 40 ms that most sheets never need

        hidden: dict[str, Any] = {
            self._aliases[name]: [choice.translate(_HIDE_CHOICE) for choice in choices]
            for name, choices in self.choices.items()
        }
        return WildcardManager(root_map={"": [hidden]})

    @cached_property
    def _aliases(self) -> Mapping[str, str]:
        """Names that dynamicprompts can read: files may be called anything."""
        return {name: f"w{number}" for number, name in enumerate(self.choices)}

    def readable(self, expression: str) -> str:
        """An expression of ours as dynamicprompts is to read it: what is no wildcard is hidden."""
        kept = expression.replace("\\{", _KEPT["{"]).replace("\\}", _KEPT["}"])
        kept = kept.replace("\\__", _KEPT["_"] * 2)
        kept = replace_named(kept, self.choices, lambda name: _ALIAS.format(self._aliases[name]))
        # Each one: one before a name would be read as part of it.
        kept = kept.replace("_", _KEPT["_"]).replace(_ALIAS[0], "__")
        kept = kept.translate(_HIDE_FOREIGN)
        return _HEADER.sub(lambda found: found[1] or _FOREIGN["$"], kept)

    def fault_of(self, expression: str) -> str:
        """Why an expression cannot be drawn, by those who will draw it; empty: it can.

        Args:
            expression: a part of a prompt, as `split_wildcards` finds it.
        """
        written = without_patterns(expression, self.counts)
        shape = _ANY_ALIAS.sub("\ue131", self.readable(written).replace("\n", " "))
        shape = _WORDS.sub("a", shape).replace("\ue131", "__w0__")
        return f"{shown(expression)} cannot be read. {_HOW}" if _is_faulty(shape) else ""

    @cached_property
    def counts(self) -> Mapping[str, int]:
        """Name → how many choices it has."""
        return {name: len(choices) for name, choices in self.choices.items()}

    @cached_property
    def faults(self) -> Mapping[str, str]:
        """Why some names cannot be used: a line that cannot be read, or one that leads back."""
        faults: dict[str, str] = dict(self.broken)
        uses: dict[str, set[str]] = {}
        for name, choices in self.choices.items():
            named: list[str] = []
            for choice in filter(has_wildcards, choices):
                try:
                    parts = split_wildcards(choice, self.choices)
                    for part in parts:
                        if part.is_wildcard and (fault := self.fault_of(part.text)):
                            raise WildcardError(fault)
                except WildcardError as error:
                    faults.setdefault(name, f"A line of its file reads “{choice[:60]}”: {error}")
                named += named_in(choice, self.choices)
            uses[name] = set(named)
        ends = {name for name in uses if not uses[name]}
        while more := {name for name in uses.keys() - ends if uses[name] <= ends}:
            ends |= more
        for name in uses.keys() - ends:
            faults.setdefault(name, "Its lines refer back to itself, so it may never end.")
        while spoilt := {
            name for name in uses.keys() - faults.keys() if uses[name] & faults.keys()
        }:
            for name in spoilt:
                worst = min(uses[name] & faults.keys())
                faults[name] = f"It names __{worst}__. {faults[worst]}"
        return faults


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
        text = without_patterns(text, wildcards.counts, wildcards.faults if "*" in text else ())
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
        "The wildcards never end: one of them names itself, or they name one another."
    )


def _sample(expression: str, rand: Random, wildcards: Wildcards) -> str:
    try:
        drawn = _drawn(wildcards.readable(expression), rand, wildcards)
    except Exception as error:  # whatever a parser of others raises, it is the prompt's fault
        raise WildcardError(f"{shown(expression)} cannot be read. {_HOW}") from error
    return drawn.translate(_SHOW_SAMPLED)


_HOW = "Alternatives are written {red|blue}, or {2$$red|blue|green} for two of them."


@lru_cache(4096)
def _is_faulty(shape: str) -> bool:
    """Whether an expression of this shape fails, it or any in it: which is drawn is chance."""
    known = Wildcards({"w0": ("a",)})
    groups, opened = [shape], list[int]()
    for at, letter in enumerate(shape):
        if letter == "{":
            opened.append(at)
        elif letter == "}" and opened:
            groups.append(shape[opened.pop() : at + 1])
    try:
        for group in dict.fromkeys(groups):
            for seed in range(_TRIES):
                if "__" in _drawn(group, Random(seed), known):
                    return True
    except Exception:  # whatever a parser of others raises, it is the expression's fault
        return True
    return False


def _drawn(expression: str, rand: Random, wildcards: Wildcards) -> str:
    from dynamicprompts.enums import SamplingMethod
    from dynamicprompts.sampling_context import SamplingContext

    context = SamplingContext(SamplingMethod.RANDOM, wildcards.manager, rand=rand)
    return str(next(iter(context.sample_prompts(_command(expression), 1))))


@lru_cache(1024)
def _command(expression: str) -> Any:
    """The parsed expression; parsing takes a millisecond, sampling a tenth of it."""
    from dynamicprompts.parser.parse import parse

    return parse(expression)
