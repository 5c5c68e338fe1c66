"""The settings: one TOML file, every field explained where it is declared."""

import os
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Literal

import msgspec
import platformdirs
from msgspec import Meta

from engine.config_records import Declared, DeclaredError, build
from engine.errors import PromptsheetError, reason_of
from engine.library_folder import may_write, nearest

APP = "promptsheet"
_STATE = ".state"

MOST_DEVICES = 64
"""Devices of one engine process, as the settings name them."""
_JOINED = "auto"
"""Where the Ray cluster is that this machine has joined, as Ray calls it."""
RAY = "ray"
"""Stands for the devices of a Ray cluster's nodes among the devices of the settings."""
MOST_ON_NODES = 1024
"""Renderers on a Ray cluster."""


class SettingsError(PromptsheetError):
    """The settings file (or the model list beside it) cannot be used; the message says where."""


def _at_home(folder: Callable[[str], Path], below: str) -> Path:
    """A folder of the user's; for one who has no home, where it would be if that were /.

    Args:
        folder: finds it; of a uid without an entry and without HOME it knows none, or leaves "~" as
            it is, which is any folder one stands in.
        below: where it is in a home.
    """
    try:
        path = folder(APP)
    except RuntimeError:
        path = Path()
    return path if path.is_absolute() else Path("/", below, APP)


def expanded(path: Path) -> Path:
    """The path with the home folder that a `~` in it stands for.

    Raises:
        SettingsError: there is none.
    """
    try:
        return path.expanduser()
    except RuntimeError as error:
        raise SettingsError(
            f"{path}: you have no home folder. Set HOME, or write the whole path."
        ) from error


def current_folder() -> Path:
    """The folder that this program works in; the home folder where that one has been deleted."""
    try:
        return Path.cwd()
    except FileNotFoundError:
        return expanded(Path("~"))


def config_folder() -> Path:
    """Where `settings.toml` and the user's `models.toml` are; PROMPTSHEET_CONFIG overrides it."""
    if override := os.environ.get("PROMPTSHEET_CONFIG"):
        return expanded(Path(override))
    return _at_home(platformdirs.user_config_path, ".config")


def settings_path() -> Path:
    """The settings file, which need not be there."""
    return config_folder() / "settings.toml"


def state_folder(library: Path) -> Path:
    """Where sockets are kept, and what the app remembers of a library.

    Not XDG_RUNTIME_DIR: that one goes away at logout. Where the user's own folder cannot be written
    (a read-only home, or none), a folder in the library.
    """
    own = own_state_folder()
    return own if may_write(nearest(own)) else library / _STATE


def own_state_folder() -> Path:
    """What is to be known at the next start, whatever the library; it may not be writable."""
    return _at_home(platformdirs.user_state_path, ".local/state")


def cache_folder() -> Path:
    """What can be made again: answers of language models, thumbnails."""
    return _at_home(platformdirs.user_cache_path, ".cache")


def _default_library() -> Path:
    return _at_home(platformdirs.user_data_path, ".local/share") / "library"


def _default_models_folder() -> Path:
    return _at_home(platformdirs.user_data_path, ".local/share") / "models"


class EngineSettings(Declared, frozen=True):
    """The engine process."""

    idle_minutes: Annotated[float, Meta(ge=0.01, le=10_080)] = 10.0
    """Minutes without work or connections before the engine process ends."""

    free_minutes: Annotated[float, Meta(ge=0.01, le=10_080)] = 5.0
    """Minutes without work before renderers end and free their memory."""

    autoresume: Literal["always", "ask"] = "always"
    """What happens to unfinished work when the engine process restarts: "always" continues it,
    "ask" waits until you resume it."""

    render_on: tuple[str, ...] = ()
    """Names of the machines that may render, as printed by `hostname`; "gpu*" matches several. On
    other machines the engine process only manages the library. Empty: it renders on machines where
    someone has started or resumed work of this library before."""

    wait_minutes: Annotated[float, Meta(ge=0.01, le=10_080)] = 10.0
    """Minutes that `run`, `prompt` and `engine run --exit-when-done` wait while rendering is paused
    (no device, a full disk); then they end and say why, and the images stay waiting."""

    reserve_mib: Annotated[int, Meta(ge=0, le=1_048_576)] = 512
    """Rendering pauses when the library's disk has less than this free (in MiB), and continues when
    there is space again."""


