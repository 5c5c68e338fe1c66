import io
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import xlwt
from odf.opendocument import OpenDocumentSpreadsheet
from odf.table import Table as OdsTable
from odf.table import TableCell, TableRow
from odf.text import P
from openpyxl.styles import Font

from engine.sheet.check import typed_table
from engine.sheet.copying import free_name, new_name, save_copy, save_new
from engine.sheet.editing import Draft
from engine.sheet.moved_pictures import moved_names
from engine.sheet.read import read_table
from engine.sheet.rows import SheetError
from tests.support.sheets import VOCABULARY, write_xlsx
from tests.support.workbooks import WORDS
from tests.support.workbooks import make_ods as make_cells

pytestmark = pytest.mark.slow

ROWS = [
    ["Prompt", "aspect_ratio", "num_images", "note"],
    ["a red boat", "16:9", "2", "keep me"],
    ["a blue boat", "7:77", "two", "and me"],
    ["", "", "", ""],
    ["a cat", "3:2", "1", "=1+1"],
]


def make(path: Path) -> Path:
    match path.suffix:
        case ".csv":
            path.write_text("\r\n".join(";".join(row) for row in ROWS), encoding="utf-16")
        case ".txt":
            path.write_text("prompt\na red boat\na blue, boat\n\na cat\n")
        case ".xlsx":
            book = openpyxl.Workbook()
            page = book.worksheets[0]
            for row in ROWS:
                page.append(row)
            page["A2"].font = Font(bold=True)
            page["D5"].data_type, page["D5"].number_format = "s", "@"
            page.column_dimensions["A"].width = 50
            book.create_sheet("other")["B7"] = "untouched"
            book.save(path)
        case ".ods":
            make_ods(path)
        case ".xls":
            old = xlwt.Workbook()
            sheet = old.add_sheet("Sheet1")
            for y, row in enumerate(ROWS):
                for x, text in enumerate(row):
                    sheet.write(y, x, text)
            old.save(str(path))
    return path


def make_ods(path: Path) -> None:
    """Like LibreOffice: what repeats is written once."""
    document = OpenDocumentSpreadsheet()
    table = OdsTable(name="Sheet1")
    for row in ROWS:
        line = TableRow()
        for text in row:
            cell = TableCell(valuetype="string")
            cell.addElement(P(text=text))
            line.addElement(cell)
        if not any(row):
            line = TableRow()
            line.addElement(TableCell(numbercolumnsrepeated=1024))
        table.addElement(line)
    rest = TableRow(numberrowsrepeated=1000)
    rest.addElement(TableCell(numbercolumnsrepeated=1024))
    table.addElement(rest)
    document.spreadsheet.addElement(table)
    document.save(str(path))


@pytest.mark.parametrize("ending", [".csv", ".xlsx", ".ods", ".xls"])
def test_a_corrected_copy_checks_clean_and_keeps_the_rest(tmp_path: Path, ending: str) -> None:
    source = make(tmp_path / f"mine{ending}")
    before = source.read_bytes()
    draft = Draft(read_table(source), WORDS)
    draft.edit([3], "aspect_ratio", "2:3")
    draft.edit([3], "num_images", "4")
    draft.edit([5], "model", "sdxl")
    draft.edit([draft.add("a new boat")], "num_images", "3")
    copy = save_copy(draft, source, free_name(source))
    assert source.read_bytes() == before
    assert copy.cells == 5
    again = Draft(read_table(copy.path), WORDS)
    assert {n: dict(again.row(n).cells) for n in again.numbers} == {
        2: {"prompt": "a red boat", "aspect_ratio": "16:9", "num_images": "2"},
        3: {"prompt": "a blue boat", "aspect_ratio": "2:3", "num_images": "4"},
        5: {"prompt": "a cat", "aspect_ratio": "3:2", "num_images": "1", "model": "sdxl"},
        6: {"prompt": "a new boat", "num_images": "3"},
    }
    assert [again.row(n).extra.get("note") for n in again.numbers] == [
        *("keep me", "and me", "=1+1", None)
    ]
    assert not again.faults or ending == ".csv", "the header alone is read as another"
    assert again.ready == 4


