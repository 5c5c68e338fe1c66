import re
import tomllib
from pathlib import Path

import pytest
from msgspec.structs import replace
from textual.widgets import Input, Static

from engine.api import Library
from engine.settings import Settings, SettingsError, load_settings
from engine.settings_file import all_settings, understood, write_setting
from tests.support.screens import WITH_ALL, screen_text, until
from tui.app import PromptsheetApp
from tui.keys import all_ids
from tui.screens.settings import ChangeSetting
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
    assert "# Minutes with nothing to render" in text
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


async def test_a_setting_is_changed_on_its_screen_and_checked_as_typed(
    app: PromptsheetApp, config: Path
) -> None:
    async with app.run_test(size=(100, 30), **WITH_ALL) as pilot:
        await until(pilot, lambda: "opens a sheet" in screen_text(app))
        await pilot.press("comma")
        await until(pilot, lambda: "engine.idle_minutes" in screen_text(app))
        await pilot.press("down", "down", "down", "enter")
        await until(pilot, lambda: "(default: 10)" in screen_text(app))
        await pilot.press("backspace", "backspace", "x")
        await until(pilot, lambda: "✗" in screen_text(app))
        await pilot.press("enter", "backspace", "7", "enter")
        await until(pilot, lambda: load_settings().engine.idle_minutes == 7)
        await until(pilot, lambda: "● 7" in screen_text(app))
        await pilot.press("escape")
        await until(pilot, lambda: app.current_mode == "sheet")


@pytest.mark.parametrize(
    ("name", "wrong", "said", "right", "holds"),
    [
        ("app.theme", "norf", "Do you mean nord", "nord", "nord"),
        (
            "app.keys",
            '{"sheet.strat" = "f5"}',
            "There is no action sheet.strat. Do you mean sheet.start",
            '{"sheet.start" = "f5"}',
            {"sheet.start": "f5"},
        ),
    ],
)
async def test_what_does_not_exist_is_refused_where_it_is_typed(
    app: PromptsheetApp, config: Path, name: str, wrong: str, said: str, right: str, holds: object
) -> None:
    def setting() -> object:
        return getattr(load_settings().app, name.removeprefix("app."))

    async with app.run_test(size=(100, 30), **WITH_ALL) as pilot:
        await until(pilot, lambda: "opens a sheet" in screen_text(app))
        app.action_settings()
        await until(pilot, lambda: "engine.idle_minutes" in screen_text(app))
        app.screen.query_one(VirtualTable).go_to(name)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ChangeSetting))
        box = app.screen.query_one(Input)
        box.value = wrong
        fault = app.screen.query_one("#fault", Static)
        await until(pilot, lambda: said in str(fault.content))
        before = setting()
        await pilot.press("enter")
        assert isinstance(app.screen, ChangeSetting) and setting() == before
        box.value = right
        await until(pilot, lambda: not str(fault.content))
        await pilot.press("enter")
        await until(pilot, lambda: setting() == holds)


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
