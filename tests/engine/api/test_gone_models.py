"""A model that has left the list since a sheet was checked."""

from dataclasses import replace
from pathlib import Path

from msgspec import structs

from engine.api import Library
from engine.settings import Settings
from tests.support.models import draw_quickly


def test_its_rows_have_no_preview_and_cost_nothing(config: Path, library: Path) -> None:
    draw_quickly(config)
    sheets = Library(Settings(library=library)).sheets
    (row,) = sheets.check_prompts(["a boat"]).sheet.rows
    assert row.values is not None and sheets.preview(row) is not None
    gone = replace(row, values=structs.replace(row.values, model="gone"))
    assert gone.values is not None
    assert sheets.preview(gone) is None and not sheets.is_rewritten(gone)
    sheets.rewrite(gone)
    both, one = sheets.estimate([row.values, gone.values]), sheets.estimate([row.values])
    # How much room the disk has, others change meanwhile.
    assert replace(both, disk=None) == replace(one, disk=None)
