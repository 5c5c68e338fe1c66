"""The magic prompt by a local language model: in a process of its own, each answer kept."""

import hashlib
import json
import os
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from threading import Timer

from engine.models.fingerprint import fingerprint
from engine.plan.recipes import SEEDS, seed_of
from engine.plan.wildcards import expand
from engine.plan.words import load_words
from engine.settings import MagicSettings, cache_folder
from engine.sheet.rows import Row
from engine.sheet.wildcards import has_wildcards

Progress = Callable[[int, int], None]
"""Called with how many prompts are done, of how many."""


class RewriteError(Exception):
    """The language model does not answer; the message says why and what to do."""


def rewritten(
    prompts: Sequence[str], settings: MagicSettings, progress: Progress = lambda *_: None
) -> dict[str, str]:
    """Prompt → what the language model makes of it.

    Answers are kept by content (model, instruction, prompt) in the user's cache, each as it comes:
    what was interrupted goes on where it was.

    Args:
        prompts: wildcards expanded.
        settings: which model, and what it is told.
        progress: told of each.

    Raises:
        RewriteError: the model cannot be loaded, or stops answering.
    """
    wanted = list(dict.fromkeys(prompts))
    identity = _identity(settings)
    places = {prompt: _place(identity, prompt) for prompt in wanted}
    found = {prompt: text for prompt in wanted if (text := _kept(places[prompt])) is not None}
    missing = [prompt for prompt in wanted if prompt not in found]
    if missing:
        for prompt, text in _ask(missing, settings):
            _keep(places[prompt], text)
            found[prompt] = text
            progress(len(found), len(wanted))
    return found


def rewritten_rows(
    rows: Sequence[Row], settings: MagicSettings, progress: Progress = lambda *_: None
) -> tuple[list[Row], dict[str, str]]:
    """The first stage of a session: what its prompts become.

    Returns:
        The rows, with seeds drawn where wildcards hang on them; and `rewritten`'s answer for all
        that are to be rewritten.

    Raises:
        RewriteError: the model cannot be loaded, or stops answering.
    """
    if not settings.model:
        return list(rows), {}
    wildcards = load_words().wildcards
    seeded, prompts = [], []
    for row in rows:
        values = row.values
        if values is not None and values.magic_prompt:
            draws = has_wildcards(values.prompt)
            if draws and values.seed_number is None:
                values = replace(values, seed_number=secrets.randbelow(SEEDS))
            for variation in range(1, (values.num_images if draws else 1) + 1):
                seed = seed_of(values.seed_number or 0, variation)
                prompts.append(expand(values.prompt, seed, wildcards))
        seeded.append(replace(row, values=values))
    return seeded, rewritten(prompts, settings, progress)


def known_rewrite(prompt: str, settings: MagicSettings) -> str | None:
    """What the language model made of a prompt before; None if it has not been asked."""
    try:
        return _kept(_place(_identity(settings), prompt))
    except RewriteError:
        return None


@lru_cache(8)
def _identity(settings: MagicSettings) -> str:
    folder = Path(settings.model).expanduser()
    try:
        which = fingerprint(folder) if folder.is_dir() else settings.model
    except OSError as error:
        raise RewriteError(f"The language model in {folder} cannot be read: {error}.") from error
    return f"{which}\n{settings.instruction}"


def _place(identity: str, prompt: str) -> Path:
    digest = hashlib.blake2b(f"{identity}\n{prompt}".encode(), digest_size=16).hexdigest()
    return cache_folder() / "rewrites" / digest[:2] / f"{digest}.txt"


def _kept(place: Path) -> str | None:
    try:
        return place.read_text(encoding="utf-8") or None
    except (OSError, UnicodeDecodeError):
        return None


def _keep(place: Path, text: str) -> None:
    """What cannot be kept is asked again; whoever reads it reads all of it."""
    try:
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        temporary = place.with_suffix(f".{os.getpid()}.part")
        temporary.write_text(text, encoding="utf-8")
        temporary.chmod(0o600)
        temporary.replace(place)
    except OSError:
        return


def _ask(prompts: Sequence[str], settings: MagicSettings) -> Iterator[tuple[str, str]]:
    asked = {
        "model": settings.model,
        "device": settings.device,
        "instruction": settings.instruction,
        "prompts": prompts,
    }
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "engine.render.rewrite"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    watchdog = Timer(settings.timeout, process.kill)
    try:
        watchdog.start()
        with process:
            assert process.stdin is not None and process.stdout is not None
            json.dump(asked, process.stdin)
            process.stdin.close()
            waiting = set(prompts)
            for line in process.stdout:
                watchdog.cancel()
                watchdog = Timer(settings.timeout, process.kill)
                watchdog.start()
                answer = json.loads(line)
                if "error" in answer:
                    raise RewriteError(_advice(settings, answer["error"]))
                waiting.discard(answer["prompt"])
                yield answer["prompt"], answer["text"]
        if waiting:
            raise RewriteError(_advice(settings, f"no answer within {settings.timeout:g} s"))
    except (OSError, ValueError) as error:
        raise RewriteError(_advice(settings, str(error))) from error
    finally:
        watchdog.cancel()
        process.kill()


def _advice(settings: MagicSettings, reason: str) -> str:
    return (
        f"The language model {settings.model} for magic prompts does not answer: {reason}. Mend"
        ' magic.model in the settings, or set it to "" to have prompts enriched without one.'
    )
