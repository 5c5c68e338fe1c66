"""What a row's prompt becomes for a model that was taught by captions: words, or a caption."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.caption.filling import (
    BY_WORDS,
    Clash,
    Wishes,
    WordsToShow,
    filled,
    ordered_palette,
    plain_caption,
)
from engine.caption.layout import read_layout
from engine.caption.question import question, without_answer
from engine.caption.reading import looks_like_caption, read, written
from engine.plan.palettes import resolve_palette
from engine.plan.sizes import parse_ratio
from engine.plan.styles import PLACE, Template, apply_style
from engine.plan.words import Words as KnownWords
from engine.sheet.columns import TEXTS_IN_PICTURE
from engine.sheet.rows import RowValues

_FRAME = "caption"


@dataclass(frozen=True, slots=True)
class Captioned:
    """What a model of captions is told of a row."""

    prompt: str
    """A caption, or words."""
    is_own: bool = False
    """Whether the caption is the row's own."""
    is_answer: bool = False
    """Whether a language model made it."""
    clashes: tuple[Clash, ...] = ()
    """What columns ask for beside an own caption that says otherwise."""

    @property
    def is_caption(self) -> bool:
        """Whether it is a caption."""
        return looks_like_caption(self.prompt)


def captioned(
    values: RowValues,
    expanded: str,
    template: Template,
    words: KnownWords,
    answers: Mapping[str, str],
) -> Captioned:
    """What a model of captions is told of a row.

    A caption of the row's own keeps what it says, and columns fill in what it leaves out. Of plain
    words a caption is made where magic_prompt is on, or where a column has something to put into
    one; else they stay words.

    Args:
        values: the row.
        expanded: its prompt, wildcards expanded.
        template: of its style.
        words: the palettes that there are.
        answers: what is asked of a language model → its caption.

    Raises:
        SettingsError: the palette is not there any more.
    """
    wishes = wishes_of(values, template, words)
    if looks_like_caption(expanded):
        reading = read(expanded)
        if reading.caption is None or reading.text != expanded:
            return Captioned(expanded, is_own=True)  # kept as it was written, to the letter
        caption, clashes = filled(reading.caption, wishes, own=True)
        clashes = (BY_WORDS, *clashes) if template.prompt != PLACE else clashes
        return Captioned(written(caption), is_own=True, clashes=clashes)
    idea = _idea(expanded, template)
    if not values.magic_prompt:
        return Captioned(written(plain_caption(idea, wishes)) if wishes else idea)
    answer = read(answers.get(asked(values, expanded, template), "")).caption
    if answer is None:
        return Captioned(written(plain_caption(idea, wishes)))
    return Captioned(written(filled(answer, wishes)[0]), is_answer=True)


def wishes_of(values: RowValues, template: Template, words: KnownWords) -> Wishes:
    """What a row's columns ask of its caption.

    Raises:
        SettingsError: the palette is not there any more.
    """
    palette = ordered_palette(resolve_palette(values.color_palette, words.palettes))
    return Wishes(template.caption, palette, _words(values), dict(read_layout(values.layout)))


def _words(values: RowValues) -> tuple[WordsToShow, ...]:
    each = ((name, getattr(values, name)) for name in TEXTS_IN_PICTURE)
    return tuple(WordsToShow(name, text) for name, text in each if text)


def asked(values: RowValues, expanded: str, template: Template) -> str:
    """What a language model is asked of a row; its wording is the answer's name."""
    words = [text for _, text in _words(values)]
    return question(_idea(expanded, template), *_shape(values), words)


def frame(values: RowValues, template: Template, words: KnownWords) -> str:
    """What columns put into the caption that a language model will make, as text to be kept.

    Raises:
        SettingsError: the palette is not there any more.
    """
    wishes = wishes_of(values, template, words)
    body = {
        "style": wishes.style,
        "palette": wishes.palette,
        "words": [list(each) for each in wishes.words],
        "places": wishes.places,
    }
    # A template of words holds its place once; a frame never does.
    return json.dumps({_FRAME: body}).replace(PLACE, r"\u007bprompt}")


def is_frame(around: str) -> bool:
    """Whether a text is what `frame` makes, not a style's words with a place for the prompt."""
    return PLACE not in around


def put_around(around: str, asked: str, answer: str) -> str:
    """A language model's answer with what columns add: the final prompt.

    Args:
        around: a style's words with a place for the answer, or what `frame` made.
        asked: what the language model was asked.
        answer: words, or a caption.
    """
    if not is_frame(around):
        return apply_style(Template(around), answer, "")[0]
    body: dict[str, Any] = json.loads(around)[_FRAME]
    wishes = Wishes(
        style=body["style"],
        palette=tuple(body["palette"]),
        words=tuple(WordsToShow(*each) for each in body["words"]),
        places={name: _box(box) for name, box in body["places"].items()},
    )
    caption = read(answer).caption or read(without_answer(asked)).caption
    return written(filled(caption, wishes)[0]) if caption is not None else answer


def _box(box: Sequence[int]) -> tuple[int, int, int, int]:
    top, left, bottom, right = box
    return top, left, bottom, right


def _idea(expanded: str, template: Template) -> str:
    return apply_style(template, expanded, "")[0]


def _shape(values: RowValues) -> tuple[int, int]:
    if values.width and values.height:
        return values.width, values.height
    return parse_ratio(values.aspect_ratio)
