"""The keys at the bottom: what can be done now, by key or by click, as far as there is room."""

from typing import ClassVar

from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.geometry import Region
from textual.screen import Screen
from textual.widgets import Static

from tui.widgets.key_line import KeyLine


class Keyed(App[None]):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "act('apple')", "Apple"),
        Binding("b", "act('berry')", "Berry"),
        Binding("c", "act('cherry')", "Cherry"),
        Binding("d", "act('date')", "Date", show=False),
    ]
    able = True

    def __init__(self) -> None:
        super().__init__()
        self.acts: list[str] = []

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
        assert app.line.split() == ["a", "Apple", "b", "Berry", "c", "Cherry", "^p", "palette"]
        for word in ("Berry", "Apple"):
            await pilot.click(KeyLine, offset=(app.line.index(word), 0))
        await pilot.press("c")
        assert app.acts == ["berry", "apple", "cherry"]


async def test_what_cannot_be_done_now_is_dim_and_does_nothing() -> None:
    app = Keyed()
    async with app.run_test(size=(60, 5)) as pilot:
        await pilot.pause()

        def colour(word: str) -> object:
            region = app.query_one(KeyLine).region
            style = app.screen.get_style_at(app.line.index(word), region.y)
            return style.color

        before = colour("Berry")
        app.able = False
        app.refresh_bindings()
        await pilot.pause()
        assert colour("Berry") != before == colour("Apple")
        await pilot.click(KeyLine, offset=(app.line.index("Berry"), 0))
        assert app.acts == []


async def test_without_room_for_all_the_palette_stays() -> None:
    app = Keyed()
    async with app.run_test(size=(60, 5)) as pilot:
        await pilot.resize_terminal(28, 5)
        await pilot.pause()
        assert app.line.split() == ["a", "Apple", "…", "^p", "palette"]
        assert len(app.line) == 28
        await pilot.click(KeyLine, offset=(app.line.index("palette"), 0))
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
