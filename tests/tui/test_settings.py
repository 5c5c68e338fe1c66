import re
import tomllib
from pathlib import Path
from textwrap import wrap
from typing import Any

import pytest
from msgspec.structs import replace
from textual.pilot import Pilot

from engine.api import Library
from engine.settings import Settings, SettingsError, load_settings
from engine.settings_file import all_settings, understood, write_setting
from tests.support.screens import WITH_ALL, screen_text, until
from tui.app import PromptsheetApp
from tui.keys import KEYS, all_bindings, all_ids
from tui.screens.remap_keys import PressKey, RemapKeys, refusal, verbs
from tui.screens.setting_forms import ChooseSetting, WriteSetting, stepped
from tui.screens.settings import _TELLS_NOT, SettingsScreen, explanation_lines
from tui.widgets.virtual_table import VirtualTable

pytestmark = pytest.mark.slow


_WRITTEN = """# mine
[app]
theme = "nord" # I like it
# and this one, too
bell = false
"""


@pytest.fixture
def file(config: Path) -> Path:
    path = config / "settings.toml"
    path.write_text(_WRITTEN)
    return path


def test_every_setting_is_explained_and_says_whether_it_is_set(file: Path) -> None:
    found = {setting.name: setting for setting in all_settings(load_settings())}
    assert all(setting.explanation for setting in found.values())
    assert found["app.theme"].text == "nord"
    assert {name for name, s in found.items() if s.is_set} == {"app.theme", "app.bell"}
    assert found["app.images"].choices == ("auto", "sixel", "kitty", "half-cells")
    assert found["render.devices"].text == "auto"


def test_changing_one_keeps_the_users_own_remarks(file: Path) -> None:
    write_setting("app.theme", understood("app.theme", "gruvbox"))
    write_setting("engine.idle_minutes", understood("engine.idle_minutes", "2.5"))
    write_setting("library", understood("library", "/data/images"))
    write_setting("render.devices", understood("render.devices", "cuda:0, cuda:1"))
    write_setting("app.keys", understood("app.keys", "review.take_away = x, app.quit = f10"))
    write_setting("app.bell", None)
    text = file.read_text()
    assert "# mine" in text
    assert 'theme = "gruvbox" # I like it' in text
    assert "# Minutes without work or connections" in text
    settings = load_settings()
    assert settings.library == Path("/data/images")
    assert (settings.engine.idle_minutes, settings.app.bell) == (2.5, True)
    assert settings.render.devices == ("cuda:0", "cuda:1")
    assert settings.app.keys == {"review.take_away": "x", "app.quit": "f10"}


@pytest.mark.parametrize(
    ("name", "text", "means"),
    [
        ("app.keys", '{"sheet.start" = "f5"}', {"sheet.start": "f5"}),
        ("app.keys", '{"app.quit" = "q,f10", "app.help" = "f1"}', None),
        ("sheet.model_names", '{"3.0" = "sdxl", "2a" = "builtin"}', None),
        ("render.devices", '["cuda:0", "cuda:1"]', ["cuda:0", "cuda:1"]),
        ("notice.urls", '["mailto://a@b?to=c,d"]', ["mailto://a@b?to=c,d"]),
        ("app.bandwidth", '"low"', "low"),
        ("app.theme", "'nord'", "nord"),
        ("notice.command", 'say "$PROMPTSHEET_WORDS"', 'say "$PROMPTSHEET_WORDS"'),
        ("notice.command", '"my script" now', '"my script" now'),
    ],
)
def test_what_is_written_as_the_file_has_it_is_understood_and_shown_alike(
    file: Path, name: str, text: str, means: object
) -> None:
    value = understood(name, text)
    assert value == (means or tomllib.loads(f"value = {text}")["value"])
    write_setting(name, value)
    (shown,) = (s.text for s in all_settings(load_settings()) if s.name == name)
    assert understood(name, shown) == value


def test_every_example_in_an_explanation_can_be_typed(file: Path) -> None:
    examples = {
        (setting.name, example)
        for setting in all_settings(load_settings())
        for example in re.findall(r"\{.*?\}", setting.explanation)
    }
    assert len(examples) >= 2
    for name, example in examples:
        assert isinstance(understood(name, example), dict)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("engine.idle_minutes", "0"),
        ("engine.idle_minutes", "soon"),
        ("app.images", "jpeg"),
        ("app.bell", "maybe"),
        ("render.devices", ""),
        ("sheet.max_rows", "1.5"),
        ("sheet.max_rows", '1\n[app]\ntheme = "x"'),
        ("nonsense", "1"),
        ("app.nonsense", "1"),
        ("app.keys", '{"sheet.start" = f5}'),
        ("render.devices", '["cpu"'),
    ],
)
def test_what_a_setting_cannot_be_is_refused_in_words(file: Path, name: str, text: str) -> None:
    with pytest.raises(SettingsError):
        understood(name, text)
    assert file.read_text() == _WRITTEN


