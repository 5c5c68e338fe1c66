"""A sheet that was checked, as it goes from being mended to being rendered."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

from engine.plan.changed import Changes
from engine.plan.estimate import Estimate
from engine.sheet.editing import Draft
from engine.sheet.rows import Problem, Severity, Sheet
from engine.sheet.totals import BlankCount, blank_counts


@dataclass(frozen=True, slots=True)
class Checked:
    """A sheet that was read and checked, and what rendering its ready rows would take."""

    sheet: Sheet
    images: int
    """Images of the ready rows."""
    estimate: Estimate
    path: Path | None = None
    """Where the file is; None: there is none."""
    kept: Mapping[int, int] = field(default_factory=dict)
    """Rows that are not to be rendered again → their numbers in the parent session's sheet."""

    @property
    def errors(self) -> list[Problem]:
        """The problems that keep their rows from being rendered."""
        return [p for p in self.sheet.problems if p.severity is Severity.ERROR]

    @property
    def blank_counts(self) -> tuple[BlankCount, ...]:
        """What a blank `num_images` means in those ready rows that have one."""
        return blank_counts(self.sheet.ready)

    @classmethod
    def of_draft(cls, draft: Draft, path: Path | None = None) -> Self:
        """A draft as it stands, for `Sessions.start`; without an estimate.

        Args:
            draft: the sheet under the user's hands.
            path: its file's.
        """
        sheet, images = draft.still(lambda: (draft.sheet(), draft.images))
        return cls(sheet, images, Estimate(None, None), path)

    def only_changed(self, changes: Changes) -> Self:
        """The rows that are to be rendered, for `Sessions.start`; drawn seeds are kept.

        The session of the changes has to be named as the new one's parent: of the rows that are the
        same, the new session remembers where they were rendered.
        """
        wanted = set(changes.to_render)
        rows = []
        for row in self.sheet.rows:
            if row.values is None:  # it has errors, and that is still to be said
                rows.append(row)
            if row.values is None or row.number not in wanted:
                continue
            seed = changes.seeds.get(row.number)
            # The cells stay as written: a blank seed is blank when they are compared again.
            rows.append(row if seed is None else row.with_seed(seed))
        return replace(
            self,
            sheet=replace(self.sheet, rows=tuple(rows)),
            images=sum(row.images for row in rows),
            estimate=Estimate(None, None),
            kept=changes.same,
        )
