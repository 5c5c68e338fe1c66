from pathlib import Path

import pytest

from engine.settings import SettingsError, load_settings
from engine.settings_file import FILE, all_settings, understood, write_setting
from tests.tui.conftest import screen_text, until
from tests.tui.test_app import WITH_ALL
from tui.app import PromptsheetApp

_WRITTEN = """# mine
[app]
theme = "nord" # I like it
# and this one, too
bell = false
"""


@pytest.fixture
def file(config: Path) -> Path:
    path = config / FILE
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
    write_setting("app.keys", understood("app.keys", "review.trash = x, app.quit = f10"))
    write_setting("app.bell", None)
    text = file.read_text()
    assert "# mine" in text
    assert 'theme = "gruvbox" # I like it' in text
    assert "# Minutes with nothing to render" in text
    settings = load_settings()
    assert settings.library == Path("/data/images")
    assert (settings.engine.idle_minutes, settings.app.bell) == (2.5, True)
    assert settings.render.devices == ("cuda:0", "cuda:1")
    assert settings.app.keys == {"review.trash": "x", "app.quit": "f10"}


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
        await pilot.press("down", "enter")
        await until(pilot, lambda: "(default: 10)" in screen_text(app))
        await pilot.press("backspace", "backspace", "x")
        await until(pilot, lambda: "✗" in screen_text(app))
        await pilot.press("enter", "backspace", "7", "enter")
        await until(pilot, lambda: load_settings().engine.idle_minutes == 7)
        await until(pilot, lambda: "● 7" in screen_text(app))
        await pilot.press("escape")
        await until(pilot, lambda: app.current_mode == "sheet")