def test_a_copy_of_a_workbook_keeps_its_looks_and_its_other_sheets(tmp_path: Path) -> None:
    source = make(tmp_path / "mine.xlsx")
    draft = Draft(read_table(source), WORDS)
    draft.edit([3], "aspect_ratio", "2:3")
    book = openpyxl.load_workbook(save_copy(draft, source, tmp_path / "copy.xlsx").path)
    page = book.worksheets[0]
    assert page["A2"].font.bold
    assert page.column_dimensions["A"].width == 50
    assert page["B3"].number_format == "@", "or 2:3 becomes a time when it is next touched"
    assert book["other"]["B7"].value == "untouched"


def test_a_list_of_prompts_gets_a_second_column(tmp_path: Path) -> None:
    source = make(tmp_path / "mine.txt")
    draft = Draft(read_table(source), WORDS)
    draft.edit([3], "aspect_ratio", "2:3")
    copy = save_copy(draft, source, tmp_path / "copy.csv")
    again = Draft(read_table(copy.path), WORDS)
    assert again.row(3).cells == {"prompt": "a blue, boat", "aspect_ratio": "2:3"}
    assert list(again.numbers) == [2, 3, 5]


def test_nothing_is_overwritten_unasked(tmp_path: Path) -> None:
    source = make(tmp_path / "mine.csv")
    draft = Draft(read_table(source), WORDS)
    taken = tmp_path / "taken.csv"
    taken.write_text("precious")
    with pytest.raises(SheetError, match="already exists"):
        save_copy(draft, source, taken)
    assert taken.read_text() == "precious"
    save_copy(draft, source, taken, overwrite=True)
    assert taken.read_text() != "precious"
    assert free_name(source).name == "mine-corrected.csv"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine.csv", "taken.csv"]


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    source = make(tmp_path / "mine.csv")
    with pytest.raises(SheetError, match="cannot be written"):
        save_copy(Draft(read_table(source), WORDS), source, tmp_path / "nowhere" / "copy.csv")


PROMPTS = ["a red boat, at sunset", "a lighthouse", "two hills"]


@pytest.mark.parametrize("kind", [".txt", ".xlsx", ".ods", ".xls"])
def test_a_list_without_a_header_gets_one_with_its_second_column(tmp_path: Path, kind: str) -> None:
    source = tmp_path / f"list{kind}"
    if kind == ".txt":
        source.write_text("\n".join(PROMPTS))
    elif kind == ".xlsx":
        write_xlsx(source, *([prompt] for prompt in PROMPTS))
    elif kind == ".ods":
        document = OpenDocumentSpreadsheet()
        table = OdsTable(name="Sheet1")
        for prompt in PROMPTS:
            line = TableRow()
            cell = TableCell(valuetype="string")
            cell.addElement(P(text=prompt))
            line.addElement(cell)
            table.addElement(line)
        document.spreadsheet.addElement(table)
        document.save(source)
    else:
        old = xlwt.Workbook()
        sheet = old.add_sheet("Sheet1")
        for y, prompt in enumerate(PROMPTS):
            sheet.write(y, 0, prompt)
        old.save(str(source))
    draft = Draft(read_table(source), VOCABULARY)
    draft.edit([1, 3], "seed_number", "7")
    target = free_name(source)
    save_copy(draft, source, target)
    copy = Draft(read_table(target), VOCABULARY).sheet()
    assert copy.columns == ("prompt", "seed_number")
    found = [
        (row.number, row.values.prompt, row.values.seed_number) for row in copy.rows if row.values
    ]
    assert found == [(2, PROMPTS[0], 7), (3, PROMPTS[1], None), (4, PROMPTS[2], 7)]


def test_an_only_column_of_another_name_is_called_prompt_beside_a_second(tmp_path: Path) -> None:
    source = tmp_path / "a.csv"
    source.write_text("Idee\nein rotes Boot auf dem Meer\nein Haus im tiefen Wald\n")
    draft = Draft(read_table(source), VOCABULARY)
    draft.edit([3], "seed_number", "7")
    save_copy(draft, source, tmp_path / "b.csv")
    assert (tmp_path / "b.csv").read_text().splitlines()[0] == "prompt,seed_number"


