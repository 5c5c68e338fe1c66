"""What a language model is asked for a caption, and what its answer is worth."""

import math
import re
from collections.abc import Sequence

from engine.caption.filling import plain_caption
from engine.caption.reading import read, written

INSTRUCTION = """\
You write captions for an image model that was taught by JSON. Make one of the idea below. Answer \
with one JSON object on one line and nothing else: no talk, no code fence. Its keys, in this order:
{"high_level_description":"…","compositional_deconstruction":{"background":"…","elements":[…]}}
An element is {"type":"obj","desc":"…"} for a thing, or {"type":"text","text":"…","desc":"…"} for \
words that stand in the picture, spelled as they stand there.
- high_level_description: one sentence of at most 40 words. It begins with the subject and names \
the medium: what the idea names, else a photograph.
- background: the surroundings, the ground and the light of a scene; of a poster, a logo or \
another design its own backdrop alone, never a room it hangs in.
- elements: the subject first, then what belongs to it. Every thing, person, sign and quoted \
phrase that the idea names has an element of its own; one thing is one element. Each desc has 25 \
to 55 words and stands alone: shape, material, colours, pose, and where it is.
- Say one definite thing of each: one colour, one number, one style. Say what is seen, not how it \
feels. Keep names as they are written. Add nothing that changes what the idea is about."""
"""For a chat model; the question follows it."""

_QUESTION = re.compile(
    r"Aspect ratio: (?P<across>[0-9]{1,5}):(?P<down>[0-9]{1,5})\n"
    r"(?:Words in the picture: (?P<words>[^\n]+)\n)?Idea: "
)


def question(idea: str, across: int, down: int, words: Sequence[str] = ()) -> str:
    """What is asked: the idea, the picture's shape, and the words that stand in it."""
    divisor = math.gcd(across, down) or 1
    said = ", ".join(f"“{' / '.join(text.splitlines())}”" for text in words)
    told = f"Words in the picture: {said}\n" if said else ""
    return f"Aspect ratio: {across // divisor}:{down // divisor}\n{told}Idea: {idea}"


def idea_and_shape(asked: str) -> tuple[str, tuple[int, int]]:
    """The idea of a question, and the shape: across, down; the other way round in `question`."""
    found = _QUESTION.match(asked)
    if found is None:
        return asked, (1, 1)
    return asked[found.end() :], (int(found["across"]), int(found["down"]))


def idea_with_words(asked: str) -> str:
    """The idea of a question as a sentence that names the words that stand in the picture."""
    found, (idea, _) = _QUESTION.match(asked), idea_and_shape(asked)
    words = found["words"] if found else None
    return f"{idea.rstrip('. ')}. The words {words} stand in it." if words else idea


def answered(said: str) -> str | None:
    """The caption in what a language model said, as text; None: there is none of the schema."""
    text = said.rpartition("</think>")[2]
    start, end = text.find("{"), text.rfind("}")
    if start < 0 or end < start:
        return None
    reading = read(text[start : end + 1])
    return reading.text if reading.caption is not None else None


def without_answer(asked: str) -> str:
    """The caption of a question that no language model could answer, as text."""
    return written(plain_caption(idea_and_shape(asked)[0]))
