import re
import unicodedata
from collections.abc import Callable, Hashable, Iterable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from textual import events
from textual.strip import Strip

from tests.support.screens import until
from tests.support.tables import COLUMNS, SIZE, lines, shown, spy, strips
from tui.widgets.table_lines import GAP, GUTTER, TableColumn, arrange, fit, least_width
from tui.widgets.table_source import ListSource, Pages, TableCell, TableRow
from tui.widgets.virtual_table import VirtualTable

pytestmark = pytest.mark.slow

MILLION = 1_000_000
PAGE = SIZE[1] - 1
WIDE = [
    TableColumn("row", "row", 8),
    *(TableColumn(f"c{n}", f"Column {n}", 16) for n in range(8)),
]
HOSTILE = [
    "[/]",
    "[red]x[/red][@click=app.bell]y[$z]",
    "\x1b[31mred\x1b]0;title\x07\x1b[2J",
    "\x9b31m\x90\x85",
    "\u202eevil\u2066\u200f",
    "line\r\nbreak\ttab\x00\x7f",
    "日本の船が静かな海に浮かぶ、夕暮れの光",
    "👩\u200d🚀 café ❤️ 🚢",
    "قارب أحمر",
    "a" + "\u0301" * 5000,
]


class Counting:
    """Rows made when asked for, and how many were asked for."""

    def __init__(self, count: int = MILLION) -> None:
        self.total = count
        self.asked = 0
        self.versions: dict[int, int] = {}
        self.loaded: Callable[[int], bool] = lambda index: True

    def count(self) -> int:
        return self.total

    def row(self, index: int) -> TableRow:
        version = self.versions.get(index, 0)
        return TableRow(
            index,
            (TableCell(f"{index}"), TableCell("a boat"), TableCell(f"v{version}", "dim", "· ")),
        )

    def page(self, start: int, stop: int) -> Sequence[TableRow | None]:
        rows = range(start, min(stop, self.total))
        self.asked += len(rows)
        return [self.row(index) if self.loaded(index) else None for index in rows]

    def keys(self, start: int, stop: int) -> Sequence[Hashable]:
        return range(start, stop)

    def index_of(self, key: Hashable) -> int | None:
        return key if isinstance(key, int) and 0 <= key < self.total else None


def letters(keys: Iterable[str]) -> ListSource:
    return ListSource(TableRow(key, (TableCell(key), TableCell(f"prompt {key}"))) for key in keys)


# Moving