@pytest.mark.parametrize(
    ("above", "below"),
    [
        ('My "launch", 2026\n\n', ""),
        ("Prompts\n", "\n"),
        ("sep=,\n", ""),
        ("```csv\n", "\n```"),
        ("\n~~~\nPrompts\n", "\n~~~\n\n"),
    ],
)
def test_a_copy_of_a_text_file_keeps_every_other_line_as_it_is(
    tmp_path: Path, above: str, below: str
) -> None:
    source = tmp_path / "a.csv"
    rows = 'prompt,num_images,"my note"\n"a boat",2,"two\nlines"\na cat,{},\n"a ""dog""",1,'
    source.write_text(above + rows.format("two") + below)
    draft = Draft(read_table(source), VOCABULARY)
    draft.edit([draft.numbers[1]], "num_images", "3")
    draft.edit([draft.add("a new boat")], "num_images", "4")
    copy = save_copy(draft, source, tmp_path / "b.csv").path
    written = f"{above}{rows.format(3)}\na new boat,4\n{below.removeprefix(chr(10))}"
    assert copy.read_text() == written
    again = Draft(read_table(copy), VOCABULARY)
    assert [again.text(n, "prompt") for n in again.numbers] == [
        *("a boat", "a cat", 'a "dog"', "a new boat")
    ]


def test_a_list_in_a_code_fence_gets_its_header_within_the_fence(tmp_path: Path) -> None:
    source = tmp_path / "a.txt"
    source.write_text("```\na red boat, at sea\n\na cat\n```\n")
    draft = Draft(read_table(source), VOCABULARY)
    draft.edit([4], "seed_number", "7")
    copy = save_copy(draft, source, tmp_path / "b.csv").path
    assert copy.read_text().splitlines() == [
        *("```", "prompt,seed_number", '"a red boat, at sea"', "", "a cat,7", "```")
    ]


@pytest.mark.parametrize(
    ("encoding", "prompt", "marked"),
    [
        ("utf-8", "für Zoë", False),
        ("utf-8-sig", "für Zoë", True),
        ("utf-8-sig", "a boat", True),
        ("utf-16", "a boat", True),
        ("utf-16-le", "für Zoë", True),
        ("cp1252", "für Zoë", True),
    ],
)
def test_a_copy_is_utf_8_and_marked_so_where_excel_needs_the_mark(
    tmp_path: Path, encoding: str, prompt: str, marked: bool
) -> None:
    source = tmp_path / "a.csv"
    source.write_text(f"prompt,num_images\n{prompt},two\n", encoding=encoding)
    draft = Draft(read_table(source), VOCABULARY)
    draft.edit([2], "num_images", "2")
    copy = save_copy(draft, source, tmp_path / "b.csv").path.read_bytes()
    assert copy.startswith(b"\xef\xbb\xbf") is marked
    assert copy.decode("utf-8-sig") == f"prompt,num_images\n{prompt},2\n"


def test_a_mended_cell_of_ods_that_showed_an_error_shows_none(tmp_path: Path) -> None:
    """LibreOffice says it in a namespace of its own, too."""
    source = tmp_path / "a.ods"
    calc = "urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0"
    wrong: dict[str, Any] = {
        "qattributes": {(calc, "value-type"): "error"},
        "formula": "of:=1/0",
        "valuetype": "string",
        "stringvalue": "",
        "text": "#DIV/0!",
    }
    words = [{"valuetype": "string", "text": word} for word in ("prompt", "seed_number", "style")]
    make_cells(source, [words, [words[0], wrong, wrong], [wrong, words[0]]])
    draft = Draft(read_table(source), VOCABULARY)
    text = "two  spaces\nand   lines\n\nend\there"
    draft.edit([3], "prompt", text)
    draft.edit([2, 3], "seed_number", "77")
    draft.edit([2], "style", "")
    again = Draft(read_table(save_copy(draft, source, tmp_path / "b.ods").path), VOCABULARY)
    assert [dict(again.row(n).cells) for n in again.numbers] == [
        {"prompt": "prompt", "seed_number": "77"},
        {"prompt": text, "seed_number": "77"},
    ]
    assert again.faults == 0


