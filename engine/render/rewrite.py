"""Rewriting prompts with a local chat model. A program of its own: its caller needs no torch.

Reads a line from standard input, `rewriting.ToRewrite`, and writes a line for each prompt as it is
done, or last why none comes (`engine.protocol.rewriting`). Ends where standard input ends: nobody
listens any more.
"""

import json
import os
import sys
import threading
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from engine.caption.question import answered, idea_and_shape, idea_with_words
from engine.protocol.rewriting import FromRewriter, NotRewritten, Rewritten, ToRewrite, Unfit

_MOST_TOKENS = 200
_MOST_TOKENS_OF_CAPTIONS = 1024
"""As many as the enhancer in diffusers 0.42 takes."""
_TRIES = 3
"""Answers that are no captions, after which none is had."""
_MOST_CHARS = 2000
_QUOTES = "\"'“”„«»`"


class UnfitMachineError(Exception):
    """This machine can run no model: its device is not there, or torch does not start."""


Say = Callable[[str, int], str]
"""A prompt and a seed → what a language model says."""


def rewrite(asked: ToRewrite) -> Iterator[tuple[str, str]]:
    """Each prompt with what the model makes of it.

    The words are drawn by a seed that follows from the prompt: the same prompt is rewritten alike
    wherever it stands.

    Of words, nothing is the prompt itself; what is no caption after some tries is empty.

    Raises:
        UnfitMachineError: no model can be run here.
        OSError, ValueError: the model cannot be loaded, or is no chat model.
    """
    model, device, kind = asked.model, asked.device, asked.kind
    try:
        import torch

        if device == "auto":
            device = "cuda:0" if torch.cuda.is_available() else "cpu"
        torch.ones(1, device=device).sum().item()
    except Exception as error:
        raise UnfitMachineError(f"{type(error).__name__}: {error}") from error
    if device == "cpu":
        os.nice(10)  # the screen comes first
    if kind == "enhanced":
        say = _enhancer(Path(model), device)
    else:
        tokens = _MOST_TOKENS if kind == "words" else _MOST_TOKENS_OF_CAPTIONS
        say = _chat(model, device, asked.instruction, tokens)
    for prompt in asked.prompts:
        seed = zlib.crc32(prompt.encode())
        if kind == "words":
            yield prompt, tidied(say(prompt, seed)) or prompt
        else:
            tries = (answered(say(prompt, seed + more)) for more in range(_TRIES))
            yield prompt, next((caption for caption in tries if caption), "")


def _chat(model: str, device: str, instruction: str, tokens: int) -> Say:
    """What a chat model says, told to do something with the prompt that follows."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    local = Path(model).expanduser()
    source = str(local) if local.is_dir() else model
    how = {"local_files_only": local.is_dir(), "trust_remote_code": False}
    tokenizer = AutoTokenizer.from_pretrained(source, **how)
    if tokenizer.chat_template is None:
        raise ValueError("it is not a chat model: its tokenizer has no chat template")
    network = AutoModelForCausalLM.from_pretrained(
        source, dtype=_dtype(device), use_safetensors=True, **how
    ).to(device)

    def say(prompt: str, seed: int) -> str:
        told = [{"role": "user", "content": f"{instruction}\n\n{prompt}"}]
        encoded = tokenizer.apply_chat_template(
            told, add_generation_prompt=True, return_tensors="pt", return_dict=True
        ).to(device)
        torch.manual_seed(seed)
        with torch.no_grad():
            answer = network.generate(
                **encoded,
                do_sample=True,
                temperature=0.7,
                top_p=0.9,
                max_new_tokens=tokens,
                pad_token_id=tokenizer.pad_token_id or tokenizer.eos_token_id,
            )
        new = answer[0, encoded["input_ids"].shape[1] :]
        return str(tokenizer.decode(new, skip_special_tokens=True))

    return say


def _enhancer(folder: Path, device: str) -> Say:
    """What an image model's own enhancer says: its text encoder with a head, as diffusers does it.

    Only these two are loaded.
    """
    import diffusers
    import torch
    import transformers
    from diffusers.pipelines.ideogram4 import prompt_enhancer as own
    from diffusers.utils import is_outlines_available

    index = json.loads((folder / "model_index.json").read_text(encoding="utf-8"))
    how = {"local_files_only": True, "use_safetensors": True}
    head = diffusers.Ideogram4PromptEnhancerHead.from_pretrained(
        folder / "prompt_enhancer_head", dtype=_dtype(device), **how
    )
    encoder = getattr(transformers, index["text_encoder"][1]).from_pretrained(
        folder / "text_encoder", dtype=_dtype(device), **how
    )
    tokenizer = transformers.AutoTokenizer.from_pretrained(
        folder / "tokenizer", local_files_only=True, trust_remote_code=False
    )
    network = own.build_prompt_enhancer(encoder, head).to(device)
    held = (
        own.build_caption_logits_processor(network, tokenizer) if is_outlines_available() else None
    )

    def say(prompt: str, seed: int) -> str:
        _, (across, down) = idea_and_shape(prompt)
        with torch.no_grad():
            (caption,) = own.generate_captions(
                network,
                tokenizer,
                held,
                idea_with_words(prompt),
                down,
                across,
                max_new_tokens=_MOST_TOKENS_OF_CAPTIONS,
                generator=torch.Generator().manual_seed(seed),
                device=torch.device(device),
            )
        return str(caption)

    return say


def _dtype(device: str) -> Any:
    import torch

    return torch.float32 if device == "cpu" else torch.bfloat16


def tidied(said: str) -> str:
    """What a model said, as one line: no thoughts, no quote marks, its first paragraph."""
    text = said.rpartition("</think>")[2].strip()
    first = text.split("\n\n")[0]
    line = " ".join("".join(c if c.isprintable() else " " for c in first).split())
    return line.strip(_QUOTES).strip()[:_MOST_CHARS]


def main() -> None:
    """Entry point."""
    asked = msgspec.json.decode(sys.stdin.readline(), type=ToRewrite)
    threading.Thread(target=_end_with_input, daemon=True).start()
    try:
        for prompt, text in rewrite(asked):
            _say(Rewritten(prompt, text))
    except UnfitMachineError as error:
        _say(Unfit(str(error)))
    except Exception as error:  # whatever it is, whoever waits must hear of it
        _say(NotRewritten(f"{type(error).__name__}: {error}"))


def _say(message: FromRewriter) -> None:
    print(msgspec.json.encode(message).decode(), flush=True)


def _end_with_input() -> None:
    while sys.stdin.read(1):
        pass
    os._exit(1)


if __name__ == "__main__":
    main()
