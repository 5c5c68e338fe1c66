"""Image to image through the front door: commands, sheets, exports, kills, a library in care."""

import csv
import io
import json
import os
import signal
import sqlite3
import subprocess
import tarfile
import time
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from PIL import Image, ImageDraw

from engine.library.sources import source_path
from tests.support.command import Promptsheet
from tests.support.runs import pixels_of
from tests.support.sheets import write_rows
from tests.support.waiting import wait_for

pytestmark = pytest.mark.slow

COLOURS = {"beach.jpg": "orange", "boat.png": "red", "summer/beach.jpg": "green"}


def picture(path: Path, colour: str, size: tuple[int, int] = (96, 64)) -> Path:
    """A disc on white."""
    path.parent.mkdir(parents=True, exist_ok=True)
    drawn = Image.new("RGB", size, "white")
    ImageDraw.Draw(drawn).ellipse((size[0] // 4, 8, size[0] * 3 // 4, size[1] - 8), fill=colour)
    exif = Image.Exif()
    exif[0x010E] = "secret place"
    drawn.save(path, exif=exif)
    return path


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Three pictures, one of them in a folder, and what is none."""
    folder = tmp_path / "photos"
    for name, colour in COLOURS.items():
        picture(folder / name, colour)
    (folder / "notes.txt").write_text("none")
    return folder


def recipes(promptsheet: Promptsheet, session: str = "last") -> list[dict[str, Any]]:
    return [image["recipe"] for image in promptsheet.json("show", session)["list"]]


QUICK = ("--rendering", "turbo", "--seed-number", "5")


# -------------------------------------------------------------------- both ways


def test_a_sheet_and_the_command_give_the_same_recipes_and_pixels(
    warm: Promptsheet, photos: Path, tmp_path: Path
) -> None:
    by_command = warm.json(
        *("images", photos, "--prompt", "a red circle", "--strength", ".5", "-n", "2", *QUICK)
    )
    assert (by_command["images"], by_command["done"]) == (6, 6)
    assert by_command["refused"] == []
    drawn, asked = pixels_of(warm), recipes(warm)
    row = {"prompt": "a red circle", "strength": "0.5", "num_images": "2", "seed_number": "5"}
    rows = [row | {"rendering": "turbo", "image": name} for name in COLOURS]
    sheet = write_rows(photos / "sheet.csv", rows)
    assert warm.json("run", sheet)["done"] == 6
    assert recipes(warm) == asked
    assert pixels_of(warm) == drawn
    status, _, said = piped(
        warm, sheet.read_bytes(), "run", "-", "--json", "--images", "photos", cwd=tmp_path
    )
    assert status == 0, said
    assert recipes(warm) == asked
    assert all(recipe["strength"] == 0.5 for recipe in asked)
    assert {(recipe["width"], recipe["height"]) for recipe in asked} == {(144, 96)}
    assert len({recipe["image"] for recipe in asked}) == 3


def test_one_picture_can_be_named_and_every_option_holds(warm: Promptsheet, photos: Path) -> None:
    mask = Image.new("L", (96, 64), 0)
    mask.paste(255, (48, 0, 96, 64))
    mask.save(photos.parent / "mask.png")
    done = warm.json(
        *("images", photos / "boat.png", "--prompt", "a tree", "--fit", "pad", "--strength", "0.8"),
        *("--mask", photos.parent / "mask.png", "--aspect-ratio", "1:1", "--name", "masked"),
        *("--negative-prompt", "blue", *QUICK),
    )
    assert done["done"] == 1
    (recipe,) = recipes(warm, "masked")
    assert (recipe["fit"], recipe["strength"], recipe["negative_prompt"]) == ("pad", 0.8, "blue")
    assert recipe["mask"] and recipe["width"] == recipe["height"]


# -------------------------------------------------------------------- what is refused


def test_pictures_that_cannot_be_drawn_on_are_refused_one_by_one(
    warm: Promptsheet, photos: Path
) -> None:
    whole = (photos / "boat.png").read_bytes()
    (photos / "cut.png").write_bytes(whole[:-200])
    (photos / "torn.jpg").write_bytes(b"no picture")
    os.mkfifo(photos / "pipe.png")
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    frames[0].save(photos / "moving.gif", save_all=True, append_images=frames[1:])
    (photos / "again.png").symlink_to("boat.png")
    os.link(photos / "boat.png", photos / "hard.png")
    (photos / "copy.png").write_bytes(whole)
    (photos / "wrong.jpg").write_bytes(whole[:40] + whole[40:])
    done = warm.json(
        *("images", photos, photos / "nowhere.png", photos / "summer" / ".." / "boat.png"),
        *("--prompt", "a tree", *QUICK),
        status=1,
    )
    refused = {Path(each["file"]).name: each["reason"] for each in done["refused"]}
    assert set(refused) == {
        *("cut.png", "torn.jpg", "pipe.png", "moving.gif", "nowhere.png"),
        *("boat.png", "hard.png"),
    }
    assert "incomplete" in refused["cut.png"]
    assert "animated" in refused["moving.gif"]
    assert "named pipe" in refused["pipe.png"]
    assert "File not found" in refused["nowhere.png"]
    assert "Same file as" in refused["hard.png"]
    # boat.png once (by its link again.png), its copy, one with a wrong ending, two beaches
    assert done["images"] == done["done"] == 5
    words = warm("images", photos, "--prompt", "a tree", "--detach", *QUICK)
    assert words.returncode == 1
    assert "refused: " in words.stderr and "moving.gif" in words.stderr
    assert "Despite its name, it is a PNG picture." in words.stderr


def test_where_all_are_refused_nothing_is_started(promptsheet: Promptsheet, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    (tmp_path / "a.png").write_bytes(b"none")
    refused = promptsheet.json("images", empty, tmp_path / "a.png", "--prompt", "x", status=2)
    assert refused["session"] is None and refused["images"] == 0
    assert [Path(each["file"]).name for each in refused["refused"]] == ["empty", "a.png"]
    assert not promptsheet.library.exists()
    assert promptsheet("images", tmp_path, "--prompt", " ").returncode == 2


def test_names_of_pictures_do_not_reach_the_terminal_as_commands(
    promptsheet: Promptsheet, tmp_path: Path
) -> None:
    names = [b"\x1b]0;owned\x07.png", b"\xff\xfe.png", "\u202e.png".encode()]
    folder = tmp_path / "pictures"
    folder.mkdir()
    for name in names:
        Path(os.fsdecode(os.fsencode(folder) + b"/" + name)).write_bytes(b"none")
    done = promptsheet("images", folder, "--prompt", "x")
    assert done.returncode == 2
    assert done.stderr.count("refused: ") == 3
    assert not {"\x1b", "\x07", "\u202e"} & set(done.stderr)
    assert len(promptsheet.json("images", folder, "--prompt", "x", status=2)["refused"]) == 3


def test_a_row_that_cannot_be_is_told_before_anything_starts(
    promptsheet: Promptsheet, photos: Path
) -> None:
    refused = promptsheet.json(
        *("images", photos, "--prompt", "a tree", "--strength", ".01", *QUICK), status=1
    )
    assert refused["session"] is None and refused["refused"] == []
    assert {problem["column"] for problem in refused["problems"]} == {"strength"}


def test_folders_in_folders_can_be_left_alone(warm: Promptsheet, photos: Path) -> None:
    (photos / ".hidden.png").write_bytes((photos / "boat.png").read_bytes())
    done = warm.json("images", photos, "--no-recursive", "--prompt", "a tree", *QUICK)
    assert (done["images"], done["refused"]) == (2, [])


# -------------------------------------------------------------------- results


def names_in(body: bytes | Path) -> list[str]:
    with zipfile.ZipFile(body if isinstance(body, Path) else io.BytesIO(body)) as bundle:
        assert bundle.testzip() is None
        return bundle.namelist()


def table_in(path: Path) -> list[dict[str, str]]:
    with zipfile.ZipFile(path) as bundle:
        return list(csv.DictReader(io.StringIO(bundle.read("results.csv").decode("utf-8-sig"))))


def test_results_are_called_like_their_sources_and_are_a_sheet_again(
    warm: Promptsheet, photos: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out.zip"
    warm.json(
        *("images", photos, "--prompt", "a tree", "-n", "2", "-o", out, *QUICK),
    )
    wanted = ["beach.png", "beach-2.png", "boat.png", "boat-2.png"]
    wanted += ["summer/beach.png", "summer/beach-2.png", "results.csv"]
    assert names_in(out) == wanted
    drawn, asked = pixels_of(warm), recipes(warm)
    lines = table_in(out)
    assert [line["result_file"] for line in lines] == wanted[:-1]
    assert lines[4]["image"].startswith("summer/beach.jpg#")
    again = write_rows(tmp_path / "again.csv", lines)
    for name in COLOURS:  # the library has its own
        (photos / name).unlink()
    warm.json("run", again)
    assert recipes(warm) == asked
    assert list(pixels_of(warm).values()) == list(drawn.values())
    second = tmp_path / "second.zip"
    warm.json("export", "last", "-o", second, "--sources")
    assert names_in(second) == [
        *("beach.png", "beach-2.png", "boat.png", "boat-2.png"),
        *("summer/beach.png", "summer/beach-2.png", "results.csv"),
        *("sources/beach.jpg", "sources/boat.png", "sources/summer/beach.jpg"),
    ]
    assert table_in(second)[4]["image"] == lines[4]["image"], "a name does not grow"
    copied = warm.json("copy", "last", tmp_path / "copies")
    files = [Path(file).relative_to(tmp_path / "copies").as_posix() for file in copied["files"]]
    assert sorted(files) == sorted(wanted[:-1])
    assert warm.json("copy", "last", tmp_path / "copies")["files"] == copied["files"]


def test_nothing_a_source_says_of_itself_gets_into_results(
    warm: Promptsheet, photos: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out.zip"
    warm.json("images", photos, "--prompt", "a tree", "-o", out, *QUICK)
    assert b"secret place" in (photos / "beach.jpg").read_bytes()
    assert b"secret place" not in out.read_bytes()
    with zipfile.ZipFile(out) as bundle:
        assert not Image.open(io.BytesIO(bundle.read("beach.png"))).getexif()
    refused = warm("export", "last", "--sources", "--strip-metadata", "-o", out)
    assert refused.returncode == 2 and "cannot be combined with --strip-metadata" in refused.stderr


def test_recipes_of_results_make_a_sheet_that_draws_them_again(
    warm: Promptsheet, photos: Path, tmp_path: Path
) -> None:
    warm.json("images", photos, "--prompt", "a tree", "--strength", ".7", *QUICK)
    asked = recipes(warm)
    sheet = tmp_path / "again.csv"
    folder = (warm.library / warm.json("show", "last")["list"][0]["file"]).parent
    assert warm.json("recipes", folder, "-o", sheet)["rows"] == 3
    warm.json("run", sheet)
    assert recipes(warm) == asked


# -------------------------------------------------------------------- streams


def piped(
    promptsheet: Promptsheet, body: bytes, *arguments: str, **options: Any
) -> tuple[int, bytes, str]:
    pipes: dict[str, Any] = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    process = promptsheet.start(*arguments, text=False, **pipes, **options)
    out, said = process.communicate(body, timeout=300)
    return process.returncode, out, said.decode()


def tar_of(folder: Path, mode: str, *more: tarfile.TarInfo) -> bytes:
    body = io.BytesIO()
    with tarfile.open(fileobj=body, mode=mode) as archive:  # type: ignore[call-overload]
        archive.add(folder, ".")
        for member in more:
            archive.addfile(member, io.BytesIO(bytes(member.size)))
    return body.getvalue()


def zip_of(folder: Path) -> bytes:
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as archive:
        for path in sorted(folder.rglob("*")):
            archive.write(path, path.relative_to(folder))
    return body.getvalue()


def test_an_archive_comes_in_and_a_zip_goes_out(warm: Promptsheet, photos: Path) -> None:
    link, outside = tarfile.TarInfo("link.png"), tarfile.TarInfo("../../outside.png")
    link.type, link.linkname, outside.size = tarfile.SYMTYPE, "/etc/passwd", 9
    arguments = ("images", "-", "--prompt", "a tree", "-o", "-", *QUICK)
    wanted = {"beach.png", "boat.png", "summer/beach.png", "results.csv"}
    status, out, said = piped(warm, tar_of(photos, "w:gz", link, outside), *arguments)
    assert status == 1, "one was refused"
    assert "outside.png: Its name points outside the archive." in said
    assert "link.png" not in said
    assert set(names_in(out)) == wanted
    drawn = pixels_of(warm)
    for body in (tar_of(photos, "w"), zip_of(photos)):
        status, out, said = piped(warm, body, *arguments)
        assert status == 0, said
        assert set(names_in(out)) == wanted
        assert set(pixels_of(warm).values()) == set(drawn.values())


@pytest.mark.parametrize("body", [b"", b"PK\x03\x04 and no more", b"\x1f\x8b nothing", b"x" * 2000])
def test_what_is_no_archive_is_refused_in_plain_words(
    promptsheet: Promptsheet, body: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "temporary"
    place.mkdir()
    promptsheet.environment["TMPDIR"] = str(place)
    status, out, said = piped(promptsheet, body, "images", "-", "--prompt", "a tree")
    assert (status, out) == (2, b"")
    assert "Traceback" not in said and "stdin" in said
    assert list(place.iterdir()) == [], "nothing is left behind"


def test_an_archive_cut_off_on_its_way_starts_nothing(
    promptsheet: Promptsheet, photos: Path
) -> None:
    body = tar_of(photos, "w")
    status, _, said = piped(promptsheet, body[:3000], "images", "-", "--prompt", "a tree")
    assert status == 2 and "or is incomplete" in said
    assert not promptsheet.library.exists()


def test_stdout_holds_a_zip_or_words_but_never_both(promptsheet: Promptsheet, photos: Path) -> None:
    for more in (("--json",), ("--detach",)):
        done = promptsheet("images", photos, "--prompt", "a tree", "-o", "-", *more)
        assert done.returncode == 2
    assert not promptsheet.library.exists()


# -------------------------------------------------------------------- templates


@pytest.mark.parametrize("kind", ["csv", "xlsx", "ods"])
def test_a_template_has_a_row_for_each_picture(
    promptsheet: Promptsheet, photos: Path, kind: str
) -> None:
    sheet = photos / f"todo.{kind}"
    (photos / "torn.png").write_bytes(b"none")
    made = promptsheet.json(
        *("template", "--images", photos, sheet, "--prompt", "a tree"), status=1
    )
    assert made["rows"] == 3
    assert [Path(each["file"]).name for each in made["refused"]] == ["torn.png"]
    checked = promptsheet.json("check", sheet)
    assert (checked["rows"], checked["ready"], checked["images"]) == (3, 3, 3)
    assert checked["blank_num_images"] == [{"on_a_picture": True, "num_images": 1, "rows": 3}]
    assert promptsheet("template", "--images", photos, sheet).returncode == 2, "it is there"
    blank = promptsheet.json("template", "--images", photos, sheet, "--force", status=1)
    assert blank["rows"] == 3
    problems = promptsheet.json("check", sheet, status=1)["problems"]
    assert {problem["column"] for problem in problems} == {"prompt"}


# -------------------------------------------------------------------- kept through everything


def start_many(promptsheet: Promptsheet, photos: Path, count: int = 16) -> dict[str, Any]:
    for name in COLOURS:
        (photos / name).unlink()
    for number in range(count):
        picture(photos / f"{number:02d}.png", f"hsl({number * 15}, 80%, 50%)")
    started: dict[str, Any] = promptsheet.json(
        *("images", photos, "--prompt", "a tree", *QUICK, "--detach")
    )
    return started


def finished(promptsheet: Promptsheet, session: str) -> int:
    with sqlite3.connect(f"file:{promptsheet.library}/library.sqlite3?mode=ro", uri=True) as db:
        found = db.execute("SELECT done + failed FROM sessions WHERE key = ?", (session,))
        return int(found.fetchone()[0])


@pytest.mark.usefixtures("quick")
def test_killed_and_resumed_without_the_originals_it_draws_the_same(
    promptsheet: Promptsheet, warm: Promptsheet, photos: Path, config: Path
) -> None:
    session = start_many(warm, photos)["session"]
    warm.json("show", session, "--follow")
    wanted = pixels_of(warm)
    assert len(wanted) == 16
    (config / "settings.toml").write_text('[render]\ndevices = ["cpu", "cpu"]\n')
    session = promptsheet.json(*("images", photos, "--prompt", "a tree", *QUICK, "--detach"))[
        "session"
    ]
    for path in photos.rglob("*.png"):
        path.unlink()
    wait_for(lambda: finished(promptsheet, session) >= 1)
    status = promptsheet.status()
    for victim in (status["pid"], *(r["pid"] for r in status["renderers"])):
        if psutil.pid_exists(victim):
            os.kill(victim, signal.SIGKILL)
    wait_for(lambda: not promptsheet.status()["running"])
    promptsheet.json("engine", "start")
    promptsheet.json("show", session, "--follow")
    assert pixels_of(promptsheet) == wanted
    assert promptsheet.json("verify")["images"] == 16


@pytest.mark.usefixtures("quick")
def test_a_source_tampered_with_fails_its_images_and_no_others(
    promptsheet: Promptsheet, photos: Path
) -> None:
    promptsheet.json("engine", "start", "--no-render")
    done = promptsheet.json("images", photos, "--prompt", "a tree", "--detach", *QUICK)
    digests = {Path(r["image"]).name for r in recipes(promptsheet)}
    assert len(digests) == 3
    victim = source_path(promptsheet.library, recipes(promptsheet)[1]["image"])
    original = victim.read_bytes()
    victim.write_bytes(original[:-1] + b"x")
    promptsheet.json("engine", "stop")
    promptsheet.json("engine", "start")
    shown = promptsheet.json("show", done["session"], "--follow")
    assert [image["state"] for image in shown["list"]] == ["done", "failed", "done"]
    reason = shown["list"][1]["error"]
    assert "boat.png" in reason and "damaged" in reason and "retry" in reason
    verdict = promptsheet.json("verify", status=1)
    place = victim.relative_to(promptsheet.library).as_posix()
    assert verdict["corrupt"] == [place]
    repaired = promptsheet.json("verify", "--repair", status=1)
    assert repaired["repaired"]["lost_sources"] == [place]
    assert repaired["missing"] == [place] and not victim.exists()
    victim.write_bytes(original)
    promptsheet.json("retry", done["session"])
    promptsheet.json("show", done["session"], "--follow")
    assert promptsheet.json("show", done["session"])["done"] == 3
    assert promptsheet.json("verify")["images"] == 3


@pytest.mark.usefixtures("quick")
def test_repair_fails_what_has_nothing_left_to_be_drawn_on(
    promptsheet: Promptsheet, photos: Path
) -> None:
    promptsheet.json("engine", "start", "--no-render")
    session = promptsheet.json("images", photos, "--prompt", "a tree", "--detach", *QUICK)[
        "session"
    ]
    source_path(promptsheet.library, recipes(promptsheet)[0]["image"]).unlink()
    repaired = promptsheet.json("verify", "--repair", status=1)["repaired"]
    assert len(repaired["lost_sources"]) == 1
    shown = promptsheet.json("show", session)
    assert [image["state"] for image in shown["list"]] == ["failed", "waiting", "waiting"]
    assert "beach.jpg" in shown["list"][0]["error"]
    promptsheet.json("resume", session)
    promptsheet.json("show", session, "--follow")
    assert promptsheet.json("show", session)["done"] == 2


@pytest.mark.usefixtures("quick")
def test_a_database_made_anew_knows_again_what_its_images_are_drawn_on(
    promptsheet: Promptsheet, photos: Path, tmp_path: Path
) -> None:
    promptsheet.json("images", photos, "--prompt", "a tree", *QUICK)
    asked = recipes(promptsheet)
    promptsheet.json("engine", "stop")
    (promptsheet.library / "library.sqlite3").write_bytes(b"torn" * 4096)
    for path in promptsheet.library.glob("library.sqlite3-*"):
        path.unlink()
    repaired = promptsheet.json("verify", "--repair")
    assert len(repaired["repaired"]["adopted"]) == 3
    out = tmp_path / "out.zip"
    promptsheet.json("export", "last", "-o", out, "--sources")
    sources = [name for name in names_in(out) if name.startswith("sources/")]
    assert len(sources) == 3
    again = write_rows(tmp_path / "again.csv", table_in(out))
    promptsheet.json("engine", "start", "--no-render")  # which clears away what nobody needs
    promptsheet.json("run", again, "--detach")
    assert recipes(promptsheet) == asked


def sources_in(library: Path) -> set[str]:
    return {path.name for path in (library / "sources").glob("??/*")}


@pytest.mark.usefixtures("quick")
def test_sources_go_with_the_last_row_that_needs_them(
    promptsheet: Promptsheet, photos: Path
) -> None:
    first = promptsheet.json("images", photos, "--prompt", "a tree", *QUICK)["session"]
    promptsheet.json("images", photos / "boat.png", "--prompt", "a hill", *QUICK)
    boat = recipes(promptsheet)[0]["image"]
    assert len(sources_in(promptsheet.library)) == 3
    promptsheet.json("trash", "add", first)
    assert len(sources_in(promptsheet.library)) == 3, "it may be brought back"
    promptsheet.json("trash", "empty", "--yes")
    assert sources_in(promptsheet.library) == {boat}
    assert promptsheet.json("verify")["images"] == 1
    promptsheet.json("trash", "add", "last")
    promptsheet.json("trash", "empty", "--yes")
    assert sources_in(promptsheet.library) == set()
    assert promptsheet.json("verify")["images"] == 0


def test_what_interrupted_copying_left_goes_at_the_next_start(
    promptsheet: Promptsheet, photos: Path
) -> None:
    promptsheet.json("engine", "start", "--no-render")
    promptsheet.json("images", photos / "boat.png", "--prompt", "a tree", "--detach")
    promptsheet.json("engine", "stop")
    known = sources_in(promptsheet.library)
    place = promptsheet.library / "sources" / "ab"
    place.mkdir(exist_ok=True)
    (place / f".promptsheet-ab{'0' * 30}.part").write_bytes(b"half")
    (place / f"ab{'0' * 30}").write_bytes(b"never noted")
    promptsheet.json("engine", "start", "--no-render")
    assert sources_in(promptsheet.library) == known
    assert promptsheet.json("verify")["missing"] == []


def test_emptying_the_trash_takes_nothing_from_a_session_being_accepted(
    promptsheet: Promptsheet, photos: Path
) -> None:
    for number in range(60):
        picture(photos / f"{number}.png", f"hsl({number * 6}, 80%, 50%)")
    promptsheet.json("engine", "start", "--no-render")
    emptying = [
        promptsheet.start("trash", "empty", "--yes", stdout=subprocess.DEVNULL) for _ in range(3)
    ]
    running = promptsheet.start(
        *("images", str(photos), "--prompt", "a tree", "--detach", "--json"),
        stdout=subprocess.PIPE,
    )
    while running.poll() is None:
        promptsheet("trash", "empty", "--yes")
    assert running.stdout is not None
    assert json.loads(running.stdout.read())["images"] == 63
    for each in emptying:
        each.wait(60)
    assert len(sources_in(promptsheet.library)) == 63
    assert promptsheet.json("verify")["missing"] == []


def test_thousands_of_pictures_take_bounded_time_and_memory(
    promptsheet: Promptsheet, tmp_path: Path
) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    noise = np.random.default_rng(1)
    for number in range(1000):
        pixels = noise.integers(0, 256, (16, 16, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    promptsheet.json("engine", "start", "--no-render")
    began = time.monotonic()
    running = promptsheet.start(
        *("images", str(folder), "--prompt", "a tree", "--detach", "--json"),
        forked=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    most = 0
    while running.poll() is None:
        with_it = psutil.Process(running.pid)
        try:
            most = max(most, with_it.memory_info().rss)
        except psutil.Error:
            break
        time.sleep(0.1)
    out, _ = running.communicate(timeout=60)
    assert json.loads(out)["images"] == 1000
    assert time.monotonic() - began < 120
    assert most < 400 << 20
