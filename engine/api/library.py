"""A library with the settings that hold for it: the one object that all else is reached by."""

from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine import library_folder
from engine.errors import PromptsheetError, fault_of
from engine.schema import is_older
from engine.settings import RAY, Settings, load_settings, loras_folder, state_folder, with_devices

# What works on a library loads much of the engine, and the app paints before it needs any of it.
if TYPE_CHECKING:
    from engine.api.diagnosis import Diagnosis, LibraryState
    from engine.api.engine import Engine
    from engine.api.images import Images
    from engine.api.models import Models
    from engine.api.sessions import Sessions
    from engine.api.sheets import Sheets
    from engine.api.trash import Trash
    from engine.library.read.usage import DiskUse
    from engine.library.records import Repaired, VerifyReport
    from engine.models.loras import KnownLoras
    from engine.settings_file import Setting


class Library:
    """A folder with a database and every image, and the settings that hold for it.

    Cheap to make: nothing is read, made or started before it is asked for; there may be no library
    in the folder yet. Safe to use from several threads.
    """

    def __init__(self, settings: Settings | None = None) -> None:
        """Args: settings: what holds; None: the user's own are loaded.

        Raises:
            SettingsError: the settings file cannot be used.
        """
        self.settings = load_settings() if settings is None else settings

    @property
    def path(self) -> Path:
        """Its folder."""
        return self.settings.library

    @cached_property
    def sheets(self) -> "Sheets":
        """Sheets and rows: read, checked, mended, estimated, compared."""
        from engine.api.sheets import Sheets

        return Sheets(self.settings)

    @cached_property
    def sessions(self) -> "Sessions":
        """Sessions: started, followed, stopped, looked at, exported."""
        from engine.api.sessions import Sessions

        return Sessions(self.settings)

    @cached_property
    def images(self) -> "Images":
        """Images: looked at, marked, copied."""
        from engine.api.images import Images

        return Images(self.path)

    @cached_property
    def models(self) -> "Models":
        """Models: listed with what is known of each."""
        from engine.api.models import Models

        return Models(self.settings)

    @cached_property
    def trash(self) -> "Trash":
        """What lies in the trash."""
        from engine.api.trash import Trash

        return Trash(self.path)

    @cached_property
    def engine(self) -> "Engine":
        """The engine process, which renders and is the only one that writes here."""
        from engine.api.engine import Engine

        return Engine(self.settings)

    # ---------------------------------------------------------------- the user's settings

    def all_settings(self) -> "tuple[Setting, ...]":
        """Every setting as its file has it now, in the order of declaration.

        Raises:
            SettingsError: the settings file cannot be used.
        """
        from engine.settings_file import all_settings

        return all_settings(load_settings(self.path))

    def change_setting(self, name: str, text: str | None) -> "Setting":
        """Write a setting into its file; those of the app, `app.…`, hold from now on.

        Args:
            name: dotted, as in `app.theme`.
            text: its value as it would be typed; None: the default.

        Returns:
            The setting as it is now.

        Raises:
            SettingsError: it cannot be that, or the settings file cannot be used.
            OSError: the file cannot be written.
        """
        from msgspec.structs import replace

        from engine.settings_file import all_settings, understood, write_setting

        write_setting(name, None if text is None else understood(name, text))
        now = load_settings(self.path)
        self.settings = replace(self.settings, app=now.app)
        return next(setting for setting in all_settings(now) if setting.name == name)

    @staticmethod
    def setting_of(name: str, text: str) -> Any:
        """The value that a typed text means for a setting.

        Raises:
            SettingsError: it cannot be that; the message says what it can be.
        """
        from engine.settings_file import understood

        return understood(name, text)

    # ---------------------------------------------------------------- its folder

    def folder_fault(self) -> str | None:
        """Why there cannot be a library in its folder; None: there can."""
        return library_folder.folder_fault(self.path)

    def writing_fault(self) -> str | None:
        """Why nothing can be changed or rendered in it; None: it can."""
        return library_folder.writing_fault(self.path)

    def state_folder(self) -> Path:
        """Where an app may keep what it remembers of this library."""
        return state_folder(self.path)

    def disk_use(self, session: str | None = None) -> "DiskUse":
        """What it takes of its disk, and what the work that waits will take.

        Args:
            session: id of the session to count apart.

        Raises:
            LibraryError: not a library this version can read.
            OSError: the disk cannot be asked.
        """
        from engine.library.read.usage import disk_use

        return disk_use(self.path, session)

    def session_names(self, *, trashed: bool = False) -> list[tuple[str, str]]:
        """The id and the name of its newest sessions, at once; empty where they cannot be read.

        Args:
            trashed: those with something in the trash, instead of those that are not there.
        """
        from engine.library.read.session_names import session_names

        return session_names(self.path, trashed=trashed)

    # ---------------------------------------------------------------- as a whole

    def loras(self) -> "KnownLoras":
        """The LoRAs there are, by their labels, and what is wrong with others.

        Each has the family that its file tells, where its entry does not; the files are looked at.

        Raises:
            SettingsError: the list of LoRAs, or their folder, cannot be read.
        """
        from engine.models.loras import load_loras, looked_at

        return looked_at(load_loras(loras_folder(self.settings)))

    def model_labels(self) -> list[str]:
        """The labels in the model list, at once, whatever is wrong with some of its entries.

        Raises:
            SettingsError: the model list cannot be read.
        """
        from engine.models.catalog import listed_labels

        return listed_labels()

    def faults(self) -> list[str]:
        """What is wrong with single entries of the model list, with LoRAs and with files of words.

        Raises:
            SettingsError: the model list cannot be used at all.
        """
        from engine.models.catalog import load_models
        from engine.plan.words import load_words

        words = load_words()
        named = [f"__{name}__: {fault}" for name, fault in words.wildcards.faults.items()]
        loras = self.loras().faults.values()
        return [*load_models().faults.values(), *loras, *words.faults.values(), *named]

    def bring_up_to_date(self) -> None:
        """Have a library of an older version brought up to date, in a process that ends then.

        Of this version, or where there is none yet, nothing is started or changed.

        Raises:
            LibraryError: it cannot be written.
            EngineError: it cannot be brought up to date.
        """
        if not is_older(self.path):
            return
        from engine.library.database import LibraryError
        from engine.service.client.connection import bring_up_to_date

        if fault := self.writing_fault():
            raise LibraryError(
                f"{fault} It was written by an older version of Promptsheet. This version must"
                " update it, or a copy of it, before reading it."
            )
        bring_up_to_date(self.path)

    def verify(self) -> "VerifyReport":
        """Hold database and files against each other.

        Raises:
            LibraryError: no library there, or not one this version can read.
        """
        from engine.library.maintain.verify import verify  # numpy and Pillow, which few need

        return verify(self.path)

    def repair(self) -> "Repaired":
        """Make database and files agree, from the files if need be; nothing is deleted.

        The engine process is stopped first; unfinished work goes on when it is next started.

        Raises:
            LibraryError: there is nothing to repair, or it cannot be written.
            EngineError: the engine process does not stop.
            LockedError: another one has the library by now.
            OSError: its folder cannot be written.
        """
        from engine.library.database import LibraryError
        from engine.library.maintain.repair import repair  # numpy and Pillow, which few need
        from engine.service.lock import LibraryLock

        self.engine.stop()
        if not self.path.is_dir():
            raise LibraryError(self.folder_fault() or f"Library not found: {self.path}.")
        if fault := self.writing_fault():
            raise LibraryError(fault)
        lock = LibraryLock.take(self.path)
        try:
            return repair(self.path, lock.is_ours)
        finally:
            lock.release()

    def diagnose(self) -> "Diagnosis":
        """This machine, its devices, the library and the versions; never raises for a part."""
        from engine.api.diagnosis import Diagnosis, machine_state

        machine = machine_state(with_devices(self.settings, self._devices_in_use()))
        state = self._state()
        try:
            faults = self.faults()
        except PromptsheetError as error:
            faults = [str(error)]
        with suppress(PromptsheetError):
            state = replace(state, models=len(self.model_labels()))
        return Diagnosis(machine, state, faults)

    def _devices_in_use(self) -> list[str]:
        """What the engine process was told to render on, where that is other machines, too."""
        with suppress(PromptsheetError, OSError):
            if (state := self.engine.status()) and not state.elsewhere:
                here = state.status.machine.devices if state.status.machine else None
                if here == [] or any(each.node for each in state.status.devices):
                    return [*(here or ()), RAY]
        return []

    def _state(self) -> "LibraryState":
        from engine.api.diagnosis import LibraryState
        from engine.library.database import database_path, filesystem_of, on_network

        path, may_be = self.path, self.folder_fault() is None
        state = LibraryState(str(path), exists=may_be and database_path(path).is_file())
        try:
            if may_be and path.exists():
                state = replace(state, filesystem=filesystem_of(path), network=on_network(path))
            if may_be:
                state = replace(state, disk=self.disk_use())
            state = replace(state, sessions=len(self.sessions.all()))
            state = replace(state, engine=self.engine.status(), is_engine_known=True)
        except (PromptsheetError, OSError) as error:
            return replace(state, fault=fault_of(error))
        return replace(state, fault=self.writing_fault())
