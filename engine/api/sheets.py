"""Sheets and rows: read, checked, mended, estimated, compared."""

import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import IO

from engine.api.checked import Checked
from engine.api.estimating import estimated
from engine.api.found_pictures import (
    FoundPictures,
    PictureRows,
    Progress,
    RefusedPicture,
    look_at_found,
)
from engine.api.found_pictures import find_pictures as _find_pictures
from engine.api.missing_models import take_model as _take_model
from engine.api.picture_archives import unpacked_pictures as _unpacked_pictures
from engine.api.pictures import KnownPictures, PictureFolder, with_own_columns
from engine.api.pictures_to_add import UsablePicture, pictures_for_cells
from engine.api.vocabularies import lists_stamp, vocabulary
from engine.api.written_sheets import picture_sheet, recipes_of
from engine.library.read.reader import ImageInfo
from engine.library.read.stored_rows import StoredRow, stored_sheet
from engine.models.catalog import KnownModels, load_models
from engine.plan.changed import Changes, RowNow, RowThen, changes_between
from engine.plan.estimate import Estimate
from engine.plan.preview import Note, RowPreview, preview
from engine.plan.recipes import PlannedModel
from engine.plan.wording import Question
from engine.plan.words import load_words
from engine.protocol.rewriting import RewriteKind
from engine.service.rewriting import known_rewrite, rewritten, who_writes
from engine.settings import (
    MagicSettings,
    Settings,
    SettingsError,
    SheetSettings,
    current_folder,
)
from engine.sheet import copying
from engine.sheet.caption_cells import own_caption_columns
from engine.sheet.check import Vocabulary, check_table, extra_names, typed_table
from engine.sheet.editing import Draft
from engine.sheet.headers import map_header, own_among
from engine.sheet.mending import Mended, mend
from engine.sheet.pasted import pasted_prompts, pasted_rows
from engine.sheet.picture_names import cell_naming, digest_in, shown_path, with_digest
from engine.sheet.read import Limits, read_table
from engine.sheet.rows import Row, RowValues, SheetError
from engine.sheet.table import Line, Table
from engine.sheet.vocabulary import LookedAt, PictureLook
from engine.unfinished_files import unfinished


