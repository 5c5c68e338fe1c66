"""`python -m tests.bench [NAME …]`: run the benchmarks, all or the named ones."""

import sys
from collections.abc import Callable

from tests.bench import acceptance, kills, large, memory, palette, past, screen, sheet, throughput

BENCHMARKS: dict[str, Callable[[], int]] = {
    "acceptance": acceptance.main,
    "kills": kills.main,
    "large": large.main,
    "memory": memory.main,
    "past": past.main,
    "palette": palette.main,
    "screen": screen.main,
    "sheet": sheet.main,
    "throughput": throughput.builtin,
    "shapes": throughput.shapes,
}


def main(names: list[str]) -> int:
    """Run them; how many failed."""
    if unknown := [name for name in names if name not in BENCHMARKS]:
        print(f"There is no benchmark {unknown[0]!r}; there are: {', '.join(BENCHMARKS)}.")
        return 2
    return sum(BENCHMARKS[name]() for name in names or BENCHMARKS)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
