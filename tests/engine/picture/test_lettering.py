"""Lines of text on pictures: scripts, widths, fonts that are not there; and pages of a PDF."""

import io
import re
from collections.abc import Iterator

import pytest
from PIL import Image, ImageDraw

from engine.picture import fonts
from engine.picture.fonts import Fonts, script_of
from engine.picture.lettering import Lettering, _in_sight_order, _Run
from engine.picture.pdf import PdfPages
from engine.picture.png import jpeg_of
from tests.support.screens import HOSTILE

_FILES, _FONTS_WITH = fonts._files, fonts._fonts_with


@pytest.fixture
def no_fontconfig(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fonts, "_asked", lambda *_: None)
    forgotten()


def forgotten() -> None:
    _FILES.cache_clear()
    _FONTS_WITH.cache_clear()


@pytest.fixture(autouse=True)
def afresh() -> Iterator[None]:
    yield
    forgotten()


def drawn(lettering: Lettering, line: str) -> Image.Image:
    image = Image.new("L", (400, 60))
    lettering.draw(ImageDraw.Draw(image), (10, 5), line, 380, "white")
    return image


def test_a_text_is_cut_to_its_lines_and_none_is_wider_than_asked() -> None:
    lettering = Lettering(20)
    for text in (*HOSTILE, "word " * 200, "x" * 5000, "é\u0301" * 900, ""):
        lines = lettering.lines(text, 300, 2)
        assert len(lines) <= 2
        for line in lines:
            assert lettering.width(line) <= 300
            drawn(lettering, line)
    assert lettering.lines("a boat", 300, 2) == ["a boat"]
    first, second = lettering.lines("a boat by night " * 9, 300, 2)
    assert first.endswith(("boat", "night", "a", "by")) and second.endswith("…")


def test_what_could_turn_a_line_around_or_break_it_is_left_out() -> None:
    assert Lettering(20).lines("a\x1b[31m\tred\u202e b\ud800", 900, 1) == ["a [31m red b\ufffd"]


def test_letters_without_a_font_are_boxes_with_their_scripts_names(
    no_fontconfig: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fonts, "_FOLDERS", ())
    lettering = Lettering(20)  # the font that comes with Pillow is all there is
    assert [run.text for run in lettering._runs("hi 日本 नमस्ते")] == ["hi ", "CJK Devanagari"]
    assert lettering.without_font == {"CJK", "Devanagari"}
    assert drawn(lettering, "日本").getbbox()
    assert (script_of("한"), script_of("🚀")) == ("Hangul", "symbol")


def test_without_raqm_what_needs_shaping_is_a_box(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fonts, "is_shaped", lambda: False)
    assert Fonts(20).of("ق") is None
    assert Fonts(20).of("a") is not None


def test_a_machine_without_fontconfig_finds_fonts_in_the_known_folders(
    no_fontconfig: None,
) -> None:
    if not fonts._files():
        pytest.skip("this machine has no fonts at all")
    assert Fonts(20).of("é") is not None


def test_letters_that_no_font_has_are_not_searched_for_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []

    def none_with(letter: str) -> tuple[()]:
        asked.append(letter)
        return ()

    monkeypatch.setattr(fonts, "_fonts_with", none_with)
    here = Fonts(20)
    for letter in map(chr, range(0x13000, 0x13200)):
        here.of(letter)
    assert len(asked) == fonts._MOST_SEARCHES


def test_runs_against_the_line_are_seen_in_the_order_in_which_they_are_read() -> None:
    def order(texts: list[str], *, backward: bool) -> list[str]:
        runs = [_Run(text, None) for text in texts]
        return [run.text for run in _in_sight_order(runs, backward=backward)]

    assert order(["a", "אב", "גד", "b"], backward=False) == ["a", "גד", "אב", "b"]
    assert order(["אב", "日本", "boat", "גד"], backward=True) == ["גד", "日本", "boat", "אב"]


def test_a_line_read_from_right_to_left_stands_at_the_right() -> None:
    lettering = Lettering(20)
    if lettering._fonts.of("ש") is None:
        pytest.skip("no font here has Hebrew letters, or Pillow has no raqm")
    left, _, right, _ = drawn(lettering, "שלום").getbbox() or (0, 0, 0, 0)
    assert left > 200 and right > 370


def test_every_part_of_a_pdf_is_where_its_table_says() -> None:
    out = io.BytesIO()
    book = PdfPages(out, 200)
    picture = Image.new("RGB", (200, 100), "red")
    for _ in range(3):
        book.page(jpeg_of(picture), 200, 100)
    book.close()
    data = out.getvalue()
    start = int(re.findall(rb"startxref\n(\d+)", data)[0])
    places = re.findall(rb"(\d{10}) 00000 n ", data[start:])
    assert len(places) == 2 + 3 * 3
    for number, at in enumerate(places, start=1):
        assert data[int(at) :].startswith(b"%d 0 obj" % number)
    assert data.count(b"/MediaBox [0 0 72.00 36.00]") == 3
    for length, after in re.findall(rb"/Length (\d+) >>\nstream\n()", data):
        assert int(length) and after == b""
    assert re.search(rb"/Count 3 /Kids \[5 0 R 8 0 R 11 0 R\]", data)