class Sheets:
    """Sheets by the settings and with the history of one library."""

    find_pictures = staticmethod(_find_pictures)
    unpacked_pictures = staticmethod(_unpacked_pictures)
    take_model = staticmethod(_take_model)
    save_copy, save_new = staticmethod(copying.save_copy), staticmethod(copying.save_new)
    plain_name, new_name = staticmethod(copying.plain_name), staticmethod(copying.new_name)
    free_name = staticmethod(copying.free_name)

    def __init__(self, settings: Settings) -> None:
        """Args: settings: limits, and whose library has the history."""
        self._settings = settings
        self._looked_at: KnownPictures = {}

    def check(
        self,
        path: Path,
        *,
        worksheet: str | None = None,
        encoding: str | None = None,
        folder: Path | None = None,
    ) -> Checked:
        """Read and check a sheet.

        Args:
            path: a csv, tsv, xls, xlsx or ods file.
            worksheet: its name in a workbook; None for the first visible one.
            encoding: what a text file is written in; None: to be found out.
            folder: where the pictures are that it names; None: beside it.

        Raises:
            SheetError: the file cannot be used as a sheet at all.
            SettingsError: the model list cannot be used.
        """
        return replace(self._checked(*self._read(path, worksheet, encoding, folder)), path=path)

    def check_stream(
        self,
        stream: IO[bytes],
        *,
        worksheet: str | None = None,
        encoding: str | None = None,
        folder: Path | None = None,
    ) -> Checked:
        """Read and check a sheet that comes as a stream, of any kind that a file may be of.

        Args:
            stream: need not seek.
            worksheet: as for `check`.
            encoding: as for `check`.
            folder: as for `check`; None: the current one.

        Raises:
            SheetError: it cannot be used as a sheet at all.
            SettingsError: the model list cannot be used.
            OSError: the disk for temporary files is full, or fails.
        """
        most = self._settings.sheet.max_file_mib << 20
        with unfinished(Path(tempfile.gettempdir())) as place:
            place.mkdir(mode=0o700)
            path = place / "stdin"
            # What is over the limit is not kept, and refused as a file of that size.
            path.write_bytes(stream.read(most + 1))
            return self._checked(*self._read(path, worksheet, encoding, folder or current_folder()))

    def check_prompts(
        self, prompts: Sequence[str], *, num_images: int = 1, **cells: str
    ) -> Checked:
        """Check typed prompts as if they were a sheet with these cells in every row.

        Raises:
            SheetError: no prompt, or an unknown column.
            SettingsError: the model list cannot be used.
        """
        return self._checked(typed_table(prompts, num_images=num_images, **cells))

    def from_pictures(
        self,
        found: FoundPictures,
        prompt: str,
        *,
        num_images: int = 1,
        progress: Progress = lambda _, __: None,
        **cells: str,
    ) -> PictureRows:
        """Look at pictures, and check a sheet with a row for each that can be drawn on.

        Args:
            found: by `find_pictures`.
            prompt: of every row.
            num_images: of every row.
            progress: told how many of how many pictures were looked at; what it raises ends it.
            cells: other columns' cells, the same in every row. A mask's file is looked for in the
                current folder.

        Returns:
            The sheet as `check` gives it, and each file that is not in it, with the reason.

        Raises:
            SheetError: no prompt, an unknown column, or more pictures than a sheet may have rows.
            SettingsError: the model list cannot be used.
        """
        most = self._settings.sheet.max_rows
        if len(found.pictures) > most:
            raise SheetError(
                f"{len(found.pictures):,} pictures are more than the {most:,} rows a sheet can"
                " have (max_rows under [sheet] in the settings). Add fewer at a time."
            )
        if mask := cells.get("mask", "").strip():  # which no other name is to be taken for
            cells["mask"] = mask if digest_in(mask) else str(Path(mask).expanduser().absolute())
        plain = typed_table([prompt], num_images=num_images, **cells)
        looked = look_at_found(found, progress)
        if not looked.named:
            return PictureRows(None, tuple(looked.refused))
        others = self._pictures(current_folder())

        def pictures(texts: Iterable[str]) -> Mapping[str, LookedAt]:
            given = set(texts)
            return {**others(given - looked.named.keys()), **looked.named}

        (line,) = plain.lines
        table = Table(
            file="pictures",
            sheet=None,
            header=(*plain.header, "image"),
            lines=tuple(
                Line(number, (*line.cells, name)) for number, name in enumerate(looked.named, 2)
            ),
        )
        return PictureRows(self._checked(table, pictures), tuple(looked.refused))

    def look_for_pictures(
        self, given: Iterable[Path], wanted: Callable[[], bool] = lambda: True
    ) -> Iterator[UsablePicture | RefusedPicture]:
        """Look at the pictures that a person names, each once; rows of them are checked at once.

        Args:
            given: as for `find_pictures`.
            wanted: asked now and then; if not, the rest is left.
        """
        found = pictures_for_cells(given, wanted)
        yield from found.refused
        folder = self._pictures()
        for path, facts in folder.look_at([picture.path for picture in found.pictures], wanted):
            if isinstance(facts, str):
                yield RefusedPicture(shown_path(path), facts)
            else:
                yield UsablePicture(path, facts.width, facts.height, facts.note)

    def rows_on(
        self, pictures: Iterable[Path], folder: Path | None = None, **cells: str
    ) -> list[dict[str, str]]:
        """A row's cells for each picture.

        Args:
            pictures: whole paths.
            folder: of the sheet that the rows are for.
            cells: other columns' cells, the same in every row.
        """
        beside = folder.absolute() if folder is not None else None
        return [{"image": cell_naming(path, beside), **cells} for path in pictures]

    def upscaled(
        self, images: Sequence[ImageInfo], factor: int = 2, model: str = ""
    ) -> list[dict[str, str]]:
        """Rows that ask for these images, larger: column → cell. Those without a file are left out.

        Each is drawn on its own file, so that it is a new image, and the old one stays.

        Args:
            images: finished ones.
            factor: 2 or 4.
            model: the label of an upscaler, or of what draws them anew; empty: the first upscaler
                of the model list, or where there is none each image's own model.

        Raises:
            SheetError: there is no such model.
            SettingsError: the model list cannot be used.
        """
        from engine.plan.from_pictures import upscaled_row  # Pillow, which few need

        models = load_models()
        if model and model not in models:
            raise SheetError(f"Unknown model {model}. Your models: {', '.join(models)}.")
        upscalers = [label for label, known in models.items() if known.kind.upscales]
        by = model or next(iter(upscalers), "")
        rows = []
        for image in images:
            if image.file is None or image.trashed:
                continue
            place = str(self._settings.library.absolute() / image.file)
            row = upscaled_row(image.recipe, place, factor, by if by in upscalers else "")
            rows.append(row | ({"model": by} if by else {}))
        return rows

    def check_rows(self, rows: Sequence[Mapping[str, str]], *, file: str) -> Checked:
        """Check rows that no file has, numbered from 2 as if under a header.

        Args:
            rows: column → cell.
            file: what to call the sheet.

        Raises:
            SheetError: no rows.
            SettingsError: the model list cannot be used.
        """
        stored = [StoredRow(n, cells, {}, 0, 1) for n, cells in enumerate(rows, start=2)]
        return self.check_stored(stored, file=file)

    def check_stored(
        self, rows: Sequence[StoredRow], *, file: str, sheet: str | None = None
    ) -> Checked:
        """Check rows that were stored with a session, as the sheet they came from.

        Args:
            rows: with the numbers they are to keep.
            file: what to call the sheet.
            sheet: its worksheet.

        Raises:
            SheetError: no rows.
            SettingsError: the model list cannot be used.
        """
        known = list(dict.fromkeys(name for row in rows for name in row.cells))
        extra = list(dict.fromkeys(name for row in rows for name in row.extra))
        lines = tuple(
            Line(
                row.number,
                (*(row.cells.get(c, "") for c in known), *(row.extra.get(c, "") for c in extra)),
            )
            for row in rows
        )
        own = own_among(extra, extra, start=len(known))
        table = Table(file=file, sheet=sheet, header=(*known, *extra), lines=lines, own=own)
        return self._checked(table)

    def open(
        self,
        path: Path,
        *,
        worksheet: str | None = None,
        encoding: str | None = None,
        folder: Path | None = None,
    ) -> Draft:
        """Read and check a sheet that is to be mended; raises as `check`.

        Args:
            path: as for `check`.
            worksheet: as for `check`.
            encoding: as for `check`.
            folder: as for `check`.
        """
        table, pictures = self._read(path, worksheet, encoding, folder)
        return Draft(table, self._vocabulary(load_models(), pictures))

    def mend(
        self,
        path: Path,
        target: Path,
        *,
        worksheet: str | None = None,
        encoding: str | None = None,
        folder: Path | None = None,
        suggestions: bool = False,
        without_bad_rows: bool = False,
        overwrite: bool = False,
    ) -> Mended:
        """Write a corrected copy of a sheet, in which what `check` repairs is repaired.

        Args:
            path: as for `check`.
            target: as for `save_copy`.
            worksheet: as for `check`.
            encoding: as for `check`.
            folder: as for `check`.
            suggestions: whether what is suggested for a cell is taken, too, where it is one thing.
            without_bad_rows: whether rows that have errors still are left out of the copy.
            overwrite: whether an existing `target` may be replaced.

        Raises:
            SheetError: as `check` and `save_copy`.
            SettingsError: the model list cannot be used.
        """
        draft = self.open(path, worksheet=worksheet, encoding=encoding, folder=folder)
        return mend(
            draft,
            path,
            target,
            pictures=draft.vocabulary.picture_folder,
            suggestions=suggestions,
            without_bad_rows=without_bad_rows,
            overwrite=overwrite,
        )

    def from_text(self, text: str, *, num_images: int | None = None) -> Draft:
        """Typed or pasted text as a sheet that can be mended; raises as `check_prompts`.

        Args:
            text: prompts, one a line, or copied cells of a spreadsheet program.
            num_images: images of each row that does not say; None: as many as such a row makes.
        """
        if not (rows := pasted_rows(text)):
            table = typed_table(pasted_prompts(text), num_images=num_images)
            return Draft(table, self._vocabulary(load_models()))
        said = {} if num_images is None else {"num_images": str(num_images)}
        return self.from_rows([{**said, **row} for row in rows], name="prompts")

    def from_rows(self, rows: Sequence[Mapping[str, str]], *, name: str) -> Draft:
        """Rows that come from elsewhere in the library as a sheet that can be mended.

        Args:
            rows: each one's cells, by column.
            name: what the sheet is called.

        Raises:
            SheetError: no row, or none with a prompt's column.
            SettingsError: the model list cannot be used.
        """
        header = tuple(dict.fromkeys(["prompt", *(column for row in rows for column in row)]))
        lines = tuple(
            Line(number, tuple(row.get(column, "") for column in header))
            for number, row in enumerate(rows, start=2)
        )
        table = Table(file=name, sheet=None, header=header, lines=lines)
        return Draft(table, self._vocabulary(load_models()))

    def from_session(self, session: str) -> Draft:
        """The whole sheet of the session with id `session`, as it was started, to be mended.

        Header, row numbers and the user's own columns are as they were, cells as they read after
        repairs; a blank seed is blank again.

        Raises:
            SheetError: it has no row.
            SettingsError: the model list cannot be used.
            LibraryError: no such session, or not a library this version can read.
        """
        stored = stored_sheet(self._settings.library, session)
        extra = {name for row in stored.rows for name in row.extra}
        own = own_among(stored.header, extra)
        known = map_header(stored.header, 1, own)[0] if stored.header else {}
        columns = {name: stored.header[at] for at, name in known.items()}
        columns |= {name: stored.header[at] for at, name in extra_names(stored.header, known)}
        columns = dict(sorted(columns.items(), key=lambda item: stored.header.index(item[1])))
        used = dict.fromkeys(name for row in stored.rows for name in (*row.cells, *row.extra))
        columns |= {name: name for name in used if name not in columns}
        lines = tuple(
            Line(row.number, tuple(row.cells.get(c) or row.extra.get(c, "") for c in columns))
            for row in stored.rows
        )
        header_row = min(1, min((line.number for line in lines), default=2) - 1)
        header = tuple(columns.values())
        own = own_among(header, extra)
        table = Table(stored.file, stored.sheet, header, lines, header_row, own=own)
        blank = {
            row.images
            for row in stored.rows
            if not row.cells.get("num_images") and row.grid is None
        }
        vocabulary = self._vocabulary(load_models())
        # Rows that do not say all make as many: what held on the Sheet screen then.
        vocabulary = replace(vocabulary, num_images=max(blank, default=vocabulary.num_images))
        return Draft(table, vocabulary)

    def reopen(self, draft: Draft, path: Path) -> tuple[Draft, int, int]:
        """The draft on its file as that is now; how many rows kept their mends, how many could not.

        Raises as `check`.
        """
        table, pictures = self._read(path, draft.worksheet, draft.table.encoding)
        vocabulary = replace(
            self._vocabulary(load_models(), pictures), num_images=draft.vocabulary.num_images
        )
        return draft.on(table, vocabulary)

    def checked_again(self, draft: Draft) -> Draft:
        """The draft, all that can be undone with it, by the models and LoRAs there are now.

        Raises:
            SettingsError: the model list cannot be used.
        """
        before = draft.vocabulary
        now = self._vocabulary(load_models(), before.pictures)
        return draft.with_vocabulary(replace(now, num_images=before.num_images))

    def lists_stamp(self) -> tuple[tuple[int, int] | None, ...]:
        """What tells whether the lists of models and LoRAs were changed; asks the disk."""
        return lists_stamp(self._settings)

    def estimate(self, values: Sequence[RowValues]) -> Estimate:
        """What rendering these rows would take, but for those whose model has left the list.

        Raises:
            SettingsError: the model list cannot be used.
        """
        models = load_models()
        there = [row for row in values if {row.model, row.upscaler or row.model} <= models.keys()]
        return estimated(there, models, self._settings)[1]

    def changes_since(self, session: str, checked: Checked) -> Changes:
        """What an edited sheet asks for that its session has not rendered.

        Rows with errors are out. What the session kept from an earlier one counts as rendered;
        what failed does not.

        Raises:
            LibraryError: no such session, or not a library this version can read.
        """
        then = [
            RowThen(row.number, _with_count(row.cells, row.each), row.first_seed, row.failed)
            for row in stored_sheet(self._settings.library, session).rows
        ]
        now = [
            RowNow(row.number, _told_apart(row.cells, row.values))
            for row in checked.sheet.ready
            if row.values is not None
        ]
        changes = changes_between(then, now)
        # What stands where a faulty row stands is not gone: it is that row, before its mending.
        faulty = {row.number for row in checked.sheet.rows if row.values is None}
        removed = tuple(number for number in changes.removed if number not in faulty)
        return replace(changes, removed=removed)

    def preview(self, row: Row) -> RowPreview | None:
        """A row as it would be rendered now, and what each column did; None while it has errors.

        None as well once its model has left the list. Of a language model that writes magic
        prompts, its answer is shown if it was asked before (see `rewrite`).

        Args:
            row: of a checked sheet.

        Raises:
            SettingsError: the model list, or a file of styles or the like, cannot be used.
        """
        planned = self._planned(row)
        if row.values is None or planned is None:
            return None
        asked = _asked(row.values, planned, self._settings.magic)
        if asked is None:
            return preview(row.values, planned)
        question, settings, kind = asked
        known = known_rewrite(question.text, settings, kind)
        rewrites = {question.text: known} if known else {}
        found = preview(row.values, replace(planned, rewrites=rewrites))
        if known is not None or found.recipe is None:
            return found
        by = "the model's own enhancer" if kind == "enhanced" else settings.model
        later = Note("magic_prompt", f"is written by {by} at the start")
        notes = (later if note.column == "magic_prompt" else note for note in found.notes)
        return replace(found, notes=tuple(notes))

    def is_rewritten(self, row: Row) -> bool:
        """Whether a language model writes a row's magic prompt.

        Raises:
            SettingsError: the model list cannot be used.
        """
        return self._asked(row) is not None

    def rewrite(self, row: Row) -> None:
        """Have the language model write a row's magic prompt now, so that `preview` shows it.

        Raises:
            RewriteError: it does not answer.
            SettingsError: the model list cannot be used.
        """
        if (asked := self._asked(row)) is not None:
            question, settings, kind = asked
            rewritten([question.text], settings, kind)

    def _asked(self, row: Row) -> tuple[Question, MagicSettings, RewriteKind] | None:
        planned = self._planned(row)
        if row.values is None or planned is None:
            return None
        return _asked(row.values, planned, self._settings.magic)

    def _planned(self, row: Row) -> PlannedModel | None:
        """What a row is drawn with; None: it has errors, or its model left the list meanwhile."""
        model = load_models().get(row.values.model) if row.values is not None else None
        if model is None:
            return None
        background = self._settings.render.background
        return PlannedModel(model, model.scheduler, "", load_words(), background=background)

    def write_template(self, path: Path, *, full: bool = False, poster: bool = False) -> None:
        """Write a sheet to fill in (.csv, .xlsx or .ods); a file that is there is replaced.

        Args:
            path: its ending says what kind.
            full: with all columns but a poster's.
            poster: with the columns that act in the captions of Ideogram 4.

        Raises:
            SheetError: another ending.
            SettingsError: the model list cannot be used.
            OSError: it cannot be written.
        """
        from engine.sheet import template  # what few sessions need

        # In a poster's, what reads captions comes first: its example is one.
        models = load_models()
        labels = sorted(models, key=lambda label: poster and not models[label].kind.captions)
        template.write_template(path, labels, full=full, poster=poster)

    def write_picture_sheet(
        self,
        found: FoundPictures,
        sheet: Path,
        *,
        prompt: str = "",
        full: bool = False,
        replace: bool = False,
        progress: Progress = lambda _, __: None,
    ) -> tuple[int, tuple[RefusedPicture, ...]]:
        """Write a sheet with a row for each picture that can be drawn on, to be filled in.

        Args:
            found: by `find_pictures`.
            sheet: a csv, xlsx or ods file. Pictures below its folder are named as seen from there,
                so that both can be moved together; others by their whole path.
            prompt: of every row; empty: to be written.
            full: with all columns.
            replace: whether a file that is there is replaced.
            progress: as for `from_pictures`.

        Returns:
            How many rows there are, and each file that is not in it, with the reason.

        Raises:
            SheetError: another ending, it is there already, or no picture can be drawn on.
            OSError: the sheet cannot be written.
        """
        return picture_sheet(
            found, sheet, prompt=prompt, full=full, replace=replace, progress=progress
        )

    def explain_columns(self, *, full: bool = True) -> str:
        """The rules of the columns in plain words, for whoever shall write a sheet.

        Raises:
            SettingsError: the model list cannot be used.
        """
        from engine.sheet import template  # what few sessions need

        return template.explain(list(load_models()), full=full)

    def write_recipes(
        self, pictures: Iterable[Path], sheet: Path, *, replace: bool = False
    ) -> tuple[int, list[RefusedPicture], list[str]]:
        """Write a sheet with a row for every picture that says how it was made.

        What A1111, InvokeAI, ComfyUI and Promptsheet write into their pictures is understood; it
        is read as data. A picture of Promptsheet's comes out the same again. Of others the row has
        prompt, seed, ratio, steps and guidance; the model's name goes to a column of its own, since
        models are called otherwise here.

        Args:
            pictures: PNG, JPEG or WebP files.
            sheet: a csv, xlsx or ods file.
            replace: whether a file that is there is replaced.

        Returns:
            How many rows there are, the pictures that say nothing with the reason, and what is to
            be known of some rows.

        Raises:
            SheetError: the file's ending is none of these, it is there already, or no picture said
                anything.
            OSError: a picture cannot be read, or the sheet cannot be written.
        """
        return recipes_of(pictures, sheet, replace=replace)

    def _read(
        self, path: Path, worksheet: str | None, encoding: str | None, folder: Path | None = None
    ) -> tuple[Table, PictureFolder]:
        limits, pictures = self._settings.sheet, self._pictures(folder or path.absolute().parent)
        table = read_table(
            path,
            sheet=worksheet,
            encoding=encoding,
            limits=Limits(
                file_bytes=limits.max_file_mib << 20,
                rows=limits.max_rows,
                cells=limits.max_cells,
                columns=limits.max_columns,
            ),
        )
        return _with_own_caption_columns(with_own_columns(table, pictures), limits), pictures

    def _pictures(self, folder: Path | None = None) -> PictureFolder:
        return PictureFolder(self._settings.library, folder, self._looked_at)

    def _checked(self, table: Table, pictures: PictureLook | None = None) -> Checked:
        models = load_models()
        sheet = check_table(table, self._vocabulary(models, pictures))
        ready = [values for row in sheet.ready for values in row.combinations]
        return Checked(sheet, *estimated(ready, models, self._settings))

    def _vocabulary(self, models: KnownModels, pictures: PictureLook | None = None) -> Vocabulary:
        return vocabulary(self._settings, models, pictures or self._pictures(current_folder()))


