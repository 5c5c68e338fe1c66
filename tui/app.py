"""The app: four areas over one library."""

import asyncio
import gc
import threading
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.events import Key
from textual.filter import LineFilter
from textual.message import Message
from textual.screen import Screen

from engine.api import Library
from tui.app_state import (
    AppMemory,
    AppState,
    KeysChanged,
    ModelCame,
    RowsToSheet,
    RowToReview,
    SeeAll,
    SessionToSheet,
    TakeInHand,
    count_made,
    recall,
    remember,
)
from tui.engine_status import Doing
from tui.graphics.outlet import outlet_of
from tui.graphics.paced_app import PacedApp
from tui.graphics.protocol import current, tell_when_answered
from tui.graphics.remaking import remake_pictures
from tui.keys import bind, called, key_of
from tui.passing import passing
from tui.screens.base import BaseScreen
from tui.terminal.escape_filter import EscapeFilter
from tui.terminal.notice import notification
from tui.text import clean
from tui.theme import DARK, THEMES
from tui.widgets.top_line import AREAS, TopLine
from tui.workers import hand_over, is_gone, work

if TYPE_CHECKING:
    from engine.api import ImageInfo
    from tui.engine_watch import EngineWatch, News
    from tui.screens.actions import Action
    from tui.screens.area import AreaScreen
    from tui.screens.ask import Ask

_NEWS_SECONDS = 0.25
"""Each taking of news may repaint much of the screen, and a key pressed meanwhile waits for it."""
_COMING_SECONDS = 0.01
_SETTLING_SECONDS, _OPENING_SECONDS = 0.2, 2.0
"""After which the first area is painted, and the longest that the others wait for it to open."""
_MADE_SECONDS = 20.0
_STAY, _LEAVE = "no, stay", "yes, quit and lose it"
_GARBAGE = 20_000
"""More objects made than freed, after which the young are looked through."""


class OpeningScreen(BaseScreen[None]):
    """What is seen at once, while the areas and the engine's front door are being loaded."""

    def __init__(self, area: str, app_state: AppState) -> None:
        super().__init__()
        self._area = area
        self._app_state = app_state
        self.keys: list[Key] = []
        """Pressed meanwhile, for the area to come."""

    def compose(self) -> ComposeResult:
        """The line that every area has."""
        yield TopLine(self._area, self._app_state)

    def on_key(self, event: Key) -> None:
        """Keep it."""
        self.keys.append(Key(event.key, event.character))


class TerminalAnswered(Message):
    """What the terminal can is known now: its answers came late."""


