"""What a process that has a language model rewrite prompts is told and answers, a line each."""

from typing import Literal, TypeAlias

import msgspec

RewriteKind: TypeAlias = Literal["words", "caption", "enhanced"]
"""What is written, and by whom: words or a caption by a chat model, a caption by an enhancer."""


class ToRewrite(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Rewrite these prompts."""

    model: str
    """A folder, or a name on the Hub, of a transformers chat model; for `enhanced` the folder of an
    image model that has an enhancer."""
    device: str
    """"cpu", "cuda:0" …; "auto" takes the first GPU, or the CPU where there is none."""
    instruction: str
    """What a chat model is told to do."""
    prompts: list[str]
    """To be rewritten, one after the other; for captions its questions."""
    kind: RewriteKind = "words"


class FromRewriter(msgspec.Struct, frozen=True, tag_field="tells", forbid_unknown_fields=True):
    """From that process."""


class Rewritten(FromRewriter, frozen=True, tag="rewritten"):
    """A prompt is done."""

    prompt: str
    text: str


class Unfit(FromRewriter, frozen=True, tag="machine"):
    """This machine can run no model; nothing more comes."""

    reason: str


class NotRewritten(FromRewriter, frozen=True, tag="error"):
    """The model cannot be loaded, or failed; nothing more comes."""

    reason: str


AnyFromRewriter: TypeAlias = Rewritten | Unfit | NotRewritten
