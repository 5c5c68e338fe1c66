"""`python -m tests.bench [NAME …]`: run the benchmarks, all or the named ones."""

import argparse
import sys
from collections.abc import Callable

from tests.bench import (
    acceptance,
    kills,
    large,
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
    "large": large.main,
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
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("names", metavar="NAME", nargs="*", help=", ".join(every))
    parser.add_argument("--cuts", type=int, help="how many kills of each kind, or power cuts")
    options = parser.parse_args(arguments)
    if unknown := [name for name in options.names if name not in every]:
        print(f"There is no benchmark {unknown[0]!r}; there are: {', '.join(every)}.")
        return 2
    return sum(
        BENCHMARKS[name]() if name in BENCHMARKS else INTERRUPTIONS[name](options.cuts)
        for name in options.names or every
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
