"""`python -m tests.engine.sheet.files.make`: make this folder's sheets again; needs soffice.

- `typed.*`: ratios and other cells as a person types them into LibreOffice (its csv import with
  "detect special numbers" reads them as its cells do), saved as ods, xls and xlsx.
- `odd.*`: a hidden first worksheet, hidden rows and a hidden column, merged cells, formulas that
  give errors and texts, times in a workbook that counts from 1904.
- `semicolons-utf16.txt`, `commas-cp1252.csv`: text as LibreOffice exports it.
"""

import datetime as dt
import subprocess
import tempfile
from pathlib import Path

import openpyxl
import openpyxl.utils.datetime

FOLDER = Path(__file__).parent
TYPED = """prompt,aspect_ratio,seed_number,model,magic_prompt
a red boat,2:3,00042,3.0,TRUE
a blue house,16:9,7,builtin,FALSE
a tall tree,64:27,1234567890,builtin,on
a wide field,3/4,,builtin,off
a deep lake,1:1,,,
"""
WORDS = "prompt,aspect_ratio\nein “Boot” für Zoë; nachts,2x3\na boat,1x1\n"


def _convert(source: Path, kind: str, name: str, *more: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        profile = f"-env:UserInstallation=file://{folder}/profile"
        subprocess.run(
            [
                "soffice",
                "--headless",
                profile,
                *more,
                "--convert-to",
                kind,
                "--outdir",
                folder,
                source,
            ],
            check=True,
            capture_output=True,
        )
        made = next(path for path in Path(folder).iterdir() if path.is_file())
        (FOLDER / name).write_bytes(made.read_bytes())


def _odd(path: Path) -> None:
    book = openpyxl.Workbook()
    book.epoch = openpyxl.utils.datetime.CALENDAR_MAC_1904
    assert book.active is not None
    book.active.append(["not", "this"])
    book.active.sheet_state = "hidden"
    sheet = book.create_sheet("Prompts & co")
    for cells in (
        ["prompt", "aspect_ratio", "style", "rendering", "note"],
        ["one", dt.time(2, 3), "anime", "turbo", "=1/0"],
        ["two", dt.time(16, 9), None, None, '=A2&"!"'],
        ["three", "=NA()", None, "quality", "x"],
        [None, None, None, None, None],
        ["four", "1:1", "3d", "=nosuchname", None],
        ["five", "1:1", None, None, "y"],
    ):
        sheet.append(cells)
    sheet.merge_cells("C2:C4")
    sheet.merge_cells("A7:A8")  # its second row holds nothing else
    for row in (3, 4, 5):
        sheet.row_dimensions[row].hidden = True
    sheet.column_dimensions["D"].hidden = True
    book.active = 1
    book.save(path)


def main() -> None:
    """Make them all."""
    with tempfile.TemporaryDirectory() as folder:
        typed, odd, words = (Path(folder) / name for name in ("t.csv", "o.xlsx", "w.csv"))
        typed.write_text(TYPED)
        words.write_text(WORDS, encoding="utf-8")
        _odd(odd)
        as_typed = "--infilter=CSV:44,34,76,1,,1033,false,true"
        for kind in ("ods", "xls", "xlsx"):
            _convert(typed, kind, f"typed.{kind}", as_typed)
            _convert(odd, kind, f"odd.{kind}")
        plain = "--infilter=CSV:44,34,76,1,,1033,true,false"
        export = "csv:Text - txt - csv (StarCalc)"
        _convert(words, f"{export}:59,34,65535", "semicolons-utf16.txt", plain)
        _convert(words, f"{export}:44,34,1", "commas-cp1252.csv", plain)


if __name__ == "__main__":
    main()
