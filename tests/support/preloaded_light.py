"""What the children import that read sheets and copy them: no torch."""

import engine.sheet.copy_writer
import engine.sheet.delimited
import engine.sheet.encodings
import engine.sheet.leftovers
import engine.sheet.reader
import engine.sheet.workbook

__all__ = ["engine"]
