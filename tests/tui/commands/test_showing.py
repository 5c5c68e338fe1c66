"""What is shown to others, from the command line."""

import json
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.library.write.writer import Writer
from tests.engine.library.conftest import rendered, writer
from tests.support.libraries import Rendered, new_session, take
from tui import cli

__all__ = ["rendered", "writer"]

Run = Callable[..., tuple[int, Any, str]]


@pytest.fixture
def run(
    writer: Writer,
    rendered: Rendered,
    config: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Run:
    """`promptsheet export` on a library with two rows of one image: its status, JSON and stderr."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    writer.add_session(new_session(rows=2, images=1))
    batch = take(writer)
    writer.finish(rendered(batch))
    writer.end(batch, 1.0)

    def command(*words: object) -> tuple[int, Any, str]:
        library = ["--library", writer.library, "--json"]
        typed = ["promptsheet", "export", "last", *library, *words]
        monkeypatch.setattr(sys, "argv", [str(word) for word in typed])
        try:
            status = cli.main()
        except SystemExit as error:
            status = int(error.code or 0)
        said = capsys.readouterr()
        return status, json.loads(said.out or "{}"), said.err

    return command


def test_a_contact_sheet_is_one_of_the_forms_of_an_export(run: Run, tmp_path: Path) -> None:
    target = tmp_path / "a.pdf"
    status, done, _ = run("--contact-sheet", target, "--rows", "3", "--under", "seed, row")
    assert (status, done["files"], done["images"], done["pages"]) == (0, [str(target)], 1, 1)
    status, done, _ = run("--contact-sheet", target)
    assert status == 2 and "--force replaces it" in done["error"]
    assert run("--contact-sheet", target, "--force", "--paper", "A5", "--columns", "2")[0] == 0
    refused: list[tuple[tuple[object, ...], str]] = [
        (("--columns", "0"), "give --contact-sheet FILE.pdf, too"),
        (
            ("--contact-sheet", target, "--captions"),
            "--captions cannot be combined with --contact-sheet",
        ),
        (("--captions", "--strip-metadata"), "leave one of them out"),
    ]
    for words, said in refused:
        status, done, _ = run(*words)
        assert status == 2 and said in done["error"]
    misspelt: list[tuple[tuple[object, ...], str]] = [
        (
            ("--contact-sheet", target, "-o", tmp_path / "a.zip"),
            "cannot be combined with --contact-sheet",
        ),
        (("--paper", "a9"), "it is one of a4,"),
        (("--under", "row,sky"), "“sky” is none of row,"),
    ]
    for words, said in misspelt:
        status, _, err = run(*words)
        assert status == 2 and said in err


def test_a_page_for_a_browser_is_one_of_the_forms_of_an_export(run: Run, tmp_path: Path) -> None:
    target = tmp_path / "page"
    status, done, _ = run("--html", target, "--rows", "2")
    assert (status, done["images"], done["file"]) == (0, 1, str(target / "index.html"))
    assert len(list((target / "pictures").iterdir())) == 1
    refused: list[tuple[tuple[object, ...], str]] = [
        ((), "already exists"),
        (("--force",), "never replaces anything"),
        (("--columns", "3"), "--columns cannot be combined with --html"),
        (("--rows", "9"), "already exists"),
    ]
    for words, said in refused:
        status, done, _ = run("--html", target, *words)
        assert status == 2 and said in done["error"]
    status, done, _ = run("--html", tmp_path / "other", "--rows", "9")
    assert status == 2 and "nothing to show" in done["error"]
    assert not (tmp_path / "other").exists()


def test_caption_files_are_in_the_zip_of_the_rows_asked_for(run: Run, tmp_path: Path) -> None:
    status, done, _ = run("-o", tmp_path / "a.zip", "--rows", "3", "--captions")
    assert (status, done["images"]) == (0, 1)
    names = zipfile.ZipFile(tmp_path / "a.zip").namelist()
    assert names == ["0003-01-prompt-1.png", "0003-01-prompt-1.txt", "results.csv"]
