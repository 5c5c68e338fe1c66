"""The front door: what the app, the command line and a notebook may use of the engine.

`Library` is one library with the settings that hold for it, and everything is asked of it:
`Library().sessions.results("last")`. Beside it stand the values that go in and come out, the
errors, and what can be said of a text alone.

Light: `import engine.api` loads `Library` and the settings, what else there is comes when it is
first named. Imports everything below; nothing in the engine imports it. Begin with `library`.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from engine.api.library import Library
from engine.errors import PromptsheetError, did_you_mean, fault_of, reason_of
from engine.settings import (
    Settings,
    SettingsError,
    cache_folder,
    current_folder,
    load_settings,
    settings_path,
)
from engine.unfinished_files import sweep, written_beside

if TYPE_CHECKING:
    from engine.api.pixels import *  # noqa: F403
    from engine.api.values import *  # noqa: F403
else:
    _PIXELS = ("fitted", "read_rgb", "source_path")

    def __getattr__(name: str) -> object:
        values = import_module("engine.api.pixels" if name in _PIXELS else "engine.api.values")
        if name in values.__all__:
            return getattr(values, name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = [
    "Library",
    "PromptsheetError",
    "Settings",
    "SettingsError",
    "cache_folder",
    "current_folder",
    "did_you_mean",
    "fault_of",
    "load_settings",
    "reason_of",
    "settings_path",
    "sweep",
    "written_beside",
]
