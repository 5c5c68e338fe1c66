"""What a row's prompt becomes before the model gets it: wildcards, magic prompt, style, caption."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.caption.reading import looks_like_caption
from engine.models.family import Family
from engine.plan.captioning import Captioned, asked, captioned, frame
from engine.plan.magic import enrich
from engine.plan.styles import apply_style, template_of
from engine.plan.wildcards import expand
from engine.plan.words import Words
from engine.sheet.rows import RowValues

Rewrites = Mapping[str, str]
"""What a language model is asked (`Question.text`) → what it made of it."""


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
    captioned: Captioned | None = None
    """How it came about for a model of captions; None: it is another, or the row says it itself."""


@dataclass(frozen=True, slots=True)
class Question:
    """What a language model is asked for one image, and what is put around its answer."""

    text: str
    around: str
    """As `captioning.put_around` takes it."""
    captions: bool
    """Whether it is asked for a caption; else for words."""


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
        if self.family.captions:
            made = captioned(values, expanded, template, self.words, self.rewrites)
            return Wording(expanded, made.prompt, made.prompt, unwanted, made)
        enriched = expanded
        if values.magic_prompt:
            enriched = self.rewrites.get(expanded) or enrich(
                expanded, self.family, self.words.magic
            )
        prompt, negative = apply_style(template, enriched, unwanted)
        return Wording(expanded, enriched, prompt, negative)

    def question(self, values: RowValues, seed: int) -> Question | None:
        """What a language model is asked for one image; None where it has no say.

        Raises:
            WildcardError, SettingsError: as `word`.
        """
        if not values.magic_prompt or values.final_prompt:
            return None
        expanded = expand(values.prompt, seed, self.words.wildcards)
        template = template_of(values.style, self.family.name, self.words.styles)
        if not self.family.captions:
            return Question(expanded, template.prompt, captions=False)
        if looks_like_caption(expanded):
            return None
        around = frame(values, template, self.words)
        return Question(asked(values, expanded, template), around, captions=True)
