"""The keys at the bottom: what can be done now, by key or by click, as far as there is room."""

from typing import ClassVar

from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.geometry import Region
from textual.screen import Screen
from textual.widgets import Static

from tests.support.screens import until
from tui.widgets.key_line import Item, KeyLine, placed


class Keyed(App[None]):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "act('apple')", "Apple", id="x.apple"),
        Binding("b", "act('berry')", "Berry", id="x.berry"),
        Binding("c", "act('cherry')", "Cherry", id="x.cherry"),
        Binding("d", "act('date')", "Date", show=False, id="x.date"),
        Binding("question_mark", "act('help')", "Help", show=False, id="app.help"),
    ]
    able = True

    def __init__(self) -> None:
        super().__init__()
        self.acts: list[str] = []
        self.called: dict[str, str] = {}

    def now_called(self, name: str) -> str | None:
        return self.called.get(name)

    def compose(self) -> ComposeResult:
        yield Static("above")
        yield KeyLine()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return True if parameters != ("berry",) or self.able else None

    def action_act(self, what: str) -> None:
        self.acts.append(what)

    @property
    def line(self) -> str:
        widget = self.query_one(KeyLine)
        return widget.render_lines(Region(0, 0, widget.size.width, 1))[0].text


async def test_a_click_is_as_good_as_the_key() -> None:
    app = Keyed()
    async with app.run_test(size=(60, 5)) as pilot:
        await pilot.pause()
        line = ["a", "Apple", "b", "Berry", "c", "Cherry", "?", "Help", "ctrl+p", "Actions"]
        assert app.line.split() == line
        for word in ("Berry", "Apple", "Help"):
            await pilot.click(KeyLine, offset=(app.line.index(word), 0))
        await pilot.press("c")
        assert app.acts == ["berry", "apple", "help", "cherry"]


async def test_what_cannot_be_done_now_is_not_there() -> None:
    app = Keyed()
    async with app.run_test(size=(60, 5)) as pilot:
        await pilot.pause()
        app.able = False
        app.refresh_bindings()
        await pilot.pause()
        assert app.line.split()[:4] == ["a", "Apple", "c", "Cherry"]


async def test_what_matters_most_comes_first_and_is_called_by_its_state() -> None:
    app = Keyed()
    app.called = {"x.cherry": "Ripe cherry", "x.berry": ""}
    async with app.run_test(size=(60, 5)) as pilot:
        app.screen.KEY_LINE = ("x.cherry", "x.date")  # type: ignore[attr-defined]
        app.refresh_bindings()
        await until(pilot, lambda: app.line.split()[:5] == ["c", "Ripe", "cherry", "a", "Apple"])


def test_nothing_is_ever_cut_off_and_help_and_the_palette_stay() -> None:
    items = [Item(name, name, name * 5) for name in ("a", "日", "c")]
    always = [Item("question_mark", "?", "Help"), Item("ctrl+p", "ctrl+p", "Actions")]
    for width in range(80):
        places = placed(items, always, width)
        *left, last = [item for _, item in places]
        assert last is always[-1]
        assert places[-1][0].stop == max(width, last.width), "they stand at the right"
        assert [item for item in left if item in items] == items[: len(left) - (always[0] in left)]
        assert (always[0] in left) is (width >= 24)
        ends = [place.stop for place, _ in places[:-1]]
        assert all(a <= place.start for a, (place, _) in zip(ends, places[1:], strict=True))
    assert len(placed(items, always, 60)) == 5


async def test_without_room_for_all_the_palette_is_a_click_away() -> None:
    app = Keyed()
    async with app.run_test(size=(35, 5)) as pilot:
        await pilot.pause()
        assert app.line.split() == ["a", "Apple", "?", "Help", "ctrl+p", "Actions"]
        await pilot.click(KeyLine, offset=(app.line.index("Actions"), 0))
        await pilot.pause()
        assert type(app.screen).__name__ == "CommandPalette"


async def test_a_look_that_comes_after_its_screen_was_left_is_no_harm() -> None:
    app = Keyed()
    async with app.run_test(size=(60, 5)):
        line = KeyLine()
        screen = Screen[None]()
        await app.push_screen(screen)
        await screen.mount(line)
        await app.pop_screen()
        line._look()
