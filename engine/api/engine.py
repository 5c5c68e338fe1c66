"""The engine process of a library: started, asked, listened to, stopped."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.protocol.answers import Status
from engine.protocol.commands import AskStatus, Command, Pause, RenderHere
from engine.protocol.records import Tally
from engine.service.client.connection import (
    EngineError,
    EngineGoneError,
    HeldElsewhereError,
    connect_or_start,
    connect_running,
)
from engine.service.client.elsewhere import why_not_asked
from engine.service.client.follow import EngineFeed
from engine.service.client.looking_on import status_elsewhere
from engine.service.client.route import ask, stop_engine
from engine.settings import Settings, with_devices

if TYPE_CHECKING:
    from engine.service.server.ending import Ending


@dataclass(frozen=True, slots=True)
class EngineState:
    """An engine process that runs."""

    status: Status
    mismatch: str | None = None
    """Why this program cannot talk to it, in words."""
    elsewhere: bool = False
    """Whether it lives on another host."""
    warning: str | None = None
    """Of one that was just started: what may end it."""

    @property
    def fault(self) -> str | None:
        """What is wrong with it, but for what its Ray cluster lacks."""
        return self._but_nodes(self.status.fault)

    @property
    def paused(self) -> str | None:
        """Why nothing is rendered although something waits, but for what its Ray cluster lacks."""
        return self._but_nodes(self.status.paused)

    @property
    def renders_here(self) -> bool:
        """Whether it goes on rendering once what pauses it is over, and nobody else need say so."""
        return self.status.renders or self.status.paused_by_user

    def _but_nodes(self, words: str | None) -> str | None:
        return None if words == self.status.nodes_fault else words


class Engine:
    """The engine process of one library."""

    def __init__(self, settings: Settings) -> None:
        """Args: settings: whose library, and which hosts may render."""
        self._settings = settings
        self._path = settings.library

    def start(self, devices: Sequence[str] = (), *, no_render: bool = False) -> EngineState:
        """Start it if none runs, and have it render on this host; its status.

        Args:
            devices: to render on, instead of the settings'.
            no_render: it only keeps the library, until someone asks it to render.

        Raises:
            EngineError: it cannot be started, or runs already and should be another one.
        """
        connection, detachment = connect_or_start(
            self._path, devices, asked=not no_render, no_render=no_render
        )
        with connection:
            if (devices or no_render) and detachment is None:
                other = "with other devices" if devices else "with --no-render"
                raise EngineError(
                    "The engine process is already running. Stop it with `promptsheet engine"
                    f" stop` to start it {other}; its work is kept."
                )
            wanted: Command[Status] = AskStatus() if no_render else RenderHere()
            warning = detachment.warning if detachment else None
            return EngineState(connection.ask(wanted), warning=warning)

    def status(self) -> EngineState | None:
        """What it says of itself; None if none runs.

        Raises:
            EngineError: there is one, but it cannot be talked to.
        """
        try:
            connection = connect_running(self._path)
        except HeldElsewhereError as error:
            far = status_elsewhere(self._path, error.holder)
            return EngineState(far, why_not_asked(error.holder), elsewhere=True)
        if connection is None:
            return None
        with connection:
            mismatch = connection.greeting.mismatch()
            try:
                return EngineState(connection.ask(AskStatus()), mismatch)
            except EngineGoneError:  # it was just leaving
                return None

    def stop(self) -> int | None:
        """Stop it after its current step; its process id, None if none ran.

        Raises:
            EngineError: it does not stop.
        """
        return stop_engine(self._path)

    def run(
        self,
        devices: Sequence[str] = (),
        *,
        no_render: bool = False,
        exit_when_done: bool = False,
        tell: Callable[[Tally], object] = lambda _: None,
    ) -> "Ending":
        """Be the engine process until a signal or a command says stop; how that ended.

        Args:
            devices: to render on, instead of the settings'.
            no_render: only keep the library, until someone asks it to render.
            exit_when_done: end as soon as nothing is left to render; or once nothing could be
                rendered for `engine.wait_minutes`, whatever the reason.
            tell: told of each session that comes to its end.

        Raises:
            LockedError: another one has the library.
            LibraryError: the library cannot be used.
            SettingsError: too many devices.
            OSError: its folder cannot be written.
        """
        # asyncio, which few commands need
        from engine.service.server.ending import Foreground
        from engine.service.server.process import run_engine

        return run_engine(
            with_devices(self._settings, devices),
            "in the foreground",
            on_ready=lambda: None,
            asked=not no_render,
            no_render=no_render,
            foreground=Foreground(exit_when_done, tell),
        )

    def pause(self) -> None:
        """Render nothing and free the devices until told to go on. Outlives a restart.

        Raises:
            EngineError: it cannot be started, or refuses.
        """
        ask(self._path, Pause(paused=True))

    def resume(self) -> None:
        """Go on after a pause.

        Raises:
            EngineError: it cannot be started, or refuses.
        """
        ask(self._path, Pause(paused=False), asked=True)

    def feed(self) -> EngineFeed:
        """What happens in it, for ever; it is started again as far as that is wanted."""
        return EngineFeed(self._settings)
