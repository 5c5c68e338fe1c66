"""The app's own look: every text reads, dark and light, on every ground it stands on."""

from functools import partial

import pytest
from textual.color import Color
from textual.theme import Theme

from engine.settings import AppSettings
from tests.support.screens import until
from tui.app import PromptsheetApp
from tui.screens.jobs import JobsScreen
from tui.screens.sessions import SessionsScreen
from tui.theme import DARK, THEMES
from tui.widgets.key_line import KeyLine

READABLE = 4.5
"""WCAG 2, level AA, for text of any size."""
TEXTS = (
    "text",
    "foreground",
    "text-muted",
    "text-accent",
    "text-error",
    "text-primary",
    "text-secondary",
    "text-success",
    "text-warning",
)


def luminance(colour: Color) -> float:
    """https://www.w3.org/TR/WCAG21/#dfn-relative-luminance"""
    levels = [level / 255 for level in colour.rgb]
    red, green, blue = (
        level / 12.92 if level <= 0.04045 else ((level + 0.055) / 1.055) ** 2.4 for level in levels
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: Color, other: Color) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def variables(theme: Theme) -> dict[str, str]:
    return theme.to_color_system().generate() | theme.variables


def grounds(theme: Theme) -> dict[str, Color]:
    """Of a page, what lies on it, and the rows that the cursor and the marks are on."""
    colours = variables(theme)
    page, text, accent = (Color.parse(colours[n]) for n in ("background", "foreground", "accent"))
    return {
        **{name: Color.parse(colours[name]) for name in ("background", "surface", "panel")},
        "the cursor's row": page.blend(text, 0.16),
        "the cursor's row without the focus": page.blend(text, 0.08),
        "a marked row": page.blend(accent, 0.18),
        "a row of a range": page.blend(accent, 0.10),
        "the line that is chosen": page.blend(accent, 0.25),
    }


@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)
def test_every_text_reads_on_every_ground(theme: Theme) -> None:
    colours = variables(theme)
    low = {
        (text, ground): round(contrast(Color.parse(colours[text]), colour), 2)
        for text in TEXTS
        for ground, colour in grounds(theme).items()
        if contrast(Color.parse(colours[text]), colour) < READABLE
    }
    assert not low
    cursor = Color.parse(colours["block-cursor-background"])
    assert contrast(Color.parse(colours["block-cursor-foreground"]), cursor) >= READABLE


@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)
def test_the_accent_means_nothing_else(theme: Theme) -> None:
    colours = variables(theme)
    meant = [colours[name].upper() for name in TEXTS if name != "text"]
    assert len(set(meant)) == len(meant), "two meanings have one colour"


def test_the_settings_begin_with_it() -> None:
    assert AppSettings().theme == DARK


@pytest.mark.slow
async def test_an_area_seen_before_has_the_colours_of_a_theme_chosen_since(
    app: PromptsheetApp,
) -> None:
    def colours() -> tuple[Color, Color]:
        return app.screen.styles.background, app.screen.query_one(KeyLine).styles.color

    async with app.run_test() as pilot:
        for key, kind in (("4", SessionsScreen), ("2", JobsScreen)):
            await pilot.press(key)
            await until(pilot, partial(lambda kind: isinstance(app.screen, kind), kind))
        dark = colours()
        app.theme = "promptsheet-light"
        await until(pilot, lambda: colours()[0] != dark[0])
        light = colours()
        await pilot.press("4")
        await until(pilot, lambda: isinstance(app.screen, SessionsScreen))
        assert colours() == light