class RenderSettings(Declared, frozen=True):
    """Renderers. What changes pixels is fixed for a session when it starts."""

    devices: Annotated[tuple[str, ...], Meta(min_length=1, max_length=MOST_DEVICES)] = ("auto",)
    """Devices to render on, one renderer each: "cpu", "cuda:0", "cuda:1" … "auto" uses every GPU,
    or the CPU if there is none. "cpu" can be listed more than once. "ray" uses all machines of a
    Ray cluster, "ray:4" at most four renderers there."""

    threads: Annotated[int, Meta(ge=0, le=256)] = 0
    """CPU threads for each call of a model; 0: one for small models (several calls run side by
    side), all cores for large ones. The number changes pixels very slightly, so a session keeps the
    one it started with, however many renderers run."""

    max_batch: Annotated[int, Meta(ge=0, le=256)] = 0
    """Most images rendered in one call, rounded down to 1, 2, 4, 8, 16 …; 0 uses the value in the
    model list."""

    format: Literal["png", "webp", "jpeg", "jxl"] = "png"
    """File format of images. PNG keeps every pixel; "jxl" needs `pip install 'promptsheet[jxl]'`.
    Every file contains its recipe."""

    png_level: Annotated[int, Meta(ge=0, le=3)] = 1
    """PNG compression: 0 is fastest, 3 makes the smallest files."""

    quality: Annotated[int, Meta(ge=1, le=100)] = 92
    """Quality of WebP, JPEG and JPEG XL files."""

    background: Annotated[
        str, Meta(pattern="^#[0-9A-Fa-f]{6}$", description="a colour such as #FFFFFF")
    ] = "#FFFFFF"
    """The colour behind transparent parts of a source picture, and around it when `fit` is pad."""

    step_timeout: Annotated[float, Meta(ge=5, le=86_400)] = 600.0
    """Seconds without a sign of life before a renderer is replaced."""

    load_timeout: Annotated[float, Meta(ge=10, le=86_400)] = 1800.0
    """The same while a model loads."""


class RaySettings(Declared, frozen=True):
    """Renderers on other machines, where `render.devices` names "ray"."""

    address: str = ""
    """Where the Ray cluster is, such as "10.0.0.5:6379"; empty: what RAY_ADDRESS says, else the
    cluster that this machine has joined."""

    cpus: Annotated[float, Meta(ge=0, le=4_096)] = 0.0
    """Processors that a renderer takes on machines without a GPU; 0: all of a machine, for one
    renderer."""

    timeout: Annotated[float, Meta(ge=5, le=3_600)] = 15.0
    """Seconds without a sign of life of a machine before its work is given to others."""

    mix: bool = False
    """Whether a session may be rendered on machines of different kinds (other GPUs, or other
    versions of torch). Their pixels differ slightly; each image says so."""


class NoticeSettings(Declared, frozen=True):
    """What happens at the end of a session while nobody looks at it (who does hears the bell)."""

    command: str = ""
    """A shell command, run with PROMPTSHEET_WORDS, PROMPTSHEET_NAME, PROMPTSHEET_STATE,
    PROMPTSHEET_DONE, PROMPTSHEET_FAILED, PROMPTSHEET_IMAGES, PROMPTSHEET_SESSION and
    PROMPTSHEET_FOLDER in its environment."""

    urls: tuple[str, ...] = ()
    """Services to notify, as Apprise URLs ("ntfy://topic", "mailto://…"); needs `pip install
    'promptsheet[notice]'`."""

    unsure: Literal["send", "quiet"] = "send"
    """Whether to send the notice while the app or `promptsheet run` is open in a terminal that does
    not report its focus. Most terminals do; tmux does with `set -g focus-events on`. `promptsheet
    run` never knows the focus."""


