"""A sheet mended without a person at it."""

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from engine.sheet.copying import Copy, save_copy
from engine.sheet.editing import Draft
from engine.sheet.rows import Problem, Severity, Sheet


@dataclass(frozen=True, slots=True)
class Mended:
    """A sheet of which a corrected copy was written."""

    sheet: Sheet
    """As it stands in the copy."""
    problems: tuple[Problem, ...]
    """What was repaired, and what is still wrong, in the rows that the copy has."""
    copy: Copy

    @property
    def is_sound(self) -> bool:
        """Whether every row of the copy can be rendered."""
        return all(problem.severity is not Severity.ERROR for problem in self.problems)


def mend(
    draft: Draft,
    source: Path,
    target: Path,
    *,
    pictures: Path | None,
    suggestions: bool,
    without_bad_rows: bool,
    overwrite: bool,
) -> Mended:
    """Write a copy with all repairs; other arguments and what is raised as `Sheets.mend`."""
    if suggestions:
        _take_suggestions(draft)
    if without_bad_rows and (bad := [n for n in draft.numbers if draft.row(n).values is None]):
        draft.leave_out(bad)
    copy = save_copy(
        draft, source, target, overwrite=overwrite, pictures=pictures, without_left_out=True
    )
    out = {number for number in draft.numbers if draft.is_left_out(number)}
    sheet = draft.sheet()
    return Mended(sheet, tuple(each for each in sheet.problems if each.row not in out), copy)


def _take_suggestions(draft: Draft) -> None:
    """Take what is suggested for each cell, once, where it is one thing."""
    alike: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for number in draft.numbers:
        taken = set()
        for problem in draft.problems(number):
            is_open = problem.severity is not Severity.REPAIRED and problem.column not in taken
            if is_open and problem.column is not None and len(problem.suggestions) == 1:
                taken.add(problem.column)
                alike[problem.column, problem.suggestions[0]].append(number)
    for (column, text), numbers in alike.items():
        draft.edit(numbers, column, text)
