"""The magic prompt by a local language model: in a process of its own, each answer kept."""

import asyncio
import contextlib
import hashlib
import json
import sys
from collections.abc import AsyncGenerator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from engine.errors import PromptsheetError
from engine.models.fingerprint import fingerprint
from engine.settings import MagicSettings, cache_folder, expanded
from engine.unfinished_files import written_beside

_LINE_BYTES = 16 << 20


class RewriteError(PromptsheetError):
    """The language model does not answer; the message says why and what to do."""


class RewriterDiedError(RewriteError):
    """Its process ended without a word, or cannot run here: asked again, it may well answer."""


def rewritten(prompts: Sequence[str], settings: MagicSettings) -> dict[str, str]:
    """Prompt → what the language model makes of it. Waits; not for an event loop.

    Raises:
        RewriteError: the model cannot be loaded, or stops answering.
    """

    async def gathered() -> dict[str, str]:
        found: dict[str, str] = {}
        async with contextlib.aclosing(rewrites(prompts, settings)) as answers:
            async for some in answers:
                found |= some
        return found

    return asyncio.run(gathered())


async def rewrites(
    prompts: Sequence[str], settings: MagicSettings
) -> AsyncGenerator[dict[str, str]]:
    """Prompts with what the language model makes of them, as they come.

    Answers are kept by content (model, instruction, prompt) in the user's cache: what is known
    comes first, and the model is asked for the rest alone.

    Args:
        prompts: wildcards expanded.
        settings: which model, and what it is told.

    Raises:
        RewriteError: the model cannot be loaded, or stops answering.
    """
    identity = await asyncio.to_thread(_identity, settings)
    places = {prompt: _place(identity, prompt) for prompt in prompts}
    known = await asyncio.to_thread(_kept_of, places)
    if known:
        yield known
    if missing := {prompt: place for prompt, place in places.items() if prompt not in known}:
        async with contextlib.aclosing(_ask(list(missing), settings)) as answers:
            async for prompt, text in answers:
                await asyncio.to_thread(_keep, missing[prompt], text)
                yield {prompt: text}


def known_rewrite(prompt: str, settings: MagicSettings) -> str | None:
    """What the language model made of a prompt before; None if it has not been asked."""
    try:
        return _kept(_place(_identity(settings), prompt))
    except RewriteError:
        return None


@lru_cache(8)
def _identity(settings: MagicSettings) -> str:
    folder = expanded(Path(settings.model))
    try:
        which = fingerprint(folder) if folder.is_dir() else settings.model
    except OSError as error:
        raise RewriteError(f"The language model in {folder} cannot be read: {error}.") from error
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


async def _ask(prompts: Sequence[str], settings: MagicSettings) -> AsyncGenerator[tuple[str, str]]:
    asked = {
        "model": settings.model,
        "device": settings.device,
        "instruction": settings.instruction,
        "prompts": prompts,
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "engine.render.rewrite"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        limit=_LINE_BYTES,
    )
    assert process.stdin is not None and process.stdout is not None
    waiting = set(prompts)
    try:
        # Left open: its end tells the language model's process that nobody listens any more.
        process.stdin.write(json.dumps(asked).encode() + b"\n")
        await process.stdin.drain()
        while waiting:
            line = await asyncio.wait_for(process.stdout.readline(), settings.timeout)
            if not line:
                raise RewriterDiedError(_advice(settings, "its process has ended"))
            answer = json.loads(line)
            if "machine" in answer:
                raise RewriterDiedError(_advice(settings, answer["machine"]))
            if "error" in answer:
                raise RewriteError(_advice(settings, answer["error"]))
            waiting.discard(answer["prompt"])
            yield answer["prompt"], answer["text"]
    except TimeoutError as error:
        reason = f"no answer within {settings.timeout:g} s"
        raise RewriteError(_advice(settings, reason)) from error
    except ConnectionError as error:
        raise RewriterDiedError(_advice(settings, str(error))) from error
    except (OSError, ValueError) as error:
        raise RewriteError(_advice(settings, str(error))) from error
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def _advice(settings: MagicSettings, reason: str) -> str:
    return (
        f"The language model {settings.model} for magic prompts does not answer: {reason}. Mend"
        ' magic.model in the settings, or set it to "" to have prompts enriched without one; then'
        " try again."
    )
