"""Which devices torch can render on. A program of its own, so that its caller needs no torch."""

import json
import sys

import torch


def device_names() -> dict[str, str]:
    """Device → its name; every GPU, or the CPU where there is none."""
    gpus = {f"cuda:{i}": torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())}
    return gpus or {"cpu": "cpu"}


if __name__ == "__main__":
    json.dump(device_names(), sys.stdout)
