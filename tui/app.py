"""The app: four areas on one desk."""

from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import App, SystemCommand
from textual.binding import BindingType
from textual.screen import Screen

from engine.api import Settings
from tui.desk import Desk, recall, remember
from tui.keys import bind
from tui.screens.area import Area
from tui.screens.jobs import JobsScreen
from tui.screens.review import ReviewScreen
from tui.screens.sessions import SessionsScreen
from tui.screens.sheet import SheetScreen
from tui.text import clean
from tui.watch import EngineWatch
from tui.widgets.top_line import AREAS

_NEWS_SECONDS = 0.1


def _same(screen: Area) -> Area:
    """The screen of a mode; made once, so that it keeps its state."""
    return screen


class PromptsheetApp(App[str]):
    """Ends with a line for the terminal it leaves."""

    TITLE = "Promptsheet"
    ENABLE_COMMAND_PALETTE = True
    BINDINGS: ClassVar[list[BindingType]] = [
        *(
            bind(f"app.{area}", str(number), f"go('{area}')", words, show=False)
            for number, (area, words) in enumerate(AREAS.items(), start=1)
        ),
        bind("app.help", "question_mark", "help", "Help", show=False),
        bind("app.quit", "q,ctrl+q", "quit", "Quit", show=False),
    ]

    def __init__(self, settings: Settings, sheet: Path | None = None) -> None:
        super().__init__()
        self.desk = Desk(settings, recall(settings.library), sheet)
        self._watch = EngineWatch(settings.library)
        self._areas: dict[str, Area] = {
            area.AREA: area(self.desk)
            for area in (SheetScreen, JobsScreen, ReviewScreen, SessionsScreen)
        }
        for name, screen in self._areas.items():
            self.add_mode(name, partial(_same, screen))

    def on_mount(self) -> None:
        """Open where it was left, and begin to watch the engine process."""
        self.theme = self._known_theme(self.desk.settings.app.theme)
        self.set_keymap(self.desk.settings.app.keys)
        memory = self.desk.memory
        mode = "sheet" if self.desk.sheet else memory.mode if memory.mode in AREAS else "sheet"
        self.switch_mode(mode)
        self._watch.start()
        self.set_interval(_NEWS_SECONDS, self._take_news)

    def _known_theme(self, theme: str) -> str:
        if theme in self.available_themes:
            return theme
        self.notify(clean(f"There is no theme {theme}."), severity="warning", markup=False)
        return "textual-dark"

    def action_go(self, area: str) -> None:
        """Go to one of the four areas."""
        self.switch_mode(area)

    def _take_news(self) -> None:
        """Hand what happened to the areas that have been opened."""
        news = self._watch.take()
        if news is None:
            return
        for area in self._areas.values():
            if area.is_mounted:
                area.tell(news)
        if news.settled and self.desk.settings.app.bell:
            self.bell()

    @on(SheetScreen.Started)
    def _started(self, event: SheetScreen.Started) -> None:
        self._take_in_hand(event.session, "jobs")

    @on(SessionsScreen.Opened)
    def _opened(self, event: SessionsScreen.Opened) -> None:
        self._take_in_hand(event.session, event.area)

    def _take_in_hand(self, session: str, area: str) -> None:
        self.desk.memory.session = session
        for screen in self._areas.values():
            if screen.is_mounted:
                screen.show_session(session)
        self.switch_mode(area)

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Every action of the screen and of the app, with its key."""
        yield from super().get_system_commands(screen)
        for _, binding, enabled, _ in screen.active_bindings.values():
            if enabled and binding.description and binding.id:
                action = binding.action
                yield SystemCommand(
                    binding.description,
                    f"{binding.id} · key {binding.key}",
                    lambda action=action: self.run_worker(screen.run_action(action)),
                )

    def action_help(self) -> None:
        """Show or hide the keys of this screen."""
        if self.screen.query("HelpPanel"):
            self.action_hide_help_panel()
        else:
            self.action_show_help_panel()

    async def action_quit(self) -> None:
        """Leave; what is being rendered goes on, and the terminal is told so."""
        self.desk.memory.mode = self.current_mode
        remember(self.desk.library, self.desk.memory)
        self.exit(self._farewell())

    def _farewell(self) -> str:
        if self._watch.rendering:
            return "Rendering goes on without this terminal; `promptsheet` brings you back to it."
        return ""
