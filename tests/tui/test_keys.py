"""One table of keys: a verb has one key and a key one verb, and every text names it rightly."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace
from textual.content import Content
from textual.keys import _character_to_key, format_key
from textual.pilot import Pilot
from textual.screen import Screen

from engine.api import Library
from engine.settings import Settings
from tests.support.screens import WITH_ALL, MakeLibrary, screen_text, until
from tui.app import PromptsheetApp
from tui.keys import KEYS, NUMBERS, all_bindings, all_ids, bind, called, key_of, verb_of
from tui.screens.actions import actions_of
from tui.screens.compare import CompareScreen
from tui.screens.dialog import Dialog
from tui.screens.full_screen import FullScreen
from tui.screens.help import HelpScreen, in_columns, keys_of
from tui.screens.jobs import JobsScreen
from tui.screens.settings import SettingsScreen

ROOT = Path(__file__).parents[2]
SOURCES = {
    path: path.read_text()
    for path in (ROOT / "tui").rglob("*.py")
    if path != ROOT / "tui" / "keys.py"
}


def test_no_key_has_two_verbs() -> None:
    verbs: defaultdict[str, list[str]] = defaultdict(list)
    for verb, keys in KEYS.items():
        for key in keys.split(","):
            verbs[key].append(verb)
    assert not {key: named for key, named in verbs.items() if len(named) > 1}


def test_every_key_is_one_that_a_terminal_sends_by_the_name_textual_has_for_it() -> None:
    named = {"space", "enter", "escape", "tab", "home", "end", "pageup", "pagedown", "delete"}
    named |= {"backspace", "up", "down", "left", "right"}
    keys = ",".join(KEYS.values()).split(",")
    for key in keys:
        sign = format_key(key)
        typed = len(sign) == 1 and _character_to_key(sign) == key
        assert typed or re.fullmatch(r"ctrl\+[a-z]|f\d", key) or key in named, key
    assert not {"ctrl+h", "ctrl+i", "ctrl+j", "ctrl+m"} & set(keys), "these are other keys, too"


def test_every_binding_takes_its_keys_from_the_table_by_its_verb() -> None:
    bindings = list(all_bindings())
    assert len(bindings) > 150
    for binding in bindings:
        assert binding.id and binding.description, binding
        assert binding.key == (KEYS | NUMBERS)[verb_of(binding.id)], binding.id
    verbs = {verb_of(name) for name in all_ids()}
    assert verbs == KEYS.keys() | NUMBERS, "a verb that nothing does"
    for path, text in SOURCES.items():
        assert not re.search(r"\bBinding\(|\bdef key_(?!of\b)", text), f"{path} binds by itself"


def test_digits_are_numbers_only_where_the_keys_of_the_areas_do_not_work() -> None:
    all_ids()
    numbered = {
        kind
        for kind in _screens(Screen)
        for binding in vars(kind).get("BINDINGS", ())
        if verb_of(binding.id or "") in NUMBERS
    }
    assert numbered and all(issubclass(kind, Dialog) for kind in numbered)


def _screens(kind: type) -> Iterator[type]:
    each: type
    yield kind
    for each in kind.__subclasses__():
        yield from _screens(each)


def test_a_verb_that_the_table_lacks_cannot_be_bound() -> None:
    with pytest.raises(KeyError):
        bind("sheet.fly", "fly", "Fly")


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("escape", "esc"),
        ("full_stop", "."),
        ("greater_than_sign", ">"),
        ("number_sign", "#"),
        ("left_curly_bracket", "{"),
        ("ctrl+s", "ctrl+s"),
        ("space", "space"),
        ("enter", "enter"),
        ("delete", "delete"),
        ("f2", "f2"),
        ("U", "U"),
    ],
)
def test_a_key_is_called_by_the_sign_it_types_or_by_its_name(key: str, name: str) -> None:
    assert called(key) == name


# ------------------------------------------------------------------------------ texts


def test_every_action_that_a_text_asks_the_key_of_is_there() -> None:
    named = {
        name for text in SOURCES.values() for name in re.findall(r'key_of\(f?"([\w.{}]+)"', text)
    }
    named |= {name for text in SOURCES.values() for name in re.findall(r"key_of\('([\w.]+)'", text)}
    assert len(named) > 20
    assert {name for name in named if "{" not in name} <= all_ids()


def _texts() -> Iterator[tuple[str, str]]:
    """Whatever the app may say: every text in the code but its explanations."""
    for path, source in SOURCES.items():
        nodes = list(ast.walk(ast.parse(source)))
        explanations = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
        for node in nodes:
            if not isinstance(node, ast.Constant) or id(node) in explanations:
                continue
            if isinstance(node.value, str):
                yield f"{path.relative_to(ROOT)}:{node.lineno}", node.value


def test_no_text_of_the_app_names_a_key_that_is_not_taken_from_the_table() -> None:
    does = (
        r"(?:opens|types|saves|shows|brings|takes|goes|starts|resumes|lets|drops|lists|exports"
        r"|tries|asks|edits|checks|has|is|next|previous|stops?)\b"
    )
    own = re.compile(rf"(?:^|[ (;·])(?:[A-Za-z]|\d|esc|f\d|ctrl\+\w) {does}|\bctrl\+\w|\besc\b")
    assert own.search("saved; w saves it") and own.search("■ s stops it")
    assert not [(where, text) for where, text in _texts() if own.search(text)]


def test_what_the_engine_calls_the_actions_of_jobs_is_what_they_are_called_there() -> None:
    words = {binding.description for binding in JobsScreen.BINDINGS}  # type: ignore[union-attr]
    texts = [path.read_text() for path in (ROOT / "engine").rglob("*.py")]
    named = [name for text in texts for name in re.findall(r"(\w+) in Jobs", text)]
    assert len(named) > 3 and set(named) <= words


def test_the_table_of_the_guide_is_the_table() -> None:
    places: defaultdict[str, list[str]] = defaultdict(list)
    for name in sorted(name for name in all_ids() if verb_of(name) in KEYS):
        places[verb_of(name)].append(name.rpartition(".")[0])
    rows = [
        f"| {verb} | {' '.join(f'`{called(key)}`' for key in keys.split(','))}"
        f" | {', '.join(places[verb])} |"
        for verb, keys in KEYS.items()
    ]
    guide = (ROOT / "ARCHITECTURE.md").read_text()
    section = guide.partition("\n## Keys\n")[2].partition("\n## ")[0]
    found = [line for line in section.split("\n") if line.startswith("| ")]
    assert found[1:] == rows, "write:\n" + "\n".join(rows)


# ------------------------------------------------------------------------------ the app


async def shows(pilot: Pilot[str], words: str) -> None:
    app = pilot.app
    assert isinstance(app, PromptsheetApp)
    await until(pilot, lambda: words in screen_text(app))


async def test_every_key_of_every_screen_is_in_the_palette_and_under_its_help(
    app: PromptsheetApp, make_session: MakeLibrary
) -> None:
    make_session(["a red boat", "a blue boat"])
    async with app.run_test(size=(120, 36), **WITH_ALL) as pilot:
        for area, words in (
            ("sheet", "open a sheet"),
            ("jobs", "2/2"),
            ("sessions", "1 session"),
            ("review", "2 of 2 images"),
        ):
            await pilot.press(KEYS[area])
            await until(pilot, lambda: app.current_mode == area)  # noqa: B023
            await shows(pilot, words)
            await _has_all(pilot)
        await pilot.press(KEYS["settings"])
        await shows(pilot, "─ The app")
        await _has_all(pilot)
        await pilot.press("q")
        await shows(pilot, "2 of 2 images")
        await pilot.press("space", "space", "enter")
        await until(pilot, lambda: isinstance(app.screen, FullScreen))
        await _has_all(pilot)
        await pilot.press("q", KEYS["compare"])
        await until(pilot, lambda: isinstance(app.screen, CompareScreen))
        await _has_all(pilot)
        await pilot.press(KEYS["settings"])
        await until(pilot, lambda: isinstance(app.screen, SettingsScreen))


async def _has_all(pilot: Pilot[str]) -> None:
    """Whatever can be done on the screen is offered with its id and its key, and explained."""
    app, over = pilot.app, pilot.app.screen
    await pilot.press(KEYS["help"])
    await until(pilot, lambda: isinstance(app.screen, HelpScreen))
    explained = [pair for group in keys_of(over).values() for pair in group]
    offered = actions_of(over)
    own = [active for active in over.active_bindings.values() if active.binding.id]
    assert len(own) >= 8
    for _, binding, enabled, _ in own:
        key, name = app.get_key_display(binding), binding.id or ""
        assert any(f" {key} " in f" {shown} " for shown, _ in explained), (key, name)
        if enabled:
            said = [action.keys for action in offered if name in action.names.split(", ")]
            assert any(key in keys.split(" or ") for keys in said), (key, name)
    await pilot.press(KEYS["help"])
    await until(pilot, lambda: app.screen is over)


async def test_another_key_of_the_users_own_is_the_one_that_works_and_that_texts_name(
    settings: Settings,
) -> None:
    keys = {"sheet.open_file": "f7", "app.jobs": "f9", "sheet.start": "ctrl+t,f10"}
    app = PromptsheetApp(Library(replace(settings, app=replace(settings.app, keys=keys))))
    async with app.run_test(size=(120, 36), **WITH_ALL) as pilot:
        await until(pilot, lambda: "f7 open a sheet" in screen_text(app))
        assert " f9 Jobs " in screen_text(app)
        await pilot.press("f9")
        await until(pilot, lambda: app.current_mode == "jobs")
        assert " f9 Jobs " in screen_text(app)
    assert key_of("sheet.open_file") == "o"


@pytest.mark.parametrize("most", [1, 2, 3, 9])
def test_help_has_every_key_in_columns_and_no_title_without_what_follows_it(most: int) -> None:
    blocks = [
        [Content(title), *(Content(f"{title} {number}") for number in range(count))]
        for title, count in (("here", 20), ("moving", 14), ("everywhere", 1))
    ]
    columns = in_columns(blocks, most)
    assert len(columns) <= most
    lines = [line.plain for column in columns for line in column if line.plain]
    assert lines == [line.plain for block in blocks for line in block]
    assert not {column[-1].plain for column in columns} & {"here", "moving", "everywhere", ""}
