"""What one would write without Promptsheet: a loop over a pipeline. A process of its own.

Reads a JSON object a line: folder, batch, rows; answers with the seconds it took, without end if
memory does not hold such a batch.
"""

import json
import math
import os
import sys
import time
from pathlib import Path
from typing import Any

import torch
from diffusers import DiffusionPipeline
from diffusers.utils.logging import disable_progress_bar

from tests.bench.resident import forget_peak, peak_bytes


def render(
    pipeline: DiffusionPipeline, folder: Path, batch: int, rows: list[dict[str, Any]]
) -> float:
    """Render rows, `batch` to a call, and save them; seconds."""
    began = time.monotonic()
    for start in range(0, len(rows), batch):
        part = rows[start : start + batch]
        first = part[0]
        images = pipeline(
            [row["prompt"] for row in part],
            width=first["width"],
            height=first["height"],
            num_inference_steps=first["steps"],
            guidance_scale=first["guidance"],
            generator=[torch.Generator().manual_seed(row["seed"]) for row in part],
        ).images
        for row, image in zip(part, images, strict=True):
            image.save(folder / f"{row['seed']}.png")
    return time.monotonic() - began


def main() -> None:
    """Serve until the input ends."""
    source, dtype, device = sys.argv[1:]
    disable_progress_bar()
    pipeline = DiffusionPipeline.from_pretrained(
        source, dtype=getattr(torch, dtype), local_files_only=True, use_safetensors=True
    ).to(device)
    pipeline.set_progress_bar_config(disable=True)
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        folder = Path(asked["folder"])
        folder.mkdir(parents=True)
        forget_peak(os.getpid())
        try:
            seconds = render(pipeline, folder, asked["batch"], asked["rows"])
        except torch.OutOfMemoryError:
            seconds = math.inf
        if seconds == math.inf:  # what the error held is free only now
            torch.cuda.empty_cache()
        answer = {"seconds": seconds, "bytes": peak_bytes(os.getpid())}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