def test_a_copy_of_xls_keeps_merged_cells_values_and_shows_errors(tmp_path: Path) -> None:
    source = tmp_path / "a.xls"
    book = xlwt.Workbook()
    sheet = book.add_sheet("A")
    for column, name in enumerate(("prompt", "aspect_ratio", "style", "num_images")):
        sheet.write(0, column, name)
    for row, prompt in enumerate(("a boat", "a cat", "a dog"), start=1):
        sheet.write(row, 0, prompt)
    sheet.write_merge(1, 2, 1, 1, "2:3")
    sheet.row(3).set_cell_error(2, "#REF!")
    sheet.write(1, 3, "two")
    book.save(str(source))
    draft = Draft(read_table(source), VOCABULARY)
    draft.edit([2], "num_images", "2")
    again = Draft(read_table(save_copy(draft, source, tmp_path / "b.xlsx").path), VOCABULARY)
    assert [again.text(n, "aspect_ratio") for n in again.numbers] == ["2:3", "2:3", ""]
    assert [(p.row, p.column) for p in again.sheet().problems] == [(4, "style")]
    assert again.sheet().problems[0].value == "#REF!"


@pytest.mark.parametrize("kind", [".xlsx", ".ods", ".xls"])
@pytest.mark.parametrize(
    ("edits", "ratios"),
    [
        ({2: "3:2"}, ["3:2", "2:3", "2:3", "1:1"]),
        ({3: "3:2", 4: "", 5: "2:1"}, ["2:3", "3:2", "", "2:1"]),
    ],
)
def test_rows_of_merged_cells_keep_their_own_value_in_the_copy(
    tmp_path: Path, kind: str, edits: dict[int, str], ratios: list[str]
) -> None:
    source = tmp_path / f"a{kind}"
    rows = [["prompt", "aspect_ratio"], ["a", "2:3"], ["b", ""], ["c", ""], ["d", "1:1"]]
    if kind == ".xlsx":
        book = openpyxl.load_workbook(write_xlsx(source, *rows))
        book.worksheets[0].merge_cells("B2:B4")
        book.save(source)
    elif kind == ".ods":
        cells: list[list[dict[str, Any]]] = [
            [{"valuetype": "string", "text": text} for text in row] for row in rows
        ]
        cells[1][1] |= {"numberrowsspanned": "3", "numbercolumnsspanned": "1"}
        cells[2][1] = cells[3][1] = {"covered": True}
        make_cells(source, cells)
    else:
        old = xlwt.Workbook()
        sheet = old.add_sheet("A")
        for y, (prompt, ratio) in enumerate(rows):
            sheet.write(y, 0, prompt)
            if y in (0, 4):
                sheet.write(y, 1, ratio)
        sheet.write_merge(1, 3, 1, 1, "2:3")
        old.save(str(source))
    draft = Draft(read_table(source), VOCABULARY)
    for number, ratio in edits.items():
        draft.edit([number], "aspect_ratio", ratio)
    copy = save_copy(draft, source, free_name(source))
    assert copy.cells == len(edits)
    again = Draft(read_table(copy.path), VOCABULARY)
    assert [again.text(n, "aspect_ratio") for n in again.numbers] == ratios


def test_a_new_row_in_reach_of_merged_cells_is_not_one_of_theirs(tmp_path: Path) -> None:
    source = write_xlsx(tmp_path / "a.xlsx", ["prompt", "aspect_ratio"], ["a", "2:3"], ["b", None])
    book = openpyxl.load_workbook(source)
    book.worksheets[0].merge_cells("B2:B9")
    book.save(source)
    draft = Draft(read_table(source), VOCABULARY)
    draft.add("new")
    again = Draft(read_table(save_copy(draft, source, free_name(source)).path), VOCABULARY)
    assert [again.text(n, "aspect_ratio") for n in again.numbers] == ["2:3", "2:3", ""]


