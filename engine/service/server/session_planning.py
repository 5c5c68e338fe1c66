"""A request to render rows, planned to its last batch."""

import secrets
import time
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Literal

from engine.caption.layout import read_layout
from engine.errors import PromptsheetError
from engine.library.records import NewRow, NewSession, Rewrite, RowSource
from engine.models.catalog import ModelList
from engine.models.loras import LookForLoras, LoraGoneError, listed_loras, lora_digest
from engine.picture.recipe import Recipe
from engine.plan.batches import plan_batches
from engine.plan.names import slug_of
from engine.plan.recipes import PlannedModel, draw_seed, enlarged_recipes, recipes_for
from engine.plan.words import load_words
from engine.protocol.commands import RequestedRow, RowsSource
from engine.settings import SettingsError
from engine.sheet.picture_names import name_of
from engine.sheet.rows import RowValues, SourcePicture

_KEY_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
_KEY_LENGTH = 6


class RefusedError(PromptsheetError):
    """The request cannot be accepted; the message says why."""


def plan_session(
    name: str,
    source: RowsSource,
    rows: Iterable[RequestedRow],
    models: ModelList,
    *,
    largest: Callable[[Recipe], int],
    taken: Container[str],
    suffix: str = ".png",
    rewriting: bool = False,
    background: str = "#FFFFFF",
    loras: LookForLoras = listed_loras,
) -> NewSession:
    """Draw missing seeds, make recipes, name files, plan batches.

    Args:
        name: what people call it.
        source: where the rows came from.
        rows: checked rows; numbers are unique.
        models: the model list.
        largest: most images of a recipe's shape in one call.
        taken: session ids in use.
        suffix: of the picture files' names.
        rewriting: whether the settings' language model will rewrite the prompts of rows that ask
            for magic, as a model's own enhancer does; until then their recipes have them as they
            would be without one. Batches are planned all the same: a prompt is no part of their
            shape.
        background: the colour that shows where a picture that is drawn on is transparent.
        loras: tells which LoRAs there are now.

    Raises:
        RefusedError: no rows, a row number twice, a model or a LoRA that is not in the list, or a
            row that cannot be rendered.
        OSError: a model's files cannot be read.
    """
    rows = list(rows)
    if not rows:
        raise RefusedError("There are no rows to render.")
    if len({row.number for row in rows}) < len(rows):
        raise RefusedError("Two rows have the same number.")
    digests = _lora_digests(rows, loras)
    each = [values for row in rows for values in row.combinations]
    labels = {label for values in each for label in (values.model, values.upscaler) if label}
    planned = _planned_models(labels, models, background, digests)
    new_rows = []
    for row in rows:
        try:
            for layout in {values.layout for values in row.combinations if values.layout}:
                read_layout(layout)
            first, made, asked = _recipes(row.combinations, planned, chat=rewriting)
            recipes = [*first, *made]
        except (SettingsError, ValueError) as error:
            raise RefusedError(f"Row {row.number}: {error}") from error
        files = list(_file_names(row, len(recipes) // len(first), suffix))
        parents = {at + len(first): at for at in range(1, len(recipes) - len(first) + 1)}
        new_rows.append(
            NewRow(row.number, row.cells, row.extra, recipes, files, asked, _sources(row), parents)
        )
    key = next(k for k in iter(_draw_key, "") if k not in taken)
    return NewSession(
        key=key,
        name=name,
        folder="-".join(part for part in (time.strftime("%Y-%m-%d"), slug_of(name), key) if part),
        source=source,
        rows=new_rows,
        batches=plan_batches([recipe for row in new_rows for recipe in row.recipes], largest),
    )


def _recipes(
    combinations: Sequence[RowValues], planned: Mapping[str, PlannedModel], *, chat: bool
) -> tuple[list[Recipe], list[Recipe], list[Rewrite | None]]:
    """A row's own images, those made of them, larger, and what a language model is asked for each.

    All combinations of a grid have one seed, unless it is what they differ in.

    Raises:
        WildcardError, SizeError, SettingsError: as `recipes_for`.
    """
    drawn = cache(draw_seed)
    first: list[Recipe] = []
    made: list[Recipe] = []
    asked: list[Rewrite | None] = []
    for values in combinations:
        own = planned[values.model]
        recipes = recipes_for(values, own, drawn)
        upscaler = planned[values.upscaler] if values.upscaler else own
        first += recipes
        made += enlarged_recipes(values, recipes, own, upscaler)
        asked += _rewrites(values, own, recipes, chat=chat)
    return first, made, asked if any(asked) else []


def _file_names(row: RequestedRow, rounds: int, suffix: str) -> Iterator[str]:
    """A name for each of a row's images, in the order of variations.

    Args:
        row: the row.
        rounds: 2 if another is made of each, larger, else 1.
        suffix: how they end.
    """
    drawn_on = name_of(row.cells.get("image", "")) if row.values.image else ""
    told = [Path(drawn_on).stem if drawn_on else values.prompt for values in row.combinations]
    slugs = [
        slug
        for slug, values in zip(map(slug_of, told), row.combinations, strict=True)
        for _ in range(values.num_images)
    ]
    for variation, slug in enumerate(slugs * rounds, start=1):
        parts = (f"{row.number:04d}", str(variation), slug)
        yield "-".join(part for part in parts if part) + suffix


def _sources(row: RequestedRow) -> list[RowSource]:
    """What a row is drawn on, by the names that its cells have."""
    given: Sequence[tuple[Literal["image", "mask"], SourcePicture | None]] = (
        ("image", row.values.image),
        ("mask", row.values.mask if row.values.image else None),
    )
    return [
        RowSource(role, name_of(row.cells.get(role, "")), found.digest, found.width, found.height)
        for role, found in given
        if found is not None
    ]


def _rewrites(
    values: RowValues, planned: PlannedModel, recipes: Sequence[Recipe], *, chat: bool
) -> list[Rewrite | None]:
    """What a language model is asked for each image of a row; None where none has a say."""
    if not (chat or planned.model.has_enhancer):
        return [None] * len(recipes)
    asked = [planned.wordsmith.question(values, recipe.seed) for recipe in recipes]
    return [Rewrite(each.text, each.around) if each is not None else None for each in asked]


def _lora_digests(rows: Sequence[RequestedRow], look: LookForLoras) -> dict[str, str]:
    """LoRA → digest of its file, of all that rows ask for."""
    asked = {
        name: row.number
        for row in reversed(rows)
        for values in row.combinations
        for name, weight in values.lora
        if weight
    }
    if not asked:
        return {}
    try:
        known = look()
    except SettingsError as error:
        raise RefusedError(str(error)) from error
    digests = {}
    for name, number in asked.items():
        if name not in known:
            why = known.faults.get(name, "it is no longer in your list of LoRAs.")
            raise RefusedError(f"Row {number}: the LoRA {name} cannot be used: {why}")
        try:
            digests[name] = lora_digest(name, known[name].file)
        except LoraGoneError as error:
            raise RefusedError(f"Row {number}: {error}.") from error
    return digests


def _planned_models(
    labels: set[str], models: ModelList, background: str, digests: Mapping[str, str]
) -> dict[str, PlannedModel]:
    if missing := sorted(labels - models.keys()):
        raise RefusedError(f"Not in your model list: {', '.join(missing)}.")
    try:
        words = load_words()
        return {
            label: PlannedModel(
                model=models[label],
                scheduler=models[label].scheduler,
                fingerprint=models[label].files.fingerprint(),
                words=words,
                background=background,
                digests=digests,
            )
            for label in labels
        }
    except SettingsError as error:
        raise RefusedError(str(error)) from error


def _draw_key() -> str:
    return "".join(secrets.choice(_KEY_LETTERS) for _ in range(_KEY_LENGTH))
