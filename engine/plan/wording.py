"""What a row's prompt becomes before the model gets it: wildcards, magic prompt, style."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.models.family import Family
from engine.plan.magic import enrich
from engine.plan.styles import apply_style, template_of
from engine.plan.wildcards import expand
from engine.plan.words import Words
from engine.sheet.rows import RowValues

Rewrites = Mapping[str, str]
"""Prompt, its wildcards expanded → what a language model made of it."""


@dataclass(frozen=True, slots=True)
class Wording:
    """A prompt on its way to the model."""

    expanded: str
    """Wildcards replaced."""
    enriched: str
    """After the magic prompt."""
    prompt: str
    """With the style's words: final."""
    negative_prompt: str
    """Final."""


@dataclass(frozen=True)
class Wordsmith:
    """What is needed to word any row for one model."""

    family: Family
    words: Words = field(default_factory=Words)
    rewrites: Rewrites = field(default_factory=dict)

    def word(self, values: RowValues, seed: int) -> Wording:
        """The wording for one image.

        Args:
            values: its row.
            seed: its seed, which draws the wildcards.

        Raises:
            WildcardError: the prompt's wildcards cannot be expanded.
            SettingsError: the style is not there any more.
        """
        expanded = expand(values.prompt, seed, self.words.wildcards)
        unwanted = expand(values.negative_prompt, seed, self.words.wildcards)
        template = template_of(values.style, self.family.name, self.words.styles)
        if final := values.final_prompt:
            _, negative = apply_style(template, final, unwanted)
            return Wording(final, final, final, negative)
        enriched = expanded
        if values.magic_prompt:
            enriched = self.rewrites.get(expanded) or enrich(
                expanded, self.family, self.words.magic
            )
        prompt, negative = apply_style(template, enriched, unwanted)
        return Wording(expanded, enriched, prompt, negative)
