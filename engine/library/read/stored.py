"""Recipes, conditions and where rows came from, as the database holds them.

The JSON that they are there is made and read here alone, for who writes, too; where only a part is
wanted, SQL looks into it.
"""

import json
import sqlite3
from functools import lru_cache

import msgspec

from engine.picture.recipe import Conditions, Recipe
from engine.protocol.commands import RowsSource

_recipe = msgspec.json.Decoder(Recipe).decode
_conditions = msgspec.json.Decoder(Conditions).decode


class _StoredSource(RowsSource, frozen=True, forbid_unknown_fields=False):
    """As another version may have written it: with less, or more."""

    file: str = ""


_source = msgspec.json.Decoder(_StoredSource).decode


class OfBatch(msgspec.Struct, frozen=True):
    """What of an image's conditions is its batch's doing."""

    batch_size: int
    departures: tuple[str, ...]
    """Conditions of the session that could not be kept."""


_of_batch = msgspec.json.Decoder(OfBatch).decode


def recipe_body(recipe: Recipe) -> str:
    """A recipe without its seed, which its image has: all variations of a row share one."""
    body = recipe.to_json()
    del body["seed"]
    return json.dumps(body, ensure_ascii=False)


def recipe_of(row: sqlite3.Row) -> Recipe:
    """The recipe of an image, from its `seed` and the `body` of `recipes`."""
    return _recipe(f'{{"seed": {row["seed"]}, {row["body"][1:]}')


def conditions_body(conditions: Conditions) -> str:
    """What a session keeps."""
    return json.dumps(conditions.to_json())


@lru_cache(64)
def conditions_of(body: str) -> Conditions:
    """A session's conditions, or an image's; few differ."""
    return _conditions(body)


@lru_cache(64)
def of_batch(body: str) -> OfBatch:
    """What else is in an image's conditions."""
    return _of_batch(body)


def source_body(source: RowsSource) -> str:
    """Where the rows of a session come from."""
    return msgspec.json.encode(source).decode()


def source_of(body: str) -> RowsSource:
    """As `source_body` was given it."""
    return _source(body)