def test_a_form_suits_its_kind_and_says_what_it_takes_and_when_it_holds(file: Path) -> None:
    found = {setting.name: setting for setting in all_settings(load_settings())}
    kinds = {name: setting.kind for name, setting in found.items()}
    assert (kinds["app.bell"], kinds["app.images"], kinds["sheet.num_images"]) == (
        *("switch", "choice", "number"),
    )
    assert (kinds["render.devices"], kinds["app.keys"], kinds["library"]) == (
        *("list", "names", "folder"),
    )
    assert found["sheet.num_images"].bounds == "a whole number from 1 to 1000"
    assert all(setting.bounds for setting in found.values() if setting.kind == "number")
    whens = {name: setting.applies for name, setting in found.items()}
    assert (whens["app.keys"], whens["app.images"], whens["sheet.num_images"]) == (
        *("now", "app", "app"),
    )
    assert (whens["magic.model"], whens["engine.idle_minutes"], whens["engine.wait_minutes"]) == (
        *("later", "engine", "run"),
    )


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("app.images", "jpeg", "write auto, sixel, kitty or half-cells"),
        ("app.bell", "maybe", "write true or false"),
        ("render.background", "white", "write a colour such as #FFFFFF"),
        ("sheet.num_images", "0", "write a whole number from 1 to 1000"),
    ],
)
def test_what_a_setting_can_be_is_said_in_plain_words(
    file: Path, name: str, text: str, said: str
) -> None:
    with pytest.raises(SettingsError, match=said):
        understood(name, text)


def test_a_misspelt_name_in_the_file_is_asked_back(file: Path) -> None:
    file.write_text("[engine]\nidle_minuts = 3\n")
    with pytest.raises(SettingsError, match=r"Did you mean idle_minutes.*\? Fix or remove"):
        load_settings()


def test_other_keys_are_written_name_by_name_between_the_users_own_remarks(file: Path) -> None:
    file.write_text(
        '[app.keys]\n# starts\n"sheet.start" = "f8" # far from s\n# gone soon\n"app.quit" = "f10"\n'
    )
    write_setting("app.keys", {"sheet.start": "f8", "app.help": "f1"})
    text = file.read_text()
    assert '# starts\n"sheet.start" = "f8" # far from s' in text and '"app.help" = "f1"' in text
    assert load_settings().app.keys == {"sheet.start": "f8", "app.help": "f1"}


def test_blank_num_images_means_what_the_settings_say(settings: Settings) -> None:
    many = replace(settings, sheet=replace(settings.sheet, num_images=7))
    rows = [{"prompt": "a red boat"}, {"prompt": "fog", "num_images": "2"}]
    assert Library(many).sheets.check_rows(rows, file="a").images == 9


def test_every_explanation_fits_beside_the_list_at_80_columns() -> None:
    for setting in all_settings(Settings()):
        lines = [line for text in explanation_lines(setting, "enter") for line in wrap(text, 78)]
        lines += wrap(_TELLS_NOT, 78) if setting.name.startswith("notice.") else []
        assert len(lines) <= 7, setting.name


def test_numbers_go_up_and_down_within_their_bounds(file: Path) -> None:
    found = {setting.name: setting for setting in all_settings(load_settings())}
    images, minutes = found["sheet.num_images"], found["engine.idle_minutes"]
    assert [stepped(images, "4", 1), stepped(images, "1", -1), stepped(images, "x", 1)] == [
        *("5", "1", "4"),
    ]
    assert stepped(minutes, "2.5", 1) == "3.5"


def test_a_key_that_does_something_else_already_is_refused() -> None:
    listed = verbs(all_bindings())
    of = {verb.name: verb for verb in listed}
    assert len(listed) == len(KEYS) and of["start"].words.startswith("Start")
    assert "already" in refusal(of["start"], "f", listed, {})
    assert not refusal(of["retry"], "f", listed, dict.fromkeys(of["favourite"].ids, "f9"))
    assert not refusal(of["start"], "ctrl+s", listed, {})
    assert "choose a key with ctrl" in refusal(of["start"], "Q", listed, {})
    assert not refusal(of["favourite"], "Q", listed, {})
    assert not refusal(of["start"], "f8", listed, {})
    assert {"sheet.start", "prompts.start"} <= set(of["start"].ids)


async def _settings(pilot: Pilot[Any], name: str) -> None:
    app = pilot.app
    table = app.screen.query_one("#settings", VirtualTable)
    await until(pilot, lambda: table.cursor_key)
    table.go_to(name)