class PromptsheetApp(PacedApp[str]):
    """Ends with a line for the terminal it leaves."""

    TITLE = "Promptsheet"
    ENABLE_COMMAND_PALETTE = True
    CSS = """
    /* At the top, below what counts: at the bottom they lay over totals. */
    ToastRack { dock: top; align: right top; margin: 3 1 0 0; }
    Toast { width: auto; max-width: 60%; padding: 0 1; margin: 0 0 1 0; background: $panel; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        *(bind(f"app.{area}", f"go('{area}')", words, show=False) for area, words in AREAS.items()),
        bind("app.models", "models", "Models", show=False),
        bind("app.settings", "settings", "Settings", show=False),
        bind("app.help", "help", "Help", show=False),
        bind("app.redraw", "redraw", "Redraw the screen", show=False),
        bind("app.quit", "quit", "Quit", show=False),
        bind("app.leave", "leave", "Go back", first=True),
    ]

    def __init__(self, library: Library, sheet: Path | None = None) -> None:
        super().__init__()
        for theme in THEMES:
            self.register_theme(theme)
        # Before the first styles are read: with another theme all would be read again.
        known = library.settings.app.theme in self.available_themes
        self.set_reactive(App.theme, library.settings.app.theme if known else DARK)
        self.stylesheet.set_variables(self.get_css_variables())
        memory = recall(library)
        self.app_state = AppState(library, memory, sheet=sheet)
        self._first = memory.mode if sheet is None and memory.mode in AREAS else "sheet"
        self._opening = OpeningScreen(self._first, self.app_state)
        self._escape_filter = EscapeFilter()
        self._watch: EngineWatch | None = None
        self._leaving: Ask | None = None
        self._why = ""
        self.tells_focus = current().tells_focus
        """Whether the terminal tells whether someone looks at it."""
        self._is_settled = threading.Event()
        """The first area is painted; the others are loaded then."""
        self._areas: dict[str, AreaScreen] = {}
        for name in AREAS:
            self.add_mode(name, partial(self._area, name))

    def _area(self, name: str) -> "AreaScreen":
        """The screen of a mode; made once, so that it keeps its state."""
        if name not in self._areas:
            module = import_module(f"tui.screens.{name}")
            area = self._areas[name] = getattr(module, f"{AREAS[name]}Screen")(self.app_state)
            # It gets its styles when it is mounted; Textual would parse every widget's again.
            area._css_update_count = self._css_update_count
        return self._areas[name]

    def get_default_screen(self) -> Screen[None]:
        """What is painted first."""
        return self._opening

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Textual's own, behind the escape filter."""
        return [*super().get_line_filters(), self._escape_filter]

    def delay_update(self, delay: float = _COMING_SECONDS) -> None:
        """Textual waits 50 ms before it paints a screen that has come; ours are soon there."""
        super().delay_update(min(delay, _COMING_SECONDS))

    def on_mount(self) -> None:
        """Paint, then load the rest in a thread."""
        theme = self.app_state.settings.app.theme
        if theme != self.theme:
            self.notify(clean(f"There is no theme {theme}."), severity="warning", markup=False)
        self.set_keymap(self.app_state.settings.app.keys)
        tell_when_answered(partial(self.post_message, TerminalAnswered()))
        self.mode_change_signal.subscribe(self, self._remember)
        self.call_after_refresh(threading.Thread(target=self._load, daemon=True).start)

    def _load(self) -> None:
        import_module(f"tui.screens.{self._first}")
        self.call_later(self._open)
        # What is imported keeps the loop from painting meanwhile.
        self._is_settled.wait(_OPENING_SECONDS)
        for name in AREAS:
            import_module(f"tui.screens.{name}")
        if self.app_state.settings.app.keys:
            self._look_at_keys()
        # All this stays: looking through it for garbage would stall the screen for 100 ms. And
        # a frame is thousands of small objects, of which hardly one is ever garbage in a cycle.
        gc.freeze()
        gc.set_threshold(_GARBAGE)

    async def _open(self) -> None:
        """Open where it was left, and begin to watch the engine process."""
        from tui.engine_watch import EngineWatch

        if is_gone(self):
            return
        if self.current_mode not in AREAS:
            await self.switch_mode(self._first)
        self.set_timer(_SETTLING_SECONDS, self._is_settled.set)
        for key in self._opening.keys:
            self.post_message(key)
        self._watch = EngineWatch(self.app_state.library)
        self._watch.start()
        self.set_interval(_NEWS_SECONDS, self._take_news)
        self._count_made()
        self.set_interval(_MADE_SECONDS, self._count_made)

    @on(TerminalAnswered)
    def _take_terminal(self) -> None:
        """Show pictures as the terminal can, now that it has said so."""
        self.tells_focus |= current().tells_focus
        if current().protocol == "half-cells":
            return
        areas = [area for area in self._areas.values() if area.is_mounted]
        remake_pictures(self, {*areas, *self.screen_stack})
        self.notify(
            f"Real pictures from now on: the terminal answered late ({current().protocol})."
        )

    def on_app_focus(self) -> None:
        """The terminal tells, so it will tell of the contrary, too."""
        self.tells_focus = True

    def on_app_blur(self) -> None:
        """As above."""
        self.tells_focus = True

    def _look_at_keys(self) -> None:
        """Find out, in a thread, of which actions the settings speak that there are not."""
        from tui.screens.remap_keys import unknown_actions

        if words := unknown_actions(self.app_state.settings.app.keys):
            self.call_later(self._say_unknown, f"Settings, app.keys: {words}")

    def _say_unknown(self, words: str) -> None:
        self.notify(clean(words), severity="warning", markup=False, timeout=15)

    def action_go(self, area: str) -> None:
        """Go to one of the four areas; to Jobs, with what was started meanwhile."""
        if area == "jobs" and self.app_state.started is not None:
            self._hold(self.app_state.started)
        self.switch_mode(area)

    def _remember(self, area: str) -> None:
        """At once, in a thread: a connection that drops gives no time for it."""
        if self.app_state.memory.mode == "sheet" != area:
            self.app_state.away = 0, 0  # what was news there has been seen
        self.app_state.memory.mode = area
        self._keep(replace(self.app_state.memory))

    @work(thread=True, exclusive=True, group="made")
    def _count_made(self) -> None:
        """Keep how many images there are while the app is there: what comes later is news."""
        from engine.api import LibraryError

        try:
            made = count_made(self.app_state)
        except (LibraryError, OSError):
            return
        hand_over(self._take_made, tuple(made))

    def _take_made(self, counts: tuple[int, ...]) -> None:
        if (made := list(counts)) != self.app_state.memory.made:
            self.app_state.memory.made = made
            self._keep(replace(self.app_state.memory))

    @work(thread=True, group="memory")
    def _keep(self, memory: AppMemory) -> None:
        remember(self.app_state.library, memory)

    def _take_news(self) -> None:
        """Hand what happened to the areas that have been opened."""
        if self._watch is None or is_gone(self):
            return
        seen = self.app_focus if self.tells_focus else None
        self._watch.follow_as(previews=self.current_mode == "jobs", seen=seen)
        news = self._watch.take()
        if news is None:
            return
        self.app_state.held = news.held
        self.app_state.status, self.app_state.devices = news.status, news.devices
        self._tell_of_the_engine(news)
        for area in self._areas.values():
            if area.ready:
                area.tell(news)
        if news.settled and self.app_state.settings.app.bell:
            count = len(news.settled)
            ended = "A session has ended" if count == 1 else f"{count} sessions have ended"
            if self._driver is not None:  # as App.bell does
                self._driver.write(notification(ended))

    def _tell_of_the_engine(self, news: "News") -> None:
        """Say what became of the engine process, and why nothing is rendered; each once."""
        for words in news.said:
            self.notify(clean(words), markup=False)
        status = news.status
        told = status.doing in (Doing.OFF, Doing.SILENT) or status.not_here
        why = status.reason if told else ""
        if why and why != self._why:
            self.notify(clean(f"Rendering is paused: {why}"), severity="warning", markup=False)
        self._why = why

    @on(RowsToSheet)
    async def _refine(self, event: RowsToSheet) -> None:
        await self.switch_mode("sheet")
        self._area("sheet").take_rows(event)

    @on(RowToReview)
    async def _look_at_row(self, event: RowToReview) -> None:
        await self.switch_mode("review")
        self._area("review").show_row(event.session, event.row)

    @on(SessionToSheet)
    async def _restore(self, event: SessionToSheet) -> None:
        self._hold(event.session)
        await self.switch_mode("sheet")
        self._area("sheet").take_session(event.session)

    @on(ModelCame)
    def _take_model(self, event: ModelCame) -> None:
        self._area("sheet").take_model(event)

    @on(KeysChanged)
    def _take_keys(self, event: KeysChanged) -> None:
        self.set_keymap(event.keys)
        for area in self._areas.values():
            if area.ready:
                area.keys_changed()

    @on(TakeInHand)
    async def _take_in_hand(self, event: TakeInHand) -> None:
        area = self._area(event.area)
        is_new = not area.ready
        self._hold(event.session, event.at)
        await self.switch_mode(event.area)
        if is_new and event.at is not None:
            area.show_session(event.session, event.at)

    @on(SeeAll)
    async def _see_all(self, event: SeeAll) -> None:
        from tui.screens.review import ReviewScreen

        await self.switch_mode("review")
        review = self._area("review")
        if isinstance(review, ReviewScreen):
            review.see_all(event.text)

    def _hold(self, session: str, at: "ImageInfo | None" = None) -> None:
        self.app_state.memory.session, self.app_state.started = session, None
        for screen in self._areas.values():
            if screen.ready:
                screen.show_session(session, at)

    async def action_command_palette(self) -> None:  # type: ignore[override]
        """Every action of the screen and of the app, to be found by its name."""
        from tui.screens.actions import ActionsScreen, actions_of

        if not isinstance(self.screen, ActionsScreen):
            # What is typed at once is written there.
            await self.push_screen(ActionsScreen(actions_of(self.screen)), self._do)

    def _do(self, action: "Action | None") -> None:
        if action is not None:
            action.run()

    def action_models(self) -> None:
        """The models there are, over whatever is on the screen."""
        from tui.screens.models import ModelsScreen

        if not isinstance(self.screen, ModelsScreen):
            self.push_screen(ModelsScreen(self.app_state))

    def action_settings(self) -> None:
        """Every setting with its explanation, over whatever is on the screen."""
        from tui.screens.settings import SettingsScreen

        if not isinstance(self.screen, SettingsScreen):
            self.push_screen(SettingsScreen(self.app_state.library, tells_focus=self.tells_focus))

    def action_help(self) -> None:
        """Show the keys of this screen, or no longer."""
        from tui.screens.help import HelpScreen, keys_of

        if isinstance(self.screen, HelpScreen):
            self.screen.dismiss(None)
        else:
            self.push_screen(HelpScreen(keys_of(self.screen)))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Where nothing was opened, the key of leaving is the screen's own."""
        if action == "leave":
            return bool(self._screen_stack and passing(self).words)
        return super().check_action(action, parameters)

    def action_leave(self) -> None:
        """Close what was opened last on this screen."""
        passing(self).leave()

    def now_called(self, name: str) -> str | None:
        """What some keys do as things are."""
        return passing(self).words if name == "app.leave" else None

    def get_key_display(self, binding: Binding) -> str:
        """As all texts name a key."""
        return binding.key_display or called(binding.key)

    def action_redraw(self) -> None:
        """Draw the whole screen, and send its pictures again: tmux may be shown elsewhere now."""
        from tui.graphics.kitty_pictures import kitty_pictures_of

        outlet_of(self).shown.forget()
        kitty_pictures_of(self).send_again()
        self.refresh(layout=True)

    async def action_quit(self) -> None:
        """Leave, but ask before a sheet is lost that was mended and neither saved nor started.

        And before one is not started whose pictures are still being copied.
        """
        areas = [area for area in self._areas.values() if area.ready]
        starting = [area.unstarted for area in areas if area.unstarted]
        names = [area.unsaved for area in areas if area.unsaved]
        if not names and not starting:
            await self._leave()
        elif self._leaving is None or self._leaving is not self.screen:
            from tui.screens.ask import Ask

            if self._leaving is not None:  # it may lie on an area that is not shown now
                self._leaving.dismiss(None)
            if starting:
                question = f"The pictures of {starting[0]} are still being copied. Quit anyway?"
                note = (
                    "If you quit now, nothing starts. The title line of Sheet shows how far"
                    " the copy is."
                )
            else:
                name, saves, starts = names[0], key_of("sheet.write_out"), key_of("sheet.start")
                question = f"{name} has edits that are not saved or started yet. Quit anyway?"
                note = f"On Sheet, {saves} saves it and {starts} starts it."
            self._leaving = Ask(question, choices=(_STAY, _LEAVE), note=note)
            self.push_screen(self._leaving, self._leave_or_stay)

    def _leave_or_stay(self, answer: str | None) -> None:
        if answer == _LEAVE:
            self.call_later(self._leave)

    async def _leave(self) -> None:
        """What is being rendered goes on, and the terminal is told so."""
        self.workers.cancel_group(self, "made")
        await asyncio.to_thread(remember, self.app_state.library, self.app_state.memory)
        for area in self._areas.values():
            await asyncio.to_thread(area.leave)
        words = self._farewell()
        self.app_state.pulling.stop()
        await self.stop_asking()
        self.exit(words)

    def _farewell(self) -> str:
        said: list[str] = []
        if self._watch and self._watch.rendering:
            said.append(
                "Rendering continues in the background; run `promptsheet` to come back to it."
            )
        pulling = self.app_state.pulling
        if pulling.name and pulling.coming is not None:
            from tui.pull_words import pull_command

            said.append(f"`{pull_command(pulling.coming)}` continues this download later.")
        return "\n".join(said)
