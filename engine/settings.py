"""The settings: one TOML file, every field explained where it is declared."""

import os
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import msgspec
import platformdirs
from msgspec import Meta

from engine.config_records import Declared, DeclaredError, build

APP = "promptsheet"


class SettingsError(Exception):
    """The settings file (or the model list beside it) cannot be used; the message says where."""


def config_folder() -> Path:
    """Where `settings.toml` and the user's `models.toml` are; PROMPTSHEET_CONFIG overrides it."""
    if override := os.environ.get("PROMPTSHEET_CONFIG"):
        return Path(override).expanduser()
    return platformdirs.user_config_path(APP)


def state_folder() -> Path:
    """Where sockets are kept. Not XDG_RUNTIME_DIR: that one goes away at logout."""
    return platformdirs.user_state_path(APP)


def cache_folder() -> Path:
    """What can be made again: answers of language models."""
    return platformdirs.user_cache_path(APP)


def _default_library() -> Path:
    return platformdirs.user_data_path(APP) / "library"


class EngineSettings(Declared, frozen=True):
    """The engine process."""

    idle_minutes: Annotated[float, Meta(gt=0)] = 10.0
    """Minutes with nothing to render and nobody connected after which the engine process leaves."""

    free_minutes: Annotated[float, Meta(gt=0)] = 5.0
    """Minutes with nothing to render after which renderers end and give their memory back."""

    autoresume: Literal["always", "ask"] = "always"
    """What becomes of unfinished work when the engine process starts again: "always" goes on by
    itself, "ask" waits until it is resumed."""

    reserve_mib: Annotated[int, Meta(ge=0)] = 512
    """Rendering pauses while the library's disk has less than this free (MiB), and goes on by
    itself when there is room again."""


class RenderSettings(Declared, frozen=True):
    """Renderers. What changes pixels is fixed for a session when it starts."""

    devices: Annotated[tuple[str, ...], Meta(min_length=1)] = ("auto",)
    """Devices to render on, one renderer each: "cpu", "cuda:0", "cuda:1" … "auto" takes every GPU,
    or the CPU where there is none. "cpu" may be given more than once."""

    threads: Annotated[int, Meta(ge=0)] = 0
    """CPU threads of one call of a pipeline; 0: one for small models (several calls then run side
    by side), every core for large ones. It changes pixels in the last bit, so it does not depend on
    how many renderers run, and a session keeps the number it began with."""

    max_batch: Annotated[int, Meta(ge=0)] = 0
    """Most images in one call of a pipeline, rounded down to 1, 2, 4, 8, 16 …; 0 takes what the
    model list says."""

    format: Literal["png", "webp", "jpeg", "jxl"] = "png"
    """What pictures are stored as. PNG keeps every pixel; "jxl" needs the extra of that name
    (`pip install 'promptsheet[jxl]'`). Each carries its recipe."""

    png_level: Annotated[int, Meta(ge=0, le=3)] = 1
    """How hard PNG files are compressed: 0 is quickest, 3 smallest."""

    quality: Annotated[int, Meta(ge=1, le=100)] = 92
    """Quality of WebP, JPEG and JPEG XL files."""

    step_timeout: Annotated[float, Meta(gt=0)] = 600.0
    """Seconds without a sign of life after which a renderer counts as hanging and is replaced."""

    load_timeout: Annotated[float, Meta(gt=0)] = 1800.0
    """The same while a model is being loaded."""


class NoticeSettings(Declared, frozen=True):
    """What happens at the end of a session while nobody follows it (who does hears the bell)."""

    command: str = ""
    """A shell command, run with PROMPTSHEET_WORDS, PROMPTSHEET_NAME, PROMPTSHEET_STATE,
    PROMPTSHEET_DONE, PROMPTSHEET_FAILED, PROMPTSHEET_IMAGES, PROMPTSHEET_SESSION and
    PROMPTSHEET_FOLDER in its environment."""

    urls: tuple[str, ...] = ()
    """Services to tell, as Apprise writes them ("ntfy://topic", "mailto://…"); needs
    `pip install 'promptsheet[notice]'`."""