async def test_settings_are_grouped_and_each_is_changed_in_its_own_form(
    app: PromptsheetApp, file: Path
) -> None:
    def told(words: str) -> bool:
        return any(words in n.message for n in app._notifications)

    async with app.run_test(size=(80, 24), **WITH_ALL) as pilot:
        await until(pilot, lambda: "open a sheet" in screen_text(app))
        await pilot.press("2")
        await until(pilot, lambda: "Press 1 to start one" in screen_text(app))
        await pilot.press("1")
        await until(pilot, lambda: "o open a sheet" in screen_text(app))
        await pilot.press("comma")
        await until(pilot, lambda: "─ The app" in screen_text(app))
        assert "● nord" in screen_text(app)

        # A switch is one press, and says truly when it holds.
        await _settings(pilot, "app.bell")
        await pilot.press("enter")
        await until(pilot, lambda: load_settings().app.bell and told("app.bell: on, applied"))
        assert app.app_state.settings.app.bell

        # Themes are seen while one moves, and left as they were.
        before = app.theme
        await _settings(pilot, "app.theme")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ChooseSetting))
        await pilot.press("up")
        await until(pilot, lambda: app.theme not in ("nord", before))
        await pilot.press("escape")
        await until(pilot, lambda: app.theme == before)
        assert load_settings().app.theme == "nord"
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ChooseSetting))
        await pilot.press("down", "enter")
        await until(pilot, lambda: load_settings().app.theme not in ("nord", ""))
        await until(pilot, lambda: app.theme == load_settings().app.theme)

        # A number is stepped, and refused while it is typed.
        await _settings(pilot, "engine.idle_minutes")
        await until(pilot, lambda: "It can be a number from 0.01" in screen_text(app))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, WriteSetting))
        await pilot.press("up", "x")
        await until(pilot, lambda: "✗" in screen_text(app))
        await pilot.press("enter", "backspace", "enter")
        await until(pilot, lambda: load_settings().engine.idle_minutes == 11)
        await until(pilot, lambda: told("applies after the engine process restarts"))

        # A key is pressed, and has its new name at once and everywhere.
        await _settings(pilot, "app.keys")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, RemapKeys) and app.screen._verbs)
        table = app.screen.query_one(VirtualTable)
        table.go_to("open_file")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, PressKey))
        await pilot.press("p")
        await until(pilot, lambda: "already" in screen_text(app))
        await pilot.press("f6")
        await until(pilot, lambda: "● f6" in screen_text(app))
        table.go_to("sheet")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, PressKey))
        await pilot.press("f7")
        await until(pilot, lambda: "● f7" in screen_text(app))
        await pilot.press("escape")
        keys = {"sheet.open_file": "f6", "app.sheet": "f7"}
        await until(pilot, lambda: load_settings().app.keys == keys)
        await until(pilot, lambda: isinstance(app.screen, SettingsScreen))
        await pilot.press("escape")
        await until(pilot, lambda: "f6 open a sheet" in screen_text(app))
        await until(pilot, lambda: "f7 Sheet" in screen_text(app))
        await pilot.press("2")
        await until(pilot, lambda: "Press f7 to start one" in screen_text(app))
    text = file.read_text()
    assert "# mine" in text and "# I like it" in text and "# and this one, too" in text


def test_settings_are_loaded_where_a_process_begins_and_handed_down_from_there() -> None:
    root = Path(__file__).parents[2]
    loading = {
        file.relative_to(root).as_posix()
        for package in ("engine", "tui")
        for file in (root / package).rglob("*.py")
        if re.search(r"(?<!def )\bload_settings\(", file.read_text(encoding="utf-8"))
    }
    begins = {"tui/cli.py", "tui/commands/completion.py", "engine/service/__main__.py"}
    assert loading - begins == {
        "engine/api/library.py",
        "engine/service/server/current_settings.py",
    }


async def test_the_settings_file_may_name_an_action_that_is_none_and_the_app_says_so(
    settings: Settings,
) -> None:
    keys = {"sheet.strat": "f5", "sheet.open_file": "f6"}
    app = PromptsheetApp(Library(replace(settings, app=replace(settings.app, keys=keys))))
    async with app.run_test(size=(100, 30), **WITH_ALL) as pilot:
        told = "There is no action sheet.strat."
        await until(pilot, lambda: any(told in n.message for n in app._notifications))


def test_every_id_of_a_binding_is_known() -> None:
    assert {"app.quit", "sheet.start", "table.up", "contact.mark", "full.zoom"} <= all_ids()
    assert {"settings.open", "setting.leave", "ask.leave"} <= all_ids()