@pytest.mark.parametrize(
    ("keys", "index"),
    [
        ("j down k", 1),
        ("up", 0),
        ("pagedown", PAGE),
        ("ctrl+d", PAGE // 2),
        ("ctrl+d ctrl+d ctrl+u", PAGE // 2),
        ("G", MILLION - 1),
        ("end j", MILLION - 1),
        ("end pageup", MILLION - 1 - PAGE),
        ("G pagedown", MILLION - 1),
        ("G g", 0),
        ("end home", 0),
    ],
)
async def test_every_key_takes_the_cursor_where_it_says(keys: str, index: int) -> None:
    table = VirtualTable(COLUMNS, Counting())
    async with shown(table) as (app, pilot):
        await pilot.press(*keys.split())
        await pilot.pause()
        assert table.cursor_index == table.cursor_key == index
        assert index in table.visible_rows
        assert lines(table)[1 + index - table.visible_rows.start].startswith("▌")
        heard = app.heard(VirtualTable.Highlighted)[-1]
        assert isinstance(heard, VirtualTable.Highlighted)
        assert (heard.key, heard.column) == (index, None)


async def test_a_million_rows_ask_the_source_for_no_more_than_ten_thousandths_of_them() -> None:
    source = Counting()
    table = VirtualTable(COLUMNS, source)
    async with shown(table) as (_, pilot):
        await pilot.press("G", "g", "pagedown")
        source.versions = {1: 1}
        table.refresh_rows(range(MILLION))
        table.reload()
        await pilot.pause()
        assert table.visible_rows == range(PAGE, 2 * PAGE)
        assert source.asked < 10 * Pages.SIZE


async def test_the_cursor_of_cells_goes_sideways_and_names_its_column() -> None:
    table = VirtualTable(COLUMNS, Counting(3), cursor="cell")
    async with shown(table) as (app, pilot):
        await pilot.press("l", "right", "right", "h", "enter")
        await pilot.pause()
        assert table.cursor_column == "prompt"
        chosen = app.heard(VirtualTable.Selected)[0]
        assert isinstance(chosen, VirtualTable.Selected)
        assert (chosen.key, chosen.column) == (0, "prompt")


async def test_a_remapped_key_works_and_the_old_one_does_not() -> None:
    table = VirtualTable(COLUMNS, Counting(9))
    async with shown(table) as (app, pilot):
        app.set_keymap({"table.down": "n"})
        await pilot.press("n", "n", "j", "down")
        assert table.cursor_index == 2


def test_every_binding_can_be_remapped_and_explained() -> None:
    bindings = list(VirtualTable._merge_bindings())
    assert all(binding.id and binding.description for _, binding in bindings)
    assert len({binding.id for _, binding in bindings}) == len(VirtualTable.BINDINGS)


# Marks and ranges


async def test_a_key_that_no_binding_names_changes_nothing() -> None:
    # Textual calls a method by the name of its key: @ is "at".
    table = VirtualTable(COLUMNS, Counting(5))
    async with shown(table) as (_, pilot):
        await pilot.press("j", "@", "at", "%", "backslash")
        await pilot.pause()
        assert table.cursor_index == 1


async def test_space_marks_and_moves_on_and_unmarks() -> None:
    table = VirtualTable(COLUMNS, Counting(5))
    async with shown(table) as (app, pilot):
        await pilot.press("space", "space", "k", "space")
        await pilot.pause()
        assert table.marks == {0}
        assert table.cursor_index == 2
        assert [line[1] for line in lines(table)[1:4]] == ["◆", " ", " "]
        said = [m.keys for m in app.heard(VirtualTable.MarksChanged) if hasattr(m, "keys")]
        assert said == [{0}, {0, 1}, {0}]


@pytest.mark.parametrize("fix", ["v", "space"])
async def test_a_range_is_shown_while_it_grows_and_marked_when_fixed(fix: str) -> None:
    table = VirtualTable(COLUMNS, Counting(9))
    async with shown(table) as (app, pilot):
        await pilot.press("j", "j", "j", "v", "k", "k")
        assert [line[1] for line in lines(table)[1:6]] == [" ", "◇", "◇", "◇", " "]
        assert not app.heard(VirtualTable.MarksChanged)
        await pilot.press(fix)
        assert not table.in_range
        assert table.marks == {1, 2, 3}


async def test_escape_leaves_a_range_unmarked_and_is_the_screens_key_otherwise() -> None:
    table = VirtualTable(COLUMNS, Counting(9))
    async with shown(table) as (app, pilot):
        await pilot.press("v", "j", "escape")
        assert not table.in_range
        assert not table.marks
        assert app.escaped == 0
        await pilot.press("escape")
        assert app.escaped == 1


async def test_a_range_over_all_rows_is_marked_by_the_sources_keys_alone() -> None:
    source = Counting()
    table = VirtualTable(COLUMNS, source)
    async with shown(table) as (_, pilot):
        await pilot.press("v", "G", "v")
        assert len(table.marks) == MILLION
        assert source.asked < 10 * Pages.SIZE


async def test_a_table_without_marks_lets_its_keys_through() -> None:
    table = VirtualTable(COLUMNS, Counting(9), markable=False)
    async with shown(table) as (_, pilot):
        await pilot.press("space", "v")
        assert not table.marks
        assert not table.in_range


# Sorting, filtering, following


@pytest.mark.parametrize(("rows", "index"), [("fedcba", 3), ("cab", 0), ("abXYZcd", 5)])
async def test_the_cursor_stays_on_its_key_when_rows_are_sorted_filtered_or_added(
    rows: str, index: int
) -> None:
    source = letters("abcdef")
    table = VirtualTable(COLUMNS, source)
    async with shown(table) as (app, pilot):
        assert table.go_to("c")
        await pilot.pause()
        app.said.clear()
        source.rows = letters(rows).rows
        table.reload()
        await pilot.pause()
        assert (table.cursor_key, table.cursor_index) == ("c", index)
        assert not app.said, "the cursor was said to move"


async def test_the_cursor_takes_the_next_row_when_its_own_is_removed() -> None:
    source = letters("abc")
    table = VirtualTable(COLUMNS, source)
    async with shown(table) as (app, pilot):
        for rows, key in (("ac", "c"), ("a", "a"), ("", None), ("xya", "a")):
            if rows == "ac":
                table.go_to("b")
            source.rows = letters(rows).rows
            table.reload()
            await pilot.pause()
            assert table.cursor_key == key
            heard = app.heard(VirtualTable.Highlighted)[-1]
            assert isinstance(heard, VirtualTable.Highlighted)
            assert heard.key == key
        assert table.cursor_index == 2


async def test_rows_added_above_do_not_move_what_is_on_the_screen() -> None:
    source = ListSource(Counting().row(n) for n in range(200))
    table = VirtualTable(COLUMNS, source)
    async with shown(table) as (_, pilot):
        table.go_to(100)
        await pilot.press("k", "k")
        before = lines(table)[1:]
        source.rows = [Counting().row(n) for n in range(-50, 200)]
        table.reload()
        await pilot.pause()
        assert lines(table)[1:] == before
        assert table.cursor_key == 98


async def test_a_range_survives_sorting_and_ends_when_its_first_row_goes() -> None:
    source = letters("abcdef")
    table = VirtualTable(COLUMNS, source)
    async with shown(table) as (_, pilot):
        await pilot.press("j", "v", "j")
        source.rows = letters("fedcba").rows
        table.reload()
        assert table.in_range
        source.rows = letters("fedca").rows
        table.reload()
        assert not table.in_range


async def test_marks_outlive_a_filter() -> None:
    source = letters("abc")
    table = VirtualTable(COLUMNS, source)
    async with shown(table) as (_, pilot):
        await pilot.press("space")
        source.rows = letters("bc").rows
        table.reload()
        source.rows = letters("abc").rows
        table.reload()
        await pilot.pause()
        assert table.marks == {"a"}
        assert lines(table)[1][1] == "◆"


async def test_the_cursor_follows_until_the_user_moves() -> None:
    table = VirtualTable(COLUMNS, Counting())
    async with shown(table) as (_, pilot):
        table.follow(500)
        table.follow(900)
        assert table.cursor_key == 900
        assert 900 in table.visible_rows
        await pilot.press("k")
        assert table.following is None
        table.reload()
        assert table.cursor_index == 899


async def test_following_does_not_pull_back_a_view_that_was_scrolled_away() -> None:
    table = VirtualTable(COLUMNS, Counting())
    async with shown(table) as (_, pilot):
        table.follow(500)
        await until(pilot, lambda: table.allow_vertical_scroll)
        table.scroll_to(y=0, animate=False)
        table.follow(501)
        table.reload()
        await until(pilot, lambda: table.visible_rows.start == 0, 400)
        assert table.cursor_key == 501


# Repainting


async def test_only_changed_lines_on_the_screen_are_repainted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source = Counting()
    table = VirtualTable(COLUMNS, source)
    async with shown(table) as (_, pilot):
        asked = spy(table, monkeypatch)
        source.versions = {3: 1, 7: 1, 30: 1, 5000: 1}
        table.refresh_rows([3, 7, 8, 30, 5000, 999_999])
        await pilot.pause()
        assert sorted(asked) == [4, 8]
        assert "v1" in table.render_line(4).text
        await pilot.press("pagedown")
        assert "v1" in lines(table)[1 + 30 - PAGE], "a row changed out of sight was shown as it was"


async def test_a_reload_repaints_only_what_looks_different(monkeypatch: pytest.MonkeyPatch) -> None:
    source = Counting()
    table = VirtualTable(COLUMNS, source)
    async with shown(table) as (_, pilot):
        asked = spy(table, monkeypatch)
        table.reload()
        await pilot.pause()
        assert asked == []
        source.versions = {2: 1}
        table.reload()
        await pilot.pause()
        assert asked == [3]


@pytest.mark.parametrize(("keys", "repainted"), [("j", {1, 2}), ("space", {1, 2}), ("v", {1})])
async def test_a_key_repaints_only_the_lines_it_touches(
    keys: str, repainted: set[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    table = VirtualTable(COLUMNS, Counting())
    async with shown(table) as (_, pilot):
        asked = spy(table, monkeypatch)
        await pilot.press(keys)
        await pilot.pause()
        assert set(asked) == repainted


async def test_the_header_names_the_cursors_column(monkeypatch: pytest.MonkeyPatch) -> None:
    table = VirtualTable(COLUMNS, Counting(), cursor="cell")
    async with shown(table) as (_, pilot):
        asked = spy(table, monkeypatch)
        await pilot.press("l")
        await pilot.pause()
        assert set(asked) == {0, 1}


async def test_another_theme_recolours_every_line() -> None:
    table = VirtualTable(COLUMNS, Counting())
    async with shown(table) as (app, pilot):
        before = table.render_line(1)
        app.theme = "textual-light"
        await pilot.pause()
        assert table.render_line(1).text == before.text
        assert list(table.render_line(1)) != list(before)


async def test_a_table_without_focus_looks_so() -> None:
    table = VirtualTable(COLUMNS, Counting())
    async with shown(table) as (app, pilot):
        before = list(table.render_line(1))
        app.set_focus(None)
        await pilot.pause()
        assert list(table.render_line(1)) != before


# Loading, empty


async def test_rows_still_loading_have_a_place_and_appear_when_loaded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source = Counting()
    source.loaded = lambda index: index >= 5
    table = VirtualTable(COLUMNS, source)
    async with shown(table) as (app, pilot):
        assert [("…" in line) for line in lines(table)[1:7]] == [True] * 5 + [False]
        assert table.cursor_key is None
        await pilot.press("enter")
        assert not app.heard(VirtualTable.Selected), "a row nobody can see was opened"
        asked = spy(table, monkeypatch)
        source.loaded = lambda index: True
        table.refresh_rows(range(64))
        await pilot.pause()
        assert sorted(asked) == [1, 2, 3, 4, 5]
        assert table.cursor_key == 0
        heard = app.heard(VirtualTable.Highlighted)[-1]
        assert isinstance(heard, VirtualTable.Highlighted)
        assert heard.key == 0


async def test_a_source_that_knows_only_its_first_rows_does_not_break_the_table() -> None:
    class Short(Counting):
        def page(self, start: int, stop: int) -> Sequence[TableRow | None]:
            return super().page(start, min(stop, 2))

    table = VirtualTable(COLUMNS, Short(50))
    async with shown(table) as (_, pilot):
        await pilot.press("j", "j", "space")
        assert table.marks == {2}
        assert "…" in lines(table)[3]


async def test_an_empty_table_says_so_and_every_key_is_harmless() -> None:
    table = VirtualTable(COLUMNS, empty="No [/] jobs\x1b[2J yet.")
    async with shown(table) as (app, pilot):
        assert any("No [/] jobs␛[2J yet." in line for line in lines(table))
        await pilot.press(*"jkhlgG v", "space", "enter", "pagedown", "pageup", "ctrl+d", "end")
        await pilot.click(table, offset=(5, 5))
        await pilot.pause()
        assert not app.said
        assert table.cursor_index is None


async def test_another_source_starts_from_the_top_without_marks() -> None:
    table = VirtualTable(COLUMNS, Counting())
    async with shown(table) as (_, pilot):
        await pilot.press("space", "G")
        table.source = letters("abc")
        await pilot.pause()
        assert table.cursor_key == "a"
        assert not table.marks
        assert table.visible_rows == range(3)


# What reaches the terminal


def assert_harmless(seen: Iterable[Strip], width: int) -> None:
    for strip in seen:
        assert cell_len(strip.text) == width, f"misaligned: {strip.text!r}"
        bad = [c for c in strip.text if unicodedata.category(c)[0] == "C" and c != "\u200c"]
        assert not bad, f"{bad} reached the terminal"
        assert not any(segment.control for segment in strip)
        assert not any(segment.style and segment.style.meta for segment in strip), "a live link"


@pytest.mark.parametrize("cursor", ["row", "cell"])
@pytest.mark.parametrize("size", [(80, 24), (40, 12), (9, 5), (200, 30)])
async def test_hostile_texts_stay_text_and_in_their_cells(
    cursor: str, size: tuple[int, int]
) -> None:
    source = ListSource(
        TableRow(
            text,
            (
                TableCell(str(n)),
                TableCell(text, "error", "✗"),
                TableCell(text * 3),
                *[TableCell(text)] * 3,
            ),
        )
        for n, text in enumerate(HOSTILE)
    )
    columns = [*COLUMNS, *(TableColumn(text, text, 11) for text in HOSTILE[:3])]
    table = VirtualTable(columns, source, cursor="cell" if cursor == "cell" else "row")
    async with shown(table, size) as (_, pilot):
        table.set_sort(HOSTILE[0], descending=True)
        for keys in ("space", "j", "v", "l", "l", "l", "j", "l", "j", "h", "v"):
            await pilot.press(keys)
            assert_harmless(strips(table), table.scrollable_content_region.width)
        if size == (200, 30):
            text = "\n".join(lines(table))
            assert "[red]x[/red]" in text
            assert "␛[31mred" in text


@given(st.text() | st.sampled_from(HOSTILE), st.integers(0, 30))
def test_a_text_fills_exactly_its_cells(text: str, width: int) -> None:
    for align in ("left", "center", "right"):
        assert cell_len(fit(text, width, align)) == width


def test_emoji_that_terminals_do_not_agree_on_are_taken_apart() -> None:
    assert fit("👩\u200d🚀 ❤\ufe0f|", 9) == "👩🚀 ❤|  "


def test_a_megabyte_of_combining_marks_does_not_reach_the_terminal() -> None:
    assert len(fit("a" + "\u0301" * 1_000_000, 10)) < 80


def test_wide_characters_are_never_cut_in_half() -> None:
    assert [fit("日本の船", width) for width in range(1, 9)] == [
        "…",
        "… ",
        "日…",
        "日… ",
        "日本…",
        "日本… ",
        "日本の…",
        "日本の船",
    ]


@given(st.lists(st.tuples(st.integers(1, 20), st.integers(0, 3)), max_size=8), st.integers(0, 200))
def test_columns_fill_the_width_or_keep_their_least(
    sizes: list[tuple[int, int]], width: int
) -> None:
    columns = [TableColumn(str(n), "", least, share) for n, (least, share) in enumerate(sizes)]
    layout = arrange(columns, width)
    assert all(w >= c.width for w, c in zip(layout.widths, columns, strict=True))
    used = GUTTER + sum(layout.widths) + GAP * len(columns)
    assert layout.total == max(width, used)
    if any(share for _, share in sizes):
        assert used == layout.total


def test_columns_are_as_wide_as_what_is_in_them_and_the_prompt_takes_the_rest() -> None:
    columns = [
        TableColumn("row", "row", 4),
        TableColumn("prompt", "prompt", 20, share=1),
        TableColumn("style", "style", 5, most=24),
        TableColumn("lora", "lora", 5, most=40),
    ]
    room = 100
    layout = arrange(columns, room, seen=[4, 500, 9, 12])
    assert layout.widths == (4, 100 - GUTTER - 4 * GAP - 4 - 9 - 12, 9, 12)
    crowded = arrange(columns, room, seen=[4, 500, 9, 4000])
    assert crowded.widths[2] == 9, "the one that lacks least is whole"
    assert crowded.widths[1] >= 20 + (room - least_width(columns)) // 2 - 4
    assert crowded.total == room, "no column grows until they have to be scrolled"


async def test_a_column_grows_with_what_comes_into_sight_and_does_not_shrink_again() -> None:
    texts = ["auto"] * 40 + ["photorealistic"] + ["auto"] * 40
    source = ListSource(TableRow(n, (TableCell(str(n)), TableCell(t))) for n, t in enumerate(texts))
    columns = [TableColumn("row", "row", 4), TableColumn("style", "style", 5, most=24)]
    table = VirtualTable([*columns, TableColumn("end", "end", 3)], source)
    async with shown(table) as (_, pilot):
        narrow = lines(table)[0].index("end")
        table.go_to(40)
        await pilot.pause()
        wide = lines(table)[0].index("end")
        assert wide - narrow == len("photorealistic") - len("style")
        table.go_to(0)
        await pilot.pause()
        assert lines(table)[0].index("end") == wide


async def test_columns_line_up_whatever_is_in_them() -> None:
    source = ListSource(
        TableRow(t, (TableCell("1"), TableCell(t), TableCell("|"))) for t in HOSTILE
    )
    table = VirtualTable(COLUMNS, source)
    async with shown(table):
        bars = {cell_len(line[: line.rindex("|")]) for line in lines(table)[1 : 1 + len(HOSTILE)]}
        assert bars == {80 - 12 - GAP}


# Sideways


async def test_the_first_column_stays_while_the_others_scroll() -> None:
    source = ListSource(
        TableRow(n, (TableCell(f"r{n}"), *(TableCell(f"日{n}c{c}") for c in range(8))))
        for n in range(30)
    )
    table = VirtualTable(WIDE, source)
    async with shown(table) as (_, pilot):
        assert "Column 7" not in lines(table)[0]
        for _ in range(20):
            await pilot.press("l")
            assert_harmless(strips(table), table.scrollable_content_region.width)
        header, first = lines(table)[:2]
        assert header.split()[0] == "row"
        assert header.rstrip().endswith("Column 7")
        assert first.startswith("▌ r0 ")
        assert first.rstrip().endswith("日0c7")


async def test_the_last_row_is_not_hidden_by_the_scrollbar_of_the_columns() -> None:
    table = VirtualTable(WIDE, Counting())
    async with shown(table) as (_, pilot):
        await pilot.press("G")
        await pilot.pause()
        assert table.show_horizontal_scrollbar
        assert lines(table)[-1].startswith("▌ 999999")


async def test_the_cell_cursor_is_never_out_of_sight() -> None:
    source = ListSource(
        TableRow(n, tuple(TableCell(f"r{n}c{c}") for c in range(9))) for n in range(30)
    )
    table = VirtualTable(WIDE, source, cursor="cell")
    async with shown(table) as (_, pilot):
        for keys in "l" * 9 + "h" * 9:
            await pilot.press(keys)
            column = 0 if table.cursor_column == "row" else int(str(table.cursor_column)[1:]) + 1
            assert f"r0c{column} " in lines(table)[1]


# Mouse and size


async def test_a_click_takes_the_row_under_it_after_scrolling() -> None:
    table = VirtualTable(COLUMNS, Counting(), cursor="cell")
    async with shown(table) as (app, pilot):
        await until(pilot, lambda: table.allow_vertical_scroll)
        table.scroll_to(y=700, animate=False)
        await until(pilot, lambda: table.visible_rows.start == 700, 400)
        await pilot.click(table, offset=(40, 5))
        assert (table.cursor_key, table.cursor_column) == (704, "prompt")
        assert table.visible_rows.start == 700
        assert not app.heard(VirtualTable.Selected)
        await pilot.double_click(table, offset=(40, 6))
        chosen = app.heard(VirtualTable.Selected)
        assert [m.key for m in chosen if isinstance(m, VirtualTable.Selected)] == [705]


async def test_a_click_on_a_scrolled_header_asks_for_the_column_seen_there() -> None:
    table = VirtualTable(WIDE, letters("abc"))
    async with shown(table) as (app, pilot):
        await pilot.press("l", "l", "l")
        x = lines(table)[0].index("Column 2") + 3
        await pilot.click(table, offset=(x, 0))
        await pilot.click(table, offset=(GUTTER, 0))
        asked = app.heard(VirtualTable.SortRequested)
        assert [m.column for m in asked if isinstance(m, VirtualTable.SortRequested)] == [
            "c2",
            "row",
        ]


async def test_the_header_shows_what_is_sorted_and_how() -> None:
    table = VirtualTable(COLUMNS, Counting(3))
    async with shown(table) as (_, pilot):
        table.set_sort("prompt")
        await pilot.pause()
        assert "prompt ▲" in lines(table)[0]
        table.set_sort("row", descending=True)
        assert re.search(r"row ▼ +prompt  ", lines(table)[0])


async def test_the_wheel_scrolls_and_leaves_the_cursor() -> None:
    table = VirtualTable(COLUMNS, Counting())
    async with shown(table) as (_, pilot):
        table.post_message(events.MouseScrollDown(table, 5, 5, 0, 0, 0, False, False, False))
        await pilot.pause()
        assert table.visible_rows.start > 0
        assert table.cursor_key == 0


async def test_a_smaller_screen_keeps_the_cursor_in_view_and_fills_its_width() -> None:
    table = VirtualTable(COLUMNS, Counting())
    async with shown(table) as (_, pilot):
        await pilot.press(*"j" * (PAGE - 1))
        await pilot.resize_terminal(60, 10)
        await pilot.pause()
        assert PAGE - 1 in table.visible_rows
        assert {cell_len(line) for line in lines(table)} == {59}, "a column and the scrollbar"
        await pilot.resize_terminal(120, 40)
        await pilot.pause()
        assert {cell_len(line) for line in lines(table)} == {119}


async def test_other_columns_show_at_once_and_the_cursor_keeps_its_row() -> None:
    table = VirtualTable(COLUMNS, Counting(), cursor="cell")
    async with shown(table) as (_, pilot):
        await pilot.press("j", "l", "l")
        table.columns = COLUMNS[:1]
        await pilot.pause()
        assert (table.cursor_key, table.cursor_column) == (1, "row")
        assert "prompt" not in lines(table)[0]


def test_pages_looked_at_long_ago_are_let_go() -> None:
    pages = Pages(Counting())
    for index in range(0, MILLION, 1000):
        pages.row(index)
    assert len(pages) == Pages.KEPT
    assert pages.where(0) is None
    assert pages.where(999_000) == 999_000
