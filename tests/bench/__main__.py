"""`python -m tests.bench [NAME …]`: run the benchmarks, all or the named ones.

`gpu` runs only if it is named.
"""

import argparse
import sys
from collections.abc import Callable

from tests.bench import (
    acceptance,
    families,
    gpu,
    kills,
    large,
    line,
    memory,
    palette,
    past,
    power,
    screen,
    sheet,
    throughput,
)

BENCHMARKS: dict[str, Callable[[], int]] = {
    "acceptance": acceptance.main,
    "families": families.main,
    "large": large.main,
    "line": line.main,
    "memory": memory.main,
    "past": past.main,
    "palette": palette.main,
    "screen": screen.main,
    "sheet": sheet.main,
    "throughput": throughput.builtin,
    "shapes": throughput.shapes,
}
INTERRUPTIONS: dict[str, Callable[[int | None], int]] = {
    "kills": kills.main,
    "power": power.main,
}
"""Those that are told how often."""


def main(arguments: list[str]) -> int:
    """Run them; how many failed."""
    every = [*BENCHMARKS, *INTERRUPTIONS]
    there_are = [*every, "gpu"]
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("names", metavar="NAME", nargs="*", help=", ".join(there_are))
    parser.add_argument("--cuts", type=int, help="how many kills of each kind, or power cuts")
    parser.add_argument("--minutes", type=float, help="of gpu: the most it takes (10)")
    parser.add_argument("--device", help="of gpu: cuda:0, or cpu to rehearse")
    parser.add_argument("--small", action="store_true", help="of gpu: small models, to rehearse")
    options = parser.parse_args(arguments)
    if unknown := [name for name in options.names if name not in there_are]:
        print(f"There is no benchmark {unknown[0]!r}; there are: {', '.join(there_are)}.")
        return 2

    def run(name: str) -> int:
        if name == "gpu":
            return gpu.main(options.minutes, options.device, small=options.small)
        return BENCHMARKS[name]() if name in BENCHMARKS else INTERRUPTIONS[name](options.cuts)

    return sum(run(name) for name in options.names or every)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