class SheetSettings(Declared, frozen=True):
    """How large a sheet may be; exceeding a limit says which."""

    max_file_mib: Annotated[int, Meta(gt=0)] = 100
    """File size in MiB."""

    max_rows: Annotated[int, Meta(gt=0)] = 100_000
    """Rows, the header not counted."""

    max_cells: Annotated[int, Meta(gt=0)] = 5_000_000
    """Cells, rows × columns."""

    max_columns: Annotated[int, Meta(gt=0)] = 1_000
    """Columns, your own ones counted."""

    max_prompt_chars: Annotated[int, Meta(gt=0)] = 10_000
    """Characters of one prompt."""

    model_names: dict[str, str] = msgspec.field(default_factory=dict)
    """What model labels in other people's sheets stand for: {"3.0" = "sdxl", "2a" = "builtin"}."""


class MagicSettings(Declared, frozen=True):
    """Magic prompts by a local language model."""

    model: str = ""
    """A transformers chat model that rewrites prompts before a session starts: a folder, or a name
    on the Hub (which downloads it). Empty: prompts are enriched without one."""

    instruction: str = (
        "Rewrite the following prompt for a text-to-image model. Keep its subject, its colors and"
        " everything it says; add fitting light, composition and detail. Answer with the new"
        " prompt alone, at most 60 words."
    )
    """What the language model is told; the prompt follows it."""

    device: str = "auto"
    """"cpu", "cuda:0" …; "auto" takes the first GPU, or the CPU where there is none."""

    timeout: Annotated[float, Meta(gt=0)] = 600.0
    """Seconds without an answer after which it counts as hanging."""


class ShareSettings(Declared, frozen=True):
    """Images whose row says visibility public."""

    folder: Path | None = None
    """A folder where colleagues on this machine find them, under your user name and the session's;
    none: they are only readable where they are."""

    strip_metadata: bool = False
    """Publish copies without the recipe inside."""


class AppSettings(Declared, frozen=True):
    """The app on the screen."""

    theme: str = "textual-dark"
    """A Textual theme: "textual-dark", "textual-light", "nord", "gruvbox" …"""

    images: Literal["auto", "sixel", "kitty", "half-cells"] = "auto"
    """How pictures are shown; "auto" asks the terminal."""

    bandwidth: Literal["full", "low"] = "full"
    """"low" for a thin line: pictures have less detail and cost less than half the bytes."""

    bell: bool = True
    """Ring the terminal's bell and show its notification when a session has finished."""

    keys: dict[str, str] = msgspec.field(default_factory=dict)
    """Other keys for actions, by the action's id: {"sheet.start" = "f5"}. The command palette shows
    the ids."""


class Settings(Declared, frozen=True):
    """Everything that can be set. Unknown names are refused, so that a slip is not silent."""

    library: Path = msgspec.field(default_factory=_default_library)
    """The library: the folder that holds the database and every image. PROMPTSHEET_LIBRARY and
    --library override it."""

    engine: EngineSettings = EngineSettings()
    """The engine process."""

    render: RenderSettings = RenderSettings()
    """Renderers."""

    notice: NoticeSettings = NoticeSettings()
    """At the end of a session."""

    sheet: SheetSettings = SheetSettings()
    """Limits of a sheet."""

    magic: MagicSettings = MagicSettings()
    """Magic prompts by a local language model."""

    share: ShareSettings = ShareSettings()
    """Public images."""

    app: AppSettings = AppSettings()
    """The app on the screen."""


def load_settings(library: Path | None = None) -> Settings:
    """The settings that hold now: the command line before the environment before the file.

    Args:
        library: the command line's --library.

    Raises:
        SettingsError: the file is not TOML, or a value in it is wrong.
    """
    path = config_folder() / "settings.toml"
    try:
        settings = build(Settings, tomllib.loads(path.read_text(encoding="utf-8-sig")))
    except (FileNotFoundError, NotADirectoryError):
        settings = Settings()
    except DeclaredError as error:
        raise SettingsError(f"{path}: {error}. Mend or remove that line.") from error
    except ValueError as error:
        raise SettingsError(f"{path} is not valid TOML: {error}.") from error
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}.") from error
    named = os.environ.get("PROMPTSHEET_LIBRARY")
    chosen = library or (Path(named) if named else settings.library)
    return msgspec.structs.replace(settings, library=chosen.expanduser().absolute())


def with_devices(settings: Settings, devices: Sequence[str]) -> Settings:
    """The same settings for other devices; `devices` empty: as they are."""
    if not devices:
        return settings
    render = msgspec.structs.replace(settings.render, devices=tuple(devices))
    return msgspec.structs.replace(settings, render=render)