class SheetSettings(Declared, frozen=True):
    """What blank cells mean, and how large a sheet may be; exceeding a limit says which."""

    num_images: Annotated[int, Meta(ge=1, le=1_000)] = 4
    """Images per row where the sheet does not say."""

    max_file_mib: Annotated[int, Meta(ge=1, le=1_024)] = 100
    """File size in MiB."""

    max_rows: Annotated[int, Meta(ge=1, le=1_048_576)] = 100_000
    """Rows, not counting the header."""

    max_cells: Annotated[int, Meta(ge=1, le=100_000_000)] = 5_000_000
    """Cells, rows × columns."""

    max_columns: Annotated[int, Meta(ge=1, le=16_384)] = 1_000
    """Columns, including your own."""

    max_prompt_chars: Annotated[int, Meta(ge=1, le=1_000_000)] = 10_000
    """Characters in one prompt."""

    model_names: dict[str, str] = msgspec.field(default_factory=dict)
    """Which of your models to use for labels in other people's sheets: {"3.0" = "sdxl", "2a" =
    "builtin"}."""


class MagicSettings(Declared, frozen=True):
    """Magic prompts by a local language model."""

    model: str = ""
    """A transformers chat model that rewrites prompts before a session starts: a folder, or a name
    on the Hub, which is downloaded. Empty: prompts are enriched without a language model."""

    instruction: str = (
        "Rewrite the following prompt for a text-to-image model. Keep its subject, its colors and"
        " everything it says; add fitting light, composition and detail. Answer with the new"
        " prompt alone, at most 60 words."
    )
    """Instruction for the language model; the prompt is added after it."""

    device: str = "auto"
    """"cpu", "cuda:0" …; "auto" uses the first GPU, or the CPU if there is none."""

    timeout: Annotated[float, Meta(ge=5, le=86_400)] = 600.0
    """Seconds to wait for an answer before giving up."""


class ShareSettings(Declared, frozen=True):
    """Images whose row says visibility public."""

    folder: Path | None = None
    """A folder where others on this machine can read them, under your user name and the session's;
    make sure they can open it. None: nobody else can read them, and the sheet warns about it."""

    strip_metadata: bool = False
    """Remove the recipe from published copies."""


class AppSettings(Declared, frozen=True):
    """The app on the screen."""

    theme: str = "promptsheet-dark"
    """"promptsheet-dark", "promptsheet-light", or a theme of Textual's: "nord", "gruvbox" …"""

    images: Literal["auto", "sixel", "kitty", "half-cells"] = "auto"
    """How pictures are shown; "auto" detects what the terminal can do."""

    bandwidth: Literal["auto", "low", "full"] = "auto"
    """How much is sent to the terminal. "low" for a slow connection: pictures have less detail and
    need less than half the data, and what changes by itself is drawn every two seconds at most.
    "auto" draws it once a second where the connection turns out to be slow; "full" never waits."""

    bell: bool = True
    """Ring the terminal's bell and show a notification when a session ends."""

    keys: dict[str, str] = msgspec.field(default_factory=dict)
    """Your own keys for actions, by the action's id: {"sheet.start" = "f8"}. The command palette
    shows the ids."""


Applies = Literal["now", "later", "app", "engine", "run"]
"""When a changed setting holds: now; for sessions that start from now on, and in the app once it is
started again; once the app is; once the engine process is; at the next `run` or `prompt`."""

_APPLIES: tuple[tuple[str, Applies], ...] = (
    ("app.images", "app"),
    ("app.", "now"),
    ("engine.wait_minutes", "run"),
    ("engine.", "engine"),
    ("render.", "engine"),
    ("ray.", "engine"),
    ("notice.", "engine"),
    ("magic.", "later"),
    ("share.", "later"),
    ("loras_folder", "later"),
    ("", "app"),
)
"""What a name begins with; the first that fits."""


def applies(name: str) -> Applies:
    """When a setting holds that was changed in the app; by its dotted name."""
    return next(when for start, when in _APPLIES if name.startswith(start))


