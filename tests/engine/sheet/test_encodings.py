"""Text in other encodings than UTF-8: named, with a way out; a bad byte harms its row alone."""

from pathlib import Path

import pytest

from engine.sheet.check import check_table
from engine.sheet.copying import save_copy
from engine.sheet.editing import Draft
from engine.sheet.encodings import ENCODINGS, decode
from engine.sheet.read import read_table
from engine.sheet.rows import EncodingError, Severity, SheetError
from tests.support.sheets import VOCABULARY

WORDS = {
    "shift_jis": "夜の赤い灯台、海辺で|桜の木の下の猫",
    "euc_jp": "夜の赤い灯台、海辺で|桜の木の下の猫",
    "gbk": "夜晚海边的红色灯塔|一只猫在树下睡觉",
    "big5": "夜晚海邊的紅色燈塔|一隻貓在樹下睡覺",
    "euc_kr": "밤바다의 붉은 등대|나무 아래 잠든 고양이",
    "windows-1251": "красный маяк ночью у моря|кот спит под деревом",
    "koi8-r": "красный маяк ночью у моря|кот спит под деревом",
    "windows-1253": "κόκκινος φάρος τη νύχτα|μια γάτα κάτω από το δέντρο",
    "windows-1255": "מגדלור אדום בלילה ליד הים|חתול ישן",
    "windows-1256": "منارة حمراء في الليل قرب البحر|قطة نائمة",
    "cp874": "ประภาคารสีแดงยามค่ำคืน|แมวนอนใต้ต้นไม้",
}


def sheet(name: str) -> bytes:
    first, second = WORDS[name].split("|")
    return f"prompt,aspect_ratio\n{first},16:9\n{second},1:1\n".encode(name)


@pytest.mark.parametrize("name", WORDS)
def test_an_older_encoding_is_named_and_can_be_asked_for(name: str) -> None:
    with pytest.raises(EncodingError, match=f"looks like {name} .*--encoding {name}") as unclear:
        decode(sheet(name))
    assert unclear.value.encodings[0] == name
    assert set(unclear.value.encodings) == set(ENCODINGS)
    assert WORDS[name].split("|")[0] in decode(sheet(name), name).text


@pytest.mark.parametrize(
    ("words", "encoding"),
    [
        ("ein “Boot” für Zoë", "cp1252"),
        ("žlutý kůň na louce", "cp1250"),
        ("kırmızı ışık", "cp1254"),
    ],
)
def test_latin_text_is_read_as_western_and_said_to_be(words: str, encoding: str) -> None:
    read = decode(f"prompt,style\n{words},anime\n".encode(encoding))
    assert read.encoding == "cp1252"
    assert "--encoding" in read.notes[0]


def test_an_encoding_that_does_not_fit_or_is_none_is_refused() -> None:
    with pytest.raises(SheetError, match="Unknown encoding klingon"):
        decode(b"prompt\nx\n", "klingon")
    with pytest.raises(SheetError, match="not shift_jis"):
        decode(sheet("windows-1251") * 20 + bytes(range(0xF0, 0xFF)) * 9, "shift_jis")
    with pytest.raises(SheetError, match="Unknown encoding base64"):
        decode(b"prompt\nx\n", "base64")


def test_a_bad_byte_in_utf8_is_a_fault_of_its_row_alone(tmp_path: Path) -> None:
    path, copy = tmp_path / "a.csv", tmp_path / "b.csv"
    path.write_bytes("prompt,Note\na café in Kraków 🚀,ü\n".encode() + b"the cat\x92s house,\x80\n")
    draft = Draft(read_table(path), VOCABULARY)
    assert draft.text(2, "prompt") == "a café in Kraków 🚀"
    assert draft.problems(2) == ()
    found = {(p.column, p.severity): p for p in draft.problems(3)}
    assert found.keys() == {("prompt", Severity.ERROR), (None, Severity.WARNING)}
    assert found["prompt", Severity.ERROR].suggestions == ("the cat’s house",)
    draft.edit([2], "prompt", "a tree")
    save_copy(draft, path, copy)
    assert copy.read_bytes().endswith(b"the cat\x92s house,\x80\n")


def test_a_sheet_is_read_and_copied_in_the_encoding_that_is_asked_for(tmp_path: Path) -> None:
    path, copy = tmp_path / "a.csv", tmp_path / "b.csv"
    path.write_bytes(sheet("gbk"))
    with pytest.raises(EncodingError):
        read_table(path)
    draft = Draft(read_table(path, encoding="GBK"), VOCABULARY)
    assert len(check_table(draft.table, VOCABULARY).ready) == 2
    draft.edit([3], "prompt", "a tree")
    save_copy(draft, path, copy)
    assert "夜晚海边的红色灯塔,16:9" in copy.read_text(encoding="utf-8-sig")