def _with_own_caption_columns(table: Table, settings: SheetSettings) -> Table:
    models = load_models()
    labels = {label for label, model in models.items() if model.kind.captions}
    labels |= {name for name, label in settings.model_names.items() if label in labels}
    return replace(
        table, own=table.own | own_caption_columns(table, labels, default=next(iter(models)))
    )


def _asked(
    values: RowValues, planned: PlannedModel, magic: MagicSettings
) -> tuple[Question, MagicSettings, RewriteKind] | None:
    """What a language model is asked of a row, and which; None: none has a say."""
    who = who_writes(planned.model, magic, captions=planned.model.kind.captions)
    if who is None:
        return None
    try:
        question = planned.wordsmith.question(values, values.seed_number or 0)
    except (SettingsError, ValueError):
        return None  # the preview says what is wrong
    return (question, *who) if question is not None else None


def _with_count(cells: Mapping[str, str], images: int) -> dict[str, str]:
    """A blank `num_images` means what held when the row was read, which can change."""
    return {**cells, "num_images": str(images)}


def _told_apart(cells: Mapping[str, str], values: RowValues) -> Mapping[str, str]:
    """Cells to be compared: also whether a picture is another under the same name."""
    pictures = {
        role: with_digest(cells.get(role, ""), found.digest)
        for role, found in (("image", values.image), ("mask", values.mask))
        if found is not None
    }
    return _with_count(cells, values.num_images) | pictures
