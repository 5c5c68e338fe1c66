"""The magic prompt by a local language model: in a process of its own, each answer kept.

It is words around a prompt's words, or a caption for a model that was taught by these; a caption is
written by the model's own enhancer, where its folder has that, else by the chat model.
"""

import asyncio
import contextlib
import hashlib
import sys
from collections.abc import AsyncGenerator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path

import msgspec
from msgspec import structs

from engine.caption.question import INSTRUCTION
from engine.errors import PromptsheetError, reason_of
from engine.models.catalog import Model
from engine.models.families import ENHANCER
from engine.models.fingerprint import fingerprint
from engine.protocol.rewriting import (
    AnyFromRewriter,
    NotRewritten,
    RewriteKind,
    Rewritten,
    ToRewrite,
    Unfit,
)
from engine.settings import MagicSettings, cache_folder, expanded
from engine.unfinished_files import written_beside

_LINE_BYTES = 16 << 20


def who_writes(
    model: Model | None, magic: MagicSettings, *, captions: bool
) -> tuple[MagicSettings, RewriteKind] | None:
    """Which language model writes magic prompts for a model, and what; None: there is none.

    Args:
        model: that draws.
        magic: the settings.
        captions: whether a caption is to be written; else words.
    """
    if captions and model is not None and model.has_enhancer:
        return structs.replace(magic, model=str(model.source), instruction=""), "enhanced"
    if not magic.model:
        return None
    if captions:
        return structs.replace(magic, instruction=INSTRUCTION), "caption"
    return magic, "words"


class RewriteError(PromptsheetError):
    """The language model does not answer; the message says why and what to do."""


class RewriterDiedError(RewriteError):
    """Its process ended without a word, or cannot run here: asked again, it may well answer."""


def rewritten(
    prompts: Sequence[str], settings: MagicSettings, kind: RewriteKind = "words"
) -> dict[str, str]:
    """Prompt → what the language model makes of it. Waits; not for an event loop.

    Raises:
        RewriteError: the model cannot be loaded, or stops answering.
    """

    async def gathered() -> dict[str, str]:
        found: dict[str, str] = {}
        async with contextlib.aclosing(rewrites(prompts, settings, kind)) as answers:
            async for some in answers:
                found |= some
        return found

    return asyncio.run(gathered())


async def rewrites(
    prompts: Sequence[str], settings: MagicSettings, kind: RewriteKind = "words"
) -> AsyncGenerator[dict[str, str]]:
    """Prompts with what the language model makes of them, as they come.

    Answers are kept by content (model, instruction, prompt) in the user's cache: what is known
    comes first, and the model is asked for the rest alone.

    Args:
        prompts: wildcards expanded; for a caption its questions.
        settings: which model, and what it is told.
        kind: what it writes. An answer that should be a caption and is none is empty.

    Raises:
        RewriteError: the model cannot be loaded, or stops answering.
    """
    identity = await asyncio.to_thread(_identity, settings, kind)
    places = {prompt: _place(identity, prompt) for prompt in prompts}
    known = await asyncio.to_thread(_kept_of, places)
    if known:
        yield known
    if missing := {prompt: place for prompt, place in places.items() if prompt not in known}:
        async with contextlib.aclosing(_ask(list(missing), settings, kind)) as answers:
            async for prompt, text in answers:
                await asyncio.to_thread(_keep, missing[prompt], text)
                yield {prompt: text}


def known_rewrite(prompt: str, settings: MagicSettings, kind: RewriteKind = "words") -> str | None:
    """What the language model made of a prompt before; None if it has not been asked."""
    try:
        return _kept(_place(_identity(settings, kind), prompt))
    except RewriteError:
        return None


@lru_cache(8)
def _identity(settings: MagicSettings, kind: RewriteKind) -> str:
    folder = expanded(Path(settings.model))
    try:
        if kind == "enhanced":
            parts = ("text_encoder", ENHANCER)
            return f"{kind}\n" + "\n".join(fingerprint(folder / part) for part in parts)
        which = fingerprint(folder) if folder.is_dir() else settings.model
    except OSError as error:
        raise RewriteError(
            f"The language model in {folder} cannot be read: {reason_of(error)}."
        ) from error
    return f"{which}\n{settings.instruction}"


def _place(identity: str, prompt: str) -> Path:
    digest = hashlib.blake2b(f"{identity}\n{prompt}".encode(), digest_size=16).hexdigest()
    return cache_folder() / "rewrites" / digest[:2] / f"{digest}.txt"


def _kept_of(places: Mapping[str, Path]) -> dict[str, str]:
    return {prompt: text for prompt, place in places.items() if (text := _kept(place)) is not None}


def _kept(place: Path) -> str | None:
    try:
        return place.read_text(encoding="utf-8") or None
    except (OSError, UnicodeDecodeError):
        return None


def _keep(place: Path, text: str) -> None:
    """What cannot be kept is asked again; whoever reads it reads all of it."""
    try:
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with written_beside(place, mode=0o600) as (_, file):
            file.write(text.encode())
    except OSError:
        return


async def _ask(
    prompts: Sequence[str], settings: MagicSettings, kind: RewriteKind
) -> AsyncGenerator[tuple[str, str]]:
    asked = ToRewrite(settings.model, settings.device, settings.instruction, list(prompts), kind)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "engine.render.rewrite"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        limit=_LINE_BYTES,
    )
    assert process.stdin is not None and process.stdout is not None
    waiting = set(prompts)
    answers = msgspec.json.Decoder[AnyFromRewriter](AnyFromRewriter)
    try:
        # Left open: its end tells the language model's process that nobody listens any more.
        process.stdin.write(msgspec.json.encode(asked) + b"\n")
        await process.stdin.drain()
        while waiting:
            line = await asyncio.wait_for(process.stdout.readline(), settings.timeout)
            if not line:
                raise RewriterDiedError(_advice(settings, kind, "its process has ended"))
            match answers.decode(line):
                case Rewritten(prompt, text):
                    waiting.discard(prompt)
                    yield prompt, text
                case Unfit(reason):
                    raise RewriterDiedError(_advice(settings, kind, reason))
                case NotRewritten(reason):
                    raise RewriteError(_advice(settings, kind, reason))
    except TimeoutError as error:
        reason = f"no answer within {settings.timeout:g} s"
        raise RewriteError(_advice(settings, kind, reason)) from error
    except ConnectionError as error:
        raise RewriterDiedError(_advice(settings, kind, str(error))) from error
    except (OSError, ValueError, msgspec.DecodeError) as error:
        raise RewriteError(_advice(settings, kind, str(error))) from error
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def _advice(settings: MagicSettings, kind: RewriteKind, reason: str) -> str:
    if kind == "enhanced":
        return (
            f"The prompt enhancer of the model in {settings.model} does not answer: {reason}. Fix"
            f" its folder, or remove {ENHANCER} from it to write captions without one; then try"
            " again."
        )
    return (
        f"The language model {settings.model} for magic prompts does not answer: {reason}. Fix"
        ' magic.model in the settings, or set it to "" to enrich prompts without one; then try'
        " again."
    )
