"""What the children import that read sheets, copy them and look at pictures: no torch."""

import engine.picture.looker
import engine.sheet.copy_writer
import engine.sheet.delimited
import engine.sheet.encodings
import engine.sheet.leftovers
import engine.sheet.reader
import engine.sheet.workbook

__all__ = ["engine"]
