"""Workbooks, and words for their cells."""

from pathlib import Path
from typing import Any

import odf.opendocument
import odf.table
import odf.text

from engine.sheet.vocabulary import ModelLimits, Vocabulary

WORDS = Vocabulary({"builtin": ModelLimits(3.0), "sdxl": ModelLimits(2.0)}, "builtin")


def make_ods(path: Path, rows: list[list[dict[str, Any]]], repeat: int = 1) -> Path:
    """Rows of cells, each the attributes of an ods cell plus `text` and `covered`."""
    book = odf.opendocument.OpenDocumentSpreadsheet()
    sheet = odf.table.Table(name="Blatt 1")
    for row in rows:
        line = odf.table.TableRow()
        for attributes in row:
            words = attributes.get("text", "")
            raw = {k: v for k, v in attributes.items() if k not in ("text", "covered")}
            covered = attributes.get("covered")
            cell = (odf.table.CoveredTableCell if covered else odf.table.TableCell)(**raw)
            if words:
                cell.addElement(odf.text.P(text=words))
            line.addElement(cell)
        sheet.addElement(line)
    book.spreadsheet.addElement(sheet)
    book.save(path)
    return path