class Settings(Declared, frozen=True):
    """Everything that can be set. Unknown names are refused, so that a slip is not silent."""

    library: Path = msgspec.field(default_factory=_default_library)
    """The library: the folder with the database and all images. PROMPTSHEET_LIBRARY and --library
    override it."""

    models_folder: Path = msgspec.field(default_factory=_default_models_folder)
    """Folder for models that Promptsheet downloads: tens of gigabytes, so choose a large disk.
    Models you add from other folders stay where they are."""

    loras_folder: Path | None = None
    """A folder of LoRAs: every .safetensors file in it or its subfolders, by its name. You can list
    more, with details, in `loras.toml` beside this file."""

    engine: EngineSettings = EngineSettings()
    """The engine process."""

    render: RenderSettings = RenderSettings()
    """Renderers."""

    ray: RaySettings = RaySettings()
    """Renderers on other machines."""

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
    path = settings_path()
    try:
        settings = build(Settings, tomllib.loads(path.read_text(encoding="utf-8-sig")))
    except (FileNotFoundError, NotADirectoryError):
        settings = Settings()
    except DeclaredError as error:
        end = "" if str(error).endswith("?") else "."
        raise SettingsError(f"{path}: {error}{end} Fix or remove that line.") from error
    except ValueError as error:
        raise SettingsError(f"{path} is not valid TOML: {error}.") from error
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {reason_of(error)}.") from error
    named = os.environ.get("PROMPTSHEET_LIBRARY")
    chosen = library or (Path(named) if named else settings.library)
    return msgspec.structs.replace(settings, library=expanded(chosen).absolute())


def models_folder(settings: Settings) -> Path:
    """Where models are kept that were fetched; it need not be there.

    Raises:
        SettingsError: it begins with `~`, and there is no home folder.
    """
    return expanded(settings.models_folder).absolute()


def shared_folder(settings: Settings) -> Path | None:
    """Where public images are published."""
    folder = settings.share.folder
    return expanded(folder) if folder else None


def loras_folder(settings: Settings) -> Path | None:
    """Where LoRAs are that need no entry."""
    folder = settings.loras_folder
    return expanded(folder).absolute() if folder else None


def with_devices(settings: Settings, devices: Sequence[str]) -> Settings:
    """The same settings for other devices; `devices` empty: as they are.

    Raises:
        SettingsError: too many devices, or one that is none.
    """
    if not devices:
        return settings
    if len(devices) > MOST_DEVICES:
        raise SettingsError(f"{len(devices)} devices: name 1 to {MOST_DEVICES}.")
    renderers_on_nodes(devices)
    render = msgspec.structs.replace(settings.render, devices=tuple(devices))
    return msgspec.structs.replace(settings, render=render)


def renderers_on_nodes(devices: Sequence[str]) -> int:
    """How many renderers on a Ray cluster's nodes `devices` ask for, at most; 0: none.

    Raises:
        SettingsError: "ray:" with something else than a number behind it.
    """
    most = 0
    for device in devices:
        name, colon, number = device.partition(":")
        if name != RAY:
            continue
        if not colon:
            return MOST_ON_NODES
        if not (number.isascii() and number.isdigit() and 0 < int(number) <= MOST_ON_NODES):
            raise SettingsError(
                f'{device} is not a device: write "ray", or "ray:4" for at most four renderers.'
            )
        most += int(number)
    return min(most, MOST_ON_NODES)


def is_on_nodes(device: str) -> bool:
    """Whether a device of the settings stands for those of a Ray cluster."""
    return device.partition(":")[0] == RAY


def ray_address(settings: RaySettings) -> str:
    """Where the Ray cluster is, as Ray takes it."""
    return settings.address or os.environ.get("RAY_ADDRESS") or _JOINED


def at_ray_address(address: str) -> str:
    """Behind "the Ray cluster", in words for people: which one that is."""
    return "" if address == _JOINED else f" at {address}"


def asks_for_ray_token() -> bool:
    """Whether Ray is to ask for a token: where nobody says otherwise, if this user has one."""
    mode = os.environ.get("RAY_AUTH_MODE")
    return _has_ray_token() if mode is None else mode.lower() == "token"


def _has_ray_token() -> bool:
    """Whether this user has one, in one of the places where Ray looks for it."""
    places = os.environ.get("RAY_AUTH_TOKEN_PATH"), Path.home() / ".ray" / "auth_token"
    named = os.environ.get("RAY_AUTH_TOKEN")
    return bool(named) or any(place is not None and Path(place).is_file() for place in places)