@pytest.mark.parametrize("ending", [".csv", ".xlsx", ".xls"])
def test_rows_that_are_left_out_can_be_left_out_of_the_copy(tmp_path: Path, ending: str) -> None:
    source = make(tmp_path / f"mine{ending}")
    draft = Draft(read_table(source), WORDS)
    draft.edit([3], "aspect_ratio", "2:3")
    draft.leave_out([3])
    draft.edit([5], "num_images", "4")
    copy = save_copy(draft, source, free_name(source), without_left_out=True)
    assert (copy.cells, copy.rows) == (1, 1)
    table = read_table(copy.path)
    assert [line.cells[0] for line in table.lines] == ["a red boat", "a cat"]
    # What refers to rows of a workbook still does.
    assert table.lines[-1].number == (4 if ending == ".csv" else 5)


def test_a_copy_has_the_ending_of_what_it_is_and_csv_is_a_way_out(tmp_path: Path) -> None:
    text, book, old = (make(tmp_path / f"mine{ending}") for ending in (".csv", ".xlsx", ".xls"))
    draft = Draft(read_table(text), WORDS)
    with pytest.raises(SheetError, match=r"a text file.*\.csv"):
        save_copy(draft, text, tmp_path / "a.xlsx")
    draft = Draft(read_table(book), WORDS)
    assert draft.table.uncopied == ()
    with pytest.raises(SheetError, match=r"end in \.xlsx or \.csv"):
        save_copy(draft, book, tmp_path / "a.ods")
    draft.edit([3], "aspect_ratio", "2:3")
    assert save_copy(draft, book, tmp_path / "a.csv").notes[0].startswith("It holds only the rows")
    again = Draft(read_table(tmp_path / "a.csv"), WORDS)
    assert again.text(3, "aspect_ratio") == "2:3"
    assert "colours" in read_table(old).uncopied[0], "said before it is asked for"
    signed = tmp_path / "signed.xlsx"
    signed.write_bytes(with_signature(book.read_bytes()))
    assert "signed" in read_table(signed).uncopied[0]


def with_signature(book: bytes) -> bytes:
    data = io.BytesIO(book)
    with zipfile.ZipFile(data, "a") as archive:
        archive.writestr("_xmlsignatures/sig1.xml", "<Signature/>")
    return data.getvalue()


def test_typed_prompts_become_a_file(tmp_path: Path) -> None:
    draft = Draft(typed_table(["a red, boat", 'two "hills"\nat dawn'], num_images=None), WORDS)
    draft.edit([3], "aspect_ratio", "2:3")
    target = new_name(draft, tmp_path)
    assert target == tmp_path / "prompts.csv"
    assert save_new(draft, target) == (2, ())
    again = Draft(read_table(target), WORDS)
    assert [again.row(n).cells for n in again.numbers] == [
        {"prompt": draft.text(2, "prompt")},
        {"prompt": draft.text(3, "prompt"), "aspect_ratio": "2:3"},
    ]
    assert new_name(draft, tmp_path).name == "prompts-2.csv"
    with pytest.raises(SheetError, match="already exists"):
        save_new(draft, target)
    with pytest.raises(SheetError, match=r"saved as \.csv"):
        save_new(draft, tmp_path / "mine.xlsx")
    assert [path.name for path in tmp_path.iterdir()] == ["prompts.csv"]


def test_the_name_of_a_new_file_is_one_that_a_file_can_have(tmp_path: Path) -> None:
    for called, name in (
        ("a/b\0", "a-b-.csv"),
        ("..", "prompts.csv"),
        ("v1.2 refined", "v1.2 refined.csv"),
        ("mine.xlsx", "mine.csv"),
        ("日" * 300, "日" * 60 + ".csv"),
    ):
        table = replace(typed_table(["a boat"], num_images=None), file=called)
        assert new_name(Draft(table, WORDS), tmp_path) == tmp_path / name


# -------------------------------------------------------------------- pictures


