"""The row under the cursor as it will be rendered, and its prompts made and edited."""

from dataclasses import dataclass

from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from engine.api import (
    Library,
    Recipe,
    RewriteError,
    Row,
    RowValues,
    SettingsError,
)
from tui.app_state import AppState
from tui.glyphs import EDITED
from tui.screens.ask import Ask
from tui.text import clean, count_text
from tui.widgets.one_line import off_one_line, on_one_line
from tui.workers import hand_over, work


@dataclass(frozen=True, slots=True)
class _Preview:
    row: Row
    text: Content


@dataclass(frozen=True, slots=True)
class _Final:
    row: int
    prompt: str | None


class RowPreviewPane(Static):
    """Size, seeds, final prompt, and what each column did."""

    DEFAULT_CSS = "RowPreviewPane { height: auto; }"

    @dataclass
    class FinalPromptEdited(Message):
        """What the model is told of a row is to be another text; empty: as the columns make it."""

        row: int
        text: str

    def __init__(self, app_state: AppState, *, id: str) -> None:  # noqa: A002
        super().__init__("", id=id, markup=False)
        self._app_state = app_state
        self._row: Row | None = None

    def show(self, row: Row) -> None:
        """Show a row."""
        self._row = row
        self._read(row)

    @work(thread=True, exclusive=True, group="preview")
    def _read(self, row: Row) -> None:
        hand_over(self._put, _Preview(row, preview_text(row, self._app_state.library)))

    def _put(self, preview: _Preview) -> None:
        if preview.row is self._row:
            self.update(preview.text)

    @work(thread=True, exclusive=True, group="final")
    def edit_final(self, row: Row) -> None:
        """Edit what the model will be told of a row."""
        final = final_prompt(row, self._app_state.library)
        hand_over(self._ask_final, _Final(row.number, final))

    def _ask_final(self, final: _Final) -> None:
        if final.prompt is None:
            words = f"Row {final.row} is not ready: mend it first."
            self.notify(words, severity="warning", markup=False)
            return
        shown = on_one_line(final.prompt)

        def write(text: str | None) -> None:
            if text is not None and text != shown:
                self.post_message(self.FinalPromptEdited(final.row, off_one_line(text)))

        question = f"What the model is told of row {final.row}"
        note = "To the letter. Empty: what prompt, magic_prompt and style make together."
        self.app.push_screen(Ask(question, shown, blank=True, lines=True, note=note), write)

    def rewrite(self, row: Row) -> None:
        """Have the language model write a row's magic prompt now."""
        if not self._app_state.settings.magic.model:
            self.notify(
                "The settings name no language model (magic.model): prompts are enriched without"
                " one, as the preview shows.",
                markup=False,
            )
            return
        self.notify("The language model is asked …", markup=False)
        self._rewrite(row)

    @work(thread=True, exclusive=True, group="magic")
    def _rewrite(self, row: Row) -> None:
        try:
            self._app_state.library.sheets.rewrite(row)
        except (RewriteError, SettingsError) as error:
            hand_over(self._complain, str(error))
        if self._row is not None:
            hand_over(self.show, self._row)

    def _complain(self, words: str) -> None:
        self.notify(clean(words), severity="error", markup=False, timeout=15)


def preview_text(row: Row, library: Library) -> Content:
    """The row as it will be rendered, its final prompt, and what each column did.

    Reads the model list and the words that hold: not for the event loop.
    """
    return Content("\n").join(_preview(row, library))


def final_prompt(row: Row, library: Library) -> str | None:
    """What the model will be told of a row; None while it has errors. Not for the event loop."""
    try:
        preview = library.sheets.preview(row)
    except SettingsError:
        return None
    return preview.recipe.prompt if preview is not None and preview.recipe is not None else None


def _preview(row: Row, library: Library) -> list[Content]:
    try:
        preview = library.sheets.preview(row)
    except SettingsError as error:
        return [Content(f"! {clean(str(error))}")]
    if preview is None or row.values is None:
        return []
    if preview.recipe is None:
        return [Content(f"! {clean(note.words)}") for note in preview.notes]
    recipe = preview.recipe
    lines = [Content(f"→ {_numbers(recipe, row.values)}")]
    mark = (f" {EDITED} edited by you", "$text-accent") if row.values.final_prompt else ""
    lines.append(Content.assemble(f"→ “{clean(recipe.prompt)}”", mark))
    if recipe.palette:
        blocks = [("███", colour[:7]) for colour in recipe.palette]
        lines.append(Content.assemble(*blocks, f" {clean(' '.join(recipe.palette))}"))
    told = " · ".join(
        f"{note.column} {clean(note.words)}"
        for note in preview.notes
        if note.column != "color_palette"
    )
    return [*lines, Content(told).stylize("dim")] if told else lines


def _numbers(recipe: Recipe, values: RowValues) -> str:
    count, first = values.num_images, values.seed_number
    if first is None:
        seeds = "a seed drawn at the start" if count == 1 else "seeds drawn at the start"
    elif count == 1:
        seeds = f"seed {first}"
    else:
        seeds = f"seeds {first} to {(first + count - 1) % 2**31}"
    return (
        f"{recipe.width}×{recipe.height} · {recipe.steps} steps · {count_text(count, 'image')}"
        f" · {seeds} · {clean(recipe.model)}"
    )
