"""Rewriting prompts with a local chat model. A program of its own: its caller needs no torch.

Reads a line from standard input, a JSON object: `model`, `device`, `instruction`, `prompts`. Writes
one JSON object a line: `{"prompt", "text"}` for each prompt as it is done, or at the end
`{"error"}`, or `{"machine"}` if this machine can run no model at all. Ends where standard input
ends: nobody listens any more.
"""

import json
import os
import sys
import threading
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

_MOST_TOKENS = 200
_MOST_CHARS = 2000
_QUOTES = "\"'“”„«»`"


class MachineError(Exception):
    """This machine can run no model: its device is not there, or torch does not start."""


def rewrite(
    model: str, device: str, instruction: str, prompts: Sequence[str]
) -> Iterator[tuple[str, str]]:
    """Each prompt with what the model makes of it; the prompt itself where it makes nothing.

    The words are drawn by a seed that follows from the prompt: the same prompt is rewritten alike
    wherever it stands.

    Args:
        model: a folder, or a name on the Hub, of a transformers chat model.
        device: "cpu", "cuda:0" …; "auto" takes the first GPU, or the CPU where there is none.
        instruction: what the model is told to do.
        prompts: to be rewritten, one after the other.

    Raises:
        MachineError: no model can be run here.
        OSError, ValueError: the model cannot be loaded, or is no chat model.
    """
    try:
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer

        if device == "auto":
            device = "cuda:0" if torch.cuda.is_available() else "cpu"
        torch.ones(1, device=device).sum().item()
    except Exception as error:
        raise MachineError(f"{type(error).__name__}: {error}") from error
    if device == "cpu":
        os.nice(10)  # the screen comes first
    local = Path(model).expanduser()
    source = str(local) if local.is_dir() else model
    how = {"local_files_only": local.is_dir(), "trust_remote_code": False}
    tokenizer = AutoTokenizer.from_pretrained(source, **how)
    if tokenizer.chat_template is None:
        raise ValueError("it is no chat model: its tokenizer has no chat template")
    dtype = torch.float32 if device == "cpu" else torch.bfloat16
    network = AutoModelForCausalLM.from_pretrained(
        source, dtype=dtype, use_safetensors=True, **how
    ).to(device)
    for prompt in prompts:
        told = [{"role": "user", "content": f"{instruction}\n\n{prompt}"}]
        encoded = tokenizer.apply_chat_template(
            told, add_generation_prompt=True, return_tensors="pt", return_dict=True
        ).to(device)
        torch.manual_seed(zlib.crc32(prompt.encode()))
        with torch.no_grad():
            answer = network.generate(
                **encoded,
                do_sample=True,
                temperature=0.7,
                top_p=0.9,
                max_new_tokens=_MOST_TOKENS,
                pad_token_id=tokenizer.pad_token_id or tokenizer.eos_token_id,
            )
        said = tokenizer.decode(
            answer[0, encoded["input_ids"].shape[1] :], skip_special_tokens=True
        )
        yield prompt, tidied(said) or prompt


def tidied(said: str) -> str:
    """What a model said, as one line: no thoughts, no quote marks, its first paragraph."""
    text = said.rpartition("</think>")[2].strip()
    first = text.split("\n\n")[0]
    line = " ".join("".join(c if c.isprintable() else " " for c in first).split())
    return line.strip(_QUOTES).strip()[:_MOST_CHARS]


def main() -> None:
    """Entry point."""
    asked: dict[str, Any] = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_input, daemon=True).start()
    try:
        for prompt, text in rewrite(**asked):
            print(json.dumps({"prompt": prompt, "text": text}), flush=True)
    except MachineError as error:
        print(json.dumps({"machine": str(error)}), flush=True)
    except Exception as error:  # whatever it is, whoever waits must hear of it
        print(json.dumps({"error": f"{type(error).__name__}: {error}"}), flush=True)


def _end_with_input() -> None:
    while sys.stdin.read(1):
        pass
    os._exit(1)


if __name__ == "__main__":
    main()
