"""Images that are made of an image of their own row: they wait until it is done, then have it."""

import sqlite3
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from engine.library.files import make_folder, sync_folder
from engine.library.read.stored import recipe_of
from engine.library.sources import fault_of_source, source_path, take_in
from engine.library.write.insert import add_source, recipe_id
from engine.picture.recipe import Recipe
from engine.picture.source_files import SourceError
from engine.sheet.rows import SourcePicture

AWAITS_PARENT = (
    "EXISTS (SELECT 1 FROM images c JOIN parents p ON p.image = c.id"
    " WHERE c.batch = images.batch AND c.state = 'waiting' AND p.source IS NULL)"
)
"""Of one of `images`: its batch is not ready, since not all is there that it is to be made of."""


def hand_on(
    db: sqlite3.Connection, library: Path, image: str, path: Path, digest: str, recipe: Recipe
) -> None:
    """Let what waits for an image have it: its file becomes a source, named in their recipes.

    Their prompt becomes what its prompt was in the end: a language model may have rewritten it.

    Args:
        db: in the transaction that marks it done.
        library: the library.
        image: its id.
        path: its file, whole and on disk.
        digest: of the file.
        recipe: by which it was drawn.

    Raises:
        OSError: the disk is full, or fails.
    """
    waiting = db.execute(
        "SELECT p.image, i.seed, r.body FROM parents p JOIN images i ON i.id = p.image"
        " JOIN recipes r ON r.id = i.recipe WHERE p.source IS NULL"
        " AND p.parent = (SELECT id FROM images WHERE key = ?)",
        (image,),
    ).fetchall()
    if not waiting:
        return
    _keep(library, path, digest)
    add_source(db, SourcePicture("", digest, recipe.width, recipe.height), 0)
    for row in waiting:
        known = replace(recipe_of(row), image=digest, prompt=recipe.prompt)
        identity = recipe_id(db, known)
        db.execute("UPDATE images SET recipe = ? WHERE id = ?", (identity, row["image"]))
        db.execute(
            "UPDATE parents SET source = (SELECT id FROM sources WHERE digest = ?) WHERE image = ?",
            (digest, row["image"]),
        )


def _keep(library: Path, path: Path, digest: str) -> None:
    """Have a picture among the sources: by another name of its file, which takes no room."""
    final = source_path(library, digest)
    if not fault_of_source(library, digest):
        return
    make_folder(final.parent)
    with suppress(OSError):  # where a file can have one name alone, or it is damaged: a copy
        final.hardlink_to(path)
        sync_folder(final.parent)
        return
    with suppress(SourceError):  # it went this moment: then what is made of it fails, and says so
        take_in(library, path, digest)
