"""What is found where in a sheet, and the cells it is found in."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from engine.sheet.cell_findings import Finding
from engine.sheet.rows import Severity


class At(NamedTuple):
    """A finding and its place in a row; sorts by the place."""

    at: int
    """The column's index in the header; past its end for the whole row."""
    name: str | None
    finding: Finding

    @property
    def is_error(self) -> bool:
        """Whether it keeps its row from being rendered."""
        return self.finding.severity is Severity.ERROR


ProblemsAt: TypeAlias = defaultdict[int, list[At]]
"""By index of the line."""


class Judged(NamedTuple):
    """A known column, all its cells judged."""

    at: int
    name: str
    texts: list[str]
    values: list[Any]
    """The default where a cell is blank or has an error."""
    found: dict[int, tuple[Finding, ...]]
    """By index of the line."""


def values_of(columns: Mapping[str, Judged], name: str, default: Any, count: int) -> Sequence[Any]:
    """The values of a column; where it is not there, what its blank cells mean."""
    return columns[name].values if name in columns else [default] * count
