"""The row under the cursor as it will be rendered, and its prompts made and edited."""

from dataclasses import dataclass

from textual.app import ComposeResult
from textual.containers import Vertical
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
    grid_of,
    looks_like_caption,
)
from tui.app_state import AppState
from tui.cost_words import cost_words
from tui.glyphs import EDITED
from tui.grid_words import product_words
from tui.screens.ask import Ask
from tui.screens.edit_caption import EditCaption
from tui.text import clean, count_text
from tui.widgets.caption_view import CaptionText, CaptionView, caption_text
from tui.widgets.one_line import off_one_line, on_one_line
from tui.workers import hand_over, work


@dataclass(frozen=True, slots=True)
class _ReadPreview:
    row: Row
    head: Content
    """Numbers, and the final prompt unless it is a caption."""
    caption: CaptionText | None
    notes: Content


@dataclass(frozen=True, slots=True)
class _Final:
    row: int
    prompt: str | None


_NOTHING = Content("")
_NOT_REWRITTEN = (
    "No language model rewrites this prompt: none is set (magic.model), magic_prompt is off, or"
    " the prompt needs no rewriting. The preview shows the final prompt."
)


class RowPreviewPane(Vertical):
    """Size, seeds, final prompt, and what each column did."""

    DEFAULT_CSS = """
    RowPreviewPane { height: auto; }
    RowPreviewPane Static { height: auto; }
    RowPreviewPane #preview-notes { display: none; }
    """

    @dataclass
    class FinalPromptEdited(Message):
        """What the model is told of a row is to be another text; empty: as the columns make it."""

        row: int
        text: str

    def __init__(self, app_state: AppState, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self._app_state = app_state
        self._row: Row | None = None

    def compose(self) -> ComposeResult:
        """What it will be, its caption if it has one, and the columns."""
        yield Static("", id="preview-head", markup=False)
        yield CaptionView()
        yield Static("", id="preview-notes", markup=False)

    def show(self, row: Row) -> None:
        """Show a row."""
        self._row = row
        self._read(row)

    @work(thread=True, exclusive=True, group="preview")
    def _read(self, row: Row) -> None:
        hand_over(self._put, _previewed(row, self._app_state.library))

    def _put(self, preview: _ReadPreview) -> None:
        if preview.row is self._row:
            self.query_one("#preview-head", Static).update(preview.head)
            self.query_one(CaptionView).show(preview.caption)
            notes = self.query_one("#preview-notes", Static)
            notes.update(preview.notes)
            notes.display = bool(preview.notes)

    @work(thread=True, exclusive=True, group="final")
    def edit_final(self, row: Row) -> None:
        """Edit what the model will be told of a row."""
        final = final_prompt(row, self._app_state.library)
        hand_over(self._ask_final, _Final(row.number, final))

    def _ask_final(self, final: _Final) -> None:
        if final.prompt is None:
            words = f"Row {final.row} is not ready: fix its problems first."
            self.notify(words, severity="warning", markup=False)
            return
        if looks_like_caption(final.prompt):
            self._ask_caption(final.row, final.prompt)
            return
        shown = on_one_line(final.prompt)

        def write(text: str | None) -> None:
            if text is not None and text != shown:
                self.post_message(self.FinalPromptEdited(final.row, off_one_line(text)))

        question = f"Final prompt of row {final.row}"
        note = "Used exactly as written. Empty: made from prompt, magic_prompt and style."
        self.app.push_screen(Ask(question, shown, blank=True, lines=True, note=note), write)

    def _ask_caption(self, row: int, prompt: str) -> None:
        def write(text: str | None) -> None:
            if text is not None and text != prompt:
                self.post_message(self.FinalPromptEdited(row, text))

        self.app.push_screen(EditCaption(f"Final prompt of row {row}", prompt), write)

    def rewrite(self, row: Row) -> None:
        """Have the language model write a row's magic prompt now."""
        self._rewrite(row)

    @work(thread=True, exclusive=True, group="magic")
    def _rewrite(self, row: Row) -> None:
        try:
            sheets = self._app_state.library.sheets
            if not sheets.is_rewritten(row):
                hand_over(self._say, _NOT_REWRITTEN)
                return
            hand_over(self._say, "Asking the language model …")
            sheets.rewrite(row)
        except (RewriteError, SettingsError) as error:
            hand_over(self._complain, str(error))
        if self._row is not None:
            hand_over(self.show, self._row)

    def _say(self, words: str) -> None:
        self.notify(words, markup=False)

    def _complain(self, words: str) -> None:
        self.notify(clean(words), severity="error", markup=False, timeout=15)


def final_prompt(row: Row, library: Library) -> str | None:
    """What the model will be told of a row; None while it has errors. Not for the event loop."""
    try:
        preview = library.sheets.preview(row)
    except SettingsError:
        return None
    return preview.recipe.prompt if preview is not None and preview.recipe is not None else None


def _previewed(row: Row, library: Library) -> _ReadPreview:
    """The row as it will be rendered, its final prompt, and what each column did.

    Reads the model list and the words that hold: not for the event loop.
    """
    try:
        preview = library.sheets.preview(row)
    except SettingsError as error:
        return _ReadPreview(row, Content(f"! {clean(str(error))}"), None, _NOTHING)
    if preview is None or row.values is None:
        return _ReadPreview(row, _NOTHING, None, _NOTHING)
    if (recipe := preview.recipe) is None:
        wrong = [Content(f"! {clean(note.words)}") for note in preview.notes]
        return _ReadPreview(row, Content("\n").join(wrong), None, _NOTHING)
    caption = caption_text(recipe.prompt, recipe.width, recipe.height)
    mark = (f" {EDITED} edited by you", "bold") if row.values.final_prompt else ""
    numbers = f"→ {_numbers(recipe, row.values)}"
    if (grid := grid_of(row)) is not None:
        cost = cost_words(library.sheets.estimate(row.combinations))
        whole = " · ".join([product_words(grid), *cost])
        numbers = f"→ a grid: {whole}\n→ its first: {_numbers(recipe, row.values)}"
    if caption:
        lines = [Content.assemble(f"{numbers} · a caption", mark)]
    else:
        lines = [Content(numbers), Content.assemble(f"→ “{clean(recipe.prompt)}”", mark)]
    if recipe.palette:
        blocks = [("███", colour[:7]) for colour in recipe.palette]
        lines.append(Content.assemble(*blocks, f" {clean(' '.join(recipe.palette))}"))
    told = " · ".join(
        f"{note.column} {clean(note.words)}"
        for note in preview.notes
        if note.column != "color_palette" or not recipe.palette
    )
    notes = Content(told).stylize("dim") if told else _NOTHING
    return _ReadPreview(row, Content("\n").join(lines), caption, notes)


def _numbers(recipe: Recipe, values: RowValues) -> str:
    count, first = values.num_images, values.seed_number
    if first is None:
        seeds = "random seed" if count == 1 else "random seeds"
    elif count == 1:
        seeds = f"seed {first}"
    else:
        seeds = f"seeds {first} to {(first + count - 1) % 2**31}"
    return (
        f"{recipe.width}×{recipe.height} · {count_text(recipe.steps, 'step')} ·"
        f" {count_text(count, 'image')} · {seeds} · {clean(recipe.model)}"
    )
