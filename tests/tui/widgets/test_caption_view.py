"""Captions as they are shown: an outline, and boxes drawn to scale."""

import json
from pathlib import Path

import pytest
from textual.widgets import TextArea

from engine.api import Library, outline_of
from engine.caption.reading import written
from engine.settings import Settings
from tests.engine.caption.captions import JAZZ
from tests.support.screens import WITH_ALL, opened_sheet, screen_text, until
from tui.app import PromptsheetApp
from tui.screens.edit_caption import EditCaption
from tui.widgets.caption_view import caption_text, prompt_lines, sketch

TEXT = written(JAZZ)


def test_boxes_are_drawn_to_scale_with_the_numbers_of_the_outline() -> None:
    found = outline_of(TEXT)
    assert found is not None
    assert sketch(found.boxes, 1000, 1000) == [
        "┏━━━━━━━━━━━━━━━━┓",
        "┃  1──────────┐  ┃",
        "┃  │          │  ┃",
        "┃  │          │  ┃",
        "┃  │          │  ┃",
        "┃ 2════════════╗ ┃",
        "┃ ╚════════════╝ ┃",
        "┃                ┃",
        "┗━━━━━━━━━━━━━━━━┛",
    ]


@pytest.mark.parametrize(("width", "height"), [(6, 1), (1, 6), (16, 9), (2048, 2048)])
def test_any_shape_and_any_box_fit_their_room(width: int, height: int) -> None:
    body = json.loads(TEXT)
    body["compositional_deconstruction"]["elements"] = [
        {"type": "obj", "bbox": box, "desc": ""}
        for box in ([0, 0, 1000, 1000], [1000] * 4, [0] * 4, [500, 0, 500, 1000])
        for _ in range(30)
    ]
    found = outline_of(written(body))
    assert found is not None
    lines = sketch(found.boxes, width, height)
    assert 3 <= len(lines) <= 9 and {len(line) for line in lines} <= set(range(6, 21))
    assert len({len(line) for line in lines}) == 1


def test_words_are_no_caption_and_what_a_caption_holds_never_reaches_the_terminal_raw() -> None:
    assert caption_text("a {red|blue} boat", 64, 64) is None
    body = json.loads(TEXT)
    body["high_level_description"] = "evil \x1b[31m[red]x[/red]"
    shown = caption_text(written(body), 64, 64)
    assert shown is not None and shown.sketch is not None
    assert "evil ␛[31m[red]x[/red]" in shown.outline.plain
    bare = {"compositional_deconstruction": {"background": "x", "elements": []}}
    shown = caption_text(written(bare), 64, 64)
    assert shown is not None and shown.sketch is None


def test_a_recipes_prompt_reads_as_an_outline_where_it_is_a_caption() -> None:
    lines = prompt_lines(TEXT)
    assert lines[0] == "A minimalist jazz poster." and lines[-1] == "2 text “JAZZ / JAM” Bold."
    assert prompt_lines("a\nboat\x1b") == ["a↵boat␛"]


@pytest.mark.slow
async def test_the_sheet_shows_a_caption_as_an_outline_and_words_as_words(
    settings: Settings, config: Path, tmp_path: Path
) -> None:
    (tmp_path / "model").mkdir()
    index = {"_class_name": "Ideogram4Pipeline"}
    (tmp_path / "model" / "model_index.json").write_text(json.dumps(index))
    entry = f'[[models]]\nlabel = "ideogram"\nsource = "{tmp_path / "model"}"\n'
    (config / "models.toml").write_text(entry)
    quoted = TEXT.replace('"', '""')
    sheet = tmp_path / "s.csv"
    sheet.write_text(f'prompt,model,magic_prompt\n"{quoted}",ideogram,\na boat,ideogram,off\n')
    app = PromptsheetApp(Library(settings), sheet)
    async with app.run_test(size=(120, 40), **WITH_ALL) as pilot:
        for text in ("A minimalist jazz poster.", "1──────────┐", "style minimal, bold"):
            await until(pilot, lambda text=text: text in screen_text(app))  # type: ignore[misc]
        await pilot.press("j")
        await until(pilot, lambda: "→ “a boat”" in screen_text(app))
        assert "1──────────┐" not in screen_text(app)

        await pilot.press("k", "ctrl+e")
        await until(pilot, lambda: isinstance(app.screen, EditCaption))
        await until(pilot, lambda: '"bbox": [100, 200, 600, 800],' in screen_text(app))
        area = app.screen.query_one(TextArea)
        right = area.text
        area.text = right.replace("800]", "80]")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "elements[0].bbox: " in screen_text(app))
        area.text = right.replace("A minimalist", "A [red]loud")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "A [red]loud jazz poster." in screen_text(app))
        assert "edited by you" in screen_text(app)
        sheet_screen = await opened_sheet(pilot)
        assert sheet_screen.draft is not None
        values = sheet_screen.draft.row(2).values
        assert values is not None
        assert values.final_prompt == TEXT.replace("A minimalist", "A [red]loud")

        await pilot.press("home", "right", "enter")
        await until(pilot, lambda: "prompt of row 2: a caption" in screen_text(app))
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is sheet_screen)