def pictured(folder: Path, *cells: str, mask: str = "") -> Draft:
    """A sheet with a row for each of these; whatever it names is there."""
    rows = [["prompt", "image", "mask"], *(["a tree", cell, mask] for cell in cells)]
    write_xlsx(folder / "a.xlsx", *rows)
    return Draft(read_table(folder / "a.xlsx"), VOCABULARY)


def test_a_copy_in_another_folder_names_the_same_pictures(tmp_path: Path) -> None:
    shots, far = tmp_path / "campaign" / "shots", tmp_path / "far" / "from" / "there"
    (shots / "raw").mkdir(parents=True)
    for name in ("a.jpg", "raw/b c.jpg", "mask.png", "../logo.png"):
        (shots / name).write_bytes(b"")
    kept = f"a.jpg#{'0123456789abcdef' * 2}"
    moving = ("a.jpg", "raw/b c.jpg", "../logo.png")
    names = (*moving, str(shots / "a.jpg"), kept, "gone.jpg", "")
    draft = pictured(shots, *names, mask="mask.png")
    draft.add_rows([{"prompt": "new", "image": "a.jpg"}], "added")
    for folder, wanted in {
        shots / "raw": ("../a.jpg", "b c.jpg", "../../logo.png"),
        shots.parent: ("shots/a.jpg", "shots/raw/b c.jpg", "logo.png"),
        far: (f"{shots}/a.jpg", f"{shots}/raw/b c.jpg", f"{shots.parent}/logo.png"),
    }.items():
        folder.mkdir(parents=True, exist_ok=True)
        moved = moved_names(draft, shots, folder)
        assert {n: cells["image"] for n, cells in moved.items() if "image" in cells} == {
            **dict(enumerate(wanted, 2)),
            9: wanted[0],
        }
    assert moved_names(draft, shots, shots / "raw" / "..") == {}
    (shots / "sheets").mkdir()
    copy = save_copy(draft, shots / "a.xlsx", shots / "sheets" / "copy.xlsx", pictures=shots)
    again = Draft(read_table(copy.path), VOCABULARY)
    images = [again.text(number, "image") for number in again.numbers]
    moved_to = ["../a.jpg", "../raw/b c.jpg", "../../logo.png"]
    assert images == [*moved_to, *names[3:], "../a.jpg"]
    assert [again.text(n, "mask") for n in again.numbers] == ["../mask.png"] * len(names) + [""]
    assert copy.cells == 2, "of the row that was added"
    assert copy.notes == (
        "11 picture names were adjusted to lead from its new folder to where the files are.",
    )


def test_a_copy_seen_through_a_link_still_names_the_same_pictures(tmp_path: Path) -> None:
    shots, real = tmp_path / "shots", tmp_path / "disk" / "deep" / "copies"
    shots.mkdir()
    real.mkdir(parents=True)
    (shots / "a.jpg").write_bytes(b"")
    (shots / "copies").symlink_to(real)
    draft = pictured(shots, "a.jpg")
    moved = moved_names(draft, shots, shots / "copies")
    assert moved == {2: {"image": str(shots / "a.jpg")}}, "up from there is another folder"


def test_a_new_file_in_another_folder_names_the_same_pictures(tmp_path: Path) -> None:
    (tmp_path / "sheets").mkdir()
    (tmp_path / "a.jpg").write_bytes(b"")
    draft = Draft(typed_table(["a tree"]), WORDS)
    draft.edit([2], "image", "a.jpg")
    target = tmp_path / "sheets" / "new.csv"
    rows, notes = save_new(draft, target, pictures=tmp_path)
    assert (rows, len(notes)) == (1, 1)
    assert Draft(read_table(target), WORDS).text(2, "image") == "../a.jpg"
    assert draft.text(2, "image") == "a.jpg"


def test_a_column_of_the_users_own_is_copied_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "sheets").mkdir()
    (tmp_path / "cover").write_bytes(b"")
    pictured(tmp_path, "cover")
    own = replace(read_table(tmp_path / "a.xlsx"), own=frozenset({1}))
    draft = Draft(own, VOCABULARY)
    assert draft.is_own("image") and not draft.is_own("mask")
    assert moved_names(draft, tmp_path, tmp_path / "sheets") == {}
