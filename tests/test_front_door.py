"""The command as people and scripts use it: its words, its JSON, its exit statuses."""

import csv
import io
import json
import sqlite3
import subprocess
import zipfile
from pathlib import Path

import pytest

from engine.library.write.states import Scope
from engine.library.write.writer import Writer
from tests.bench.older import make_older
from tests.conftest import Promptsheet
from tests.engine.library.conftest import new_session

EXAMPLE = Path(__file__).parent.parent / "assets" / "examples" / "first-light.csv"


def test_the_example_runs_twice_into_the_same_pixels(
    promptsheet: Promptsheet, tmp_path: Path
) -> None:
    from tests.test_promises import pixels_of

    pixels = []
    for name in ("one", "two"):
        on = promptsheet.on(tmp_path / name)
        done = on.json("run", EXAMPLE)
        assert done["done"] == done["images"] >= 24
        assert done["seconds"] > 0
        verdict = on.json("verify")
        assert verdict["images"] == done["images"]
        pixels.append(pixels_of(on))
    assert pixels[0] == pixels[1]


def test_check_lists_every_problem_of_300_faulty_rows(
    promptsheet: Promptsheet, tmp_path: Path
) -> None:
    sheet = tmp_path / "faulty.csv"
    rows = ["a circle,7:77,sdlx,-3"] * 299 + [",1:1,builtin,5"]
    sheet.write_text("\n".join(["prompt,aspect_ratio,model,seed_number", *rows]))
    found = promptsheet.json("check", sheet, status=1)
    assert found["rows"] == 300
    errors = [p for p in found["problems"] if p["severity"] == "error"]
    assert len(errors) == 299 * 3 + 1
    assert {p["row"] for p in errors} == set(range(2, 302))
    assert {p["column"] for p in errors} == {"prompt", "aspect_ratio", "model", "seed_number"}
    refused = promptsheet.json("run", sheet, status=1)
    assert refused["session"] is None
    words = promptsheet("run", sheet)
    assert words.returncode == 1
    assert "row 2, aspect_ratio" in words.stderr
    assert "Nothing was started" in words.stderr
    assert promptsheet.json("sessions") == []


def test_bad_rows_can_be_left_out(promptsheet: Promptsheet, tmp_path: Path) -> None:
    sheet = tmp_path / "some.csv"
    sheet.write_text("prompt,aspect_ratio\na red circle,1:1\na circle,7:77\n")
    assert promptsheet.json("run", sheet, status=1)["session"] is None
    done = promptsheet.json("run", sheet, "--skip-bad-rows")
    assert (done["images"], done["done"]) == (4, 4)
    assert [row["row"] for row in promptsheet.json("show", "last")["rows"]] == [2]


def unusable_files(folder: Path) -> dict[str, Path]:
    png = folder / "image.csv"
    png.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(200))
    (folder / "empty.csv").touch()
    (folder / "headless.csv").write_text("title,size\na,b\n")
    (folder / "header-only.csv").write_text("prompt,model\n")
    (folder / "page.xls").write_text("<html><body><table><tr><td>prompt</td></tr></table></body>")
    (folder / "torn.xlsx").write_bytes(b"PK\x03\x04" + bytes(100))
    return {
        "missing": folder / "missing.csv",
        "folder": folder,
        **{path.stem: path for path in folder.iterdir() if path.is_file()},
    }


@pytest.mark.parametrize(
    "kind", ["missing", "folder", "image", "empty", "headless", "header-only", "page", "torn"]
)
def test_an_unusable_file_is_refused_in_plain_words(
    promptsheet: Promptsheet, tmp_path: Path, kind: str
) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    path = unusable_files(folder)[kind]
    for command in ("check", "run"):
        done = promptsheet(command, path)
        assert done.returncode == 2, done.stdout
        assert done.stderr.startswith("promptsheet: ")
        assert "Traceback" not in done.stderr
        assert len(done.stderr) > 30
        assert promptsheet.json(command, path, status=2)["error"]
    assert not promptsheet.library.exists(), "something was started"


def test_what_does_not_go_together_is_refused_in_json_too(promptsheet: Promptsheet) -> None:
    for command in ("stop", "resume", "retry"):
        refused = promptsheet.json(command, "all", "--rows", "4", status=2)
        assert "Rows belong to a session" in refused["error"]


def test_an_encrypted_workbook_is_refused_in_plain_words(
    promptsheet: Promptsheet, tmp_path: Path
) -> None:
    from msoffcrypto.format.ooxml import OOXMLFile
    from openpyxl import Workbook

    plain = io.BytesIO()
    workbook = Workbook()
    workbook.active.append(["prompt"])  # type: ignore[union-attr]
    workbook.save(plain)
    path = tmp_path / "secret.xlsx"
    with path.open("wb") as file:
        OOXMLFile(plain).encrypt("secret", file)
    done = promptsheet("run", path)
    assert done.returncode == 2
    assert "password" in done.stderr
    assert not promptsheet.library.exists()


def test_typed_prompts_run_with_every_option(promptsheet: Promptsheet) -> None:
    done = promptsheet.json(
        *("prompt", "a red circle", "-n", "3", "--aspect-ratio", "3:2", "--seed-number", "9"),
        *("--rendering", "turbo", "--negative-prompt", "blue", "--name", "typed"),
    )
    assert (done["images"], done["done"]) == (3, 3)
    shown = promptsheet.json("show", "typed")
    assert [image["seed"] for image in shown["list"]] == [9, 10, 11]
    recipe = shown["list"][0]["recipe"]
    assert (recipe["width"], recipe["height"], recipe["steps"]) == (144, 96, 6)
    assert recipe["negative_prompt"] == "blue"
    assert promptsheet("prompt", "a circle", "--aspect-ratio", "7:77").returncode == 1


def test_prompts_come_one_a_line_from_stdin(promptsheet: Promptsheet) -> None:
    lines = "a red circle\n\na blue square\n"
    done = promptsheet.json("prompt", "-", "--rendering", "turbo", stdin=lines)
    assert done["images"] == 2
    assert promptsheet("prompt", "-", stdin="\n\n").returncode == 2


def test_a_session_can_be_shown_and_exported(promptsheet: Promptsheet, tmp_path: Path) -> None:
    promptsheet.json("prompt", "a red circle", "--rendering", "turbo")
    target = tmp_path / "out.zip"
    assert promptsheet.json("export", "last", "-o", target)["images"] == 1
    with zipfile.ZipFile(target) as bundle:
        assert bundle.testzip() is None
        table = list(csv.DictReader(io.StringIO(bundle.read("results.csv").decode("utf-8-sig"))))
    assert table[0]["prompt"] == "a red circle"
    assert promptsheet("show", "last").stdout.startswith("a red circle (")
    assert "a red circle" in promptsheet("sessions").stdout
    finished = promptsheet.json("resume", "last")
    assert finished["state"] == "done"
    assert promptsheet.json("stop", "last")["state"] == "done"
    assert promptsheet.json("retry", "last")["state"] == "done"


def test_hostile_text_does_not_reach_the_terminal_as_commands(
    promptsheet: Promptsheet, tmp_path: Path
) -> None:
    sheet = tmp_path / "hostile\x1b[2J.csv"
    sheet.write_text("prompt,model\n\x1b]0;owned\x07[/red] \u202e circle,\x1b[31m\n")
    checked = promptsheet("check", sheet)
    assert checked.returncode == 1
    started = promptsheet("prompt", "\x1b]0;owned\x07 [/x] circle", "--rendering", "turbo")
    assert started.returncode == 0
    for done in (checked, started, promptsheet("show", "last"), promptsheet("sessions")):
        for output in (done.stdout, done.stderr):
            assert "\x1b" not in output
            assert "\x07" not in output
            assert "\u202e" not in output


def test_a_hostile_argument_is_not_echoed_raw(promptsheet: Promptsheet) -> None:
    done = promptsheet("check", "a.csv", "\x1b]0;owned\x07\x1b[31mx.csv")
    assert done.returncode == 2
    assert "\x1b" not in done.stderr
    assert "␛" in done.stderr


def test_the_folder_it_is_started_in_is_no_source_of_code(
    promptsheet: Promptsheet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "torch.py").write_text("open('executed', 'w')")
    monkeypatch.chdir(tmp_path)
    assert promptsheet.json("doctor")["devices"]
    assert not (tmp_path / "executed").exists()


def test_an_engine_process_that_cannot_be_reached_is_named(
    promptsheet: Promptsheet, tmp_path: Path
) -> None:
    pid = promptsheet.json("engine", "start")["pid"]
    elsewhere = Promptsheet(
        promptsheet.library,
        promptsheet.environment | {"XDG_STATE_HOME": str(tmp_path / "other")},
    )
    done = elsewhere("engine", "stop")
    assert done.returncode == 2
    assert f"process {pid} on" in done.stderr


def test_verify_finds_damage_and_says_where(promptsheet: Promptsheet) -> None:
    promptsheet.json("prompt", "a red circle", "--rendering", "turbo", "-n", "2")
    first, second = (
        promptsheet.library / image["file"] for image in promptsheet.json("show", "last")["list"]
    )
    first.unlink()
    second.write_bytes(second.read_bytes()[:-40])
    verdict = promptsheet.json("verify", status=1)
    assert verdict["missing"] == [str(first.relative_to(promptsheet.library))]
    assert verdict["corrupt"] == [str(second.relative_to(promptsheet.library))]


def test_a_library_of_another_schema_is_refused(promptsheet: Promptsheet) -> None:
    promptsheet.json("engine", "start")
    promptsheet.json("engine", "stop")
    with sqlite3.connect(promptsheet.library / "library.sqlite3") as database:
        database.execute("PRAGMA user_version = 7")
    for command in (["sessions"], ["prompt", "a circle"], ["engine", "start"]):
        done = promptsheet(*command)
        assert done.returncode == 2
        assert "schema 7" in done.stderr


def test_in_the_foreground_a_library_of_an_older_schema_is_brought_up_to_date(
    promptsheet: Promptsheet,
) -> None:
    promptsheet.library.mkdir()
    writer = Writer(promptsheet.library)
    writer.add_session(new_session())
    writer.stop(Scope(None))
    writer.close()
    make_older(promptsheet.library)
    from tests.test_promises import wait_for

    running = promptsheet.start("engine", "run", stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: promptsheet.status()["running"])
        status = promptsheet.status()
        assert status["pid"] == running.pid, "another one has the library"
        assert promptsheet.json("sessions")[0]["stopped"] == 12
    finally:
        running.terminate()
        running.wait(60)


def test_doctor_and_config_say_what_holds(promptsheet: Promptsheet, config: Path) -> None:
    found = promptsheet.json("doctor")
    assert set(found) == {"graphics", "devices", "library", "versions"}
    assert found["graphics"]["protocol"] == "none"
    assert found["devices"]
    assert found["versions"]["torch"].startswith("2.13")
    (config / "settings.toml").write_text("[engine]\nidle_minutes = 3\n")
    shown = promptsheet.json("config")
    assert shown["settings"]["engine"]["idle_minutes"] == 3
    assert shown["files"]["settings"] == str(config / "settings.toml")
    words = promptsheet("config").stdout
    assert "idle_minutes = 3" in words
    assert "# Minutes with nothing to render" in words


def test_faulty_settings_are_named(promptsheet: Promptsheet, config: Path) -> None:
    (config / "settings.toml").write_text("[render]\nthreads = 'many'\n")
    done = promptsheet("sessions")
    assert done.returncode == 2
    assert "render.threads" in done.stderr


def test_an_unknown_session_is_an_error_with_a_way_on(promptsheet: Promptsheet) -> None:
    assert "nothing has been rendered" in promptsheet("show", "last").stderr
    promptsheet.json("engine", "start")
    done = promptsheet("show", "nobody")
    assert done.returncode == 2
    assert "promptsheet sessions" in done.stderr


def test_the_engine_process_leaves_when_it_has_nothing_to_do(
    promptsheet: Promptsheet, config: Path
) -> None:
    from tests.test_promises import wait_for

    (config / "settings.toml").write_text("[engine]\nidle_minutes = 0.02\n")
    assert promptsheet.json("engine", "start")["running"]
    wait_for(lambda: not promptsheet.status()["running"], 30)


def test_json_is_the_last_line_and_one_object(promptsheet: Promptsheet) -> None:
    done = promptsheet("prompt", "a red circle", "--rendering", "turbo", "--json")
    assert json.loads(done.stdout.splitlines()[-1])["done"] == 1


def test_pictures_become_a_sheet_that_renders_the_same_again(
    promptsheet: Promptsheet, tmp_path: Path
) -> None:
    first, again = tmp_path / "first.csv", tmp_path / "again.csv"
    first.write_text(
        "prompt,negative_prompt,style,magic_prompt,color_palette,steps,guidance,scheduler,"
        "aspect_ratio,seed_number,num_images\n"
        "a {red|blue} \\{boat\\},night,realistic,on,#CBA324 #F86C14:2,3,2.5,ddim,3:2,5,2\n"
    )
    promptsheet.json("run", first)
    made = promptsheet.json("recipes", promptsheet.library / "sessions", "-o", again)
    assert (made["rows"], made["silent"]) == (2, [])
    assert promptsheet.json("run", again)["done"] == 2
    second, former = (promptsheet.json("show", s["session"]) for s in promptsheet.json("sessions"))
    assert [i["recipe"] for i in second["list"]] == [i["recipe"] for i in former["list"]]
    assert promptsheet("recipes", again, "-o", tmp_path / "b.csv").returncode == 2


def test_what_is_trashed_and_emptied_is_gone_and_the_rest_is_whole(
    promptsheet: Promptsheet,
) -> None:
    from engine.api import Library, Settings

    promptsheet.json("prompt", "a red circle", "-n", "3", "--seed-number", "5")
    images = [i["image"] for i in promptsheet.json("show", "last")["list"]]
    assert (
        Library(Settings(library=promptsheet.library)).images.trash(images[:1]).images == images[:1]
    )
    assert promptsheet.json("trash")["images"] == 1
    assert promptsheet.json("show", "last")["images"] == 2
    assert promptsheet.json("trash", "empty") | {"bytes": 0} == {
        "images": 1,
        "sessions": 0,
        "bytes": 0,
        "left": [],
        "emptied": True,
    }
    assert promptsheet.json("verify")["images"] == 2
    assert promptsheet.json("verify", "--repair")["repaired"]["adopted"] == []


def test_the_command_line_trashes_restores_and_empties_and_work_goes_on(
    promptsheet: Promptsheet, tmp_path: Path
) -> None:
    sheet = sheet_with(tmp_path / "sheet.csv", "a red circle", "a blue circle")
    session = promptsheet.json("run", sheet)["session"]
    added = promptsheet.json("trash", "add", session, "--rows", "3")
    assert (added["session"], added["whole"], added["images"]) == (session, False, 4)
    assert promptsheet.json("show", session)["images"] == 4
    assert promptsheet.json("trash", "list")["images"] == 4
    assert promptsheet.json("trash", "restore", "last", "--rows", "2-9")["images"] == 4
    assert promptsheet.json("show", session)["done"] == 8
    assert promptsheet.json("trash", "add", "last")["whole"]
    assert promptsheet.json("sessions") == []
    assert promptsheet.json("trash", "list")["sessions"] == 1
    assert promptsheet.json("trash", "restore", "sheet")["whole"]
    assert promptsheet("trash", "restore", "last").returncode == 2
    assert promptsheet("trash", "add").returncode == 2
    assert promptsheet("trash", "add", session, "--rows", "77").returncode == 2
    promptsheet.json("trash", "add", session, "--rows", "2-3")
    assert promptsheet.json("trash", "empty", "--yes")["images"] == 8
    assert promptsheet("trash", "restore", session).returncode == 2
    assert promptsheet.json("check", sheet)["estimate"]["bytes"]
    assert promptsheet.json("prompt", "a green circle")["done"] == 1
    assert promptsheet.json("verify")["images"] == 1


def test_of_an_edited_sheet_only_the_changed_rows_are_rendered(
    promptsheet: Promptsheet, tmp_path: Path
) -> None:
    sheet = tmp_path / "sheet.csv"
    missing = promptsheet(
        "run", sheet_with(sheet, "a red circle", "a blue circle"), "--only-changed"
    )
    assert missing.returncode == 2
    assert "No session was made from sheet.csv" in missing.stderr
    first = promptsheet.json("run", sheet)["session"]
    drawn = {i["row"]: i["seed"] for i in promptsheet.json("show", first)["list"]}
    sheet_with(sheet, "a hill", "a red circle", "a blue square", "a green circle")
    second = promptsheet("run", sheet, "--only-changed")
    assert second.returncode == 0, second.stderr
    assert "1 row unchanged and kept, 1 changed, 2 new, 0 gone" in second.stderr
    shown = promptsheet.json("show", "last")
    assert {i["row"]: i["seed"] for i in shown["list"]}[4] == drawn[3]
    assert shown["parent"] == first
    assert [row["row"] for row in shown["rows"]] == [2, 4, 5]
    # Row 3 held the blue circle: what stands in its place now was the row above.
    sheet_with(sheet, "a hill", "a red circle", "a blue square", "a grey circle")
    third = promptsheet.json("run", sheet, "--only-changed")
    shown = promptsheet.json("show", third["session"])
    assert [row["row"] for row in shown["rows"]] == [5]
    again = promptsheet("run", sheet, "--only-changed")
    assert again.returncode == 0
    assert "4 rows unchanged and kept, 0 changed, 0 new, 0 gone" in again.stderr
    assert len(promptsheet.json("sessions")) == 3
    back = promptsheet.json("run", sheet, "--since", first, "--detach")
    rows = promptsheet.json("show", back["session"])["rows"]
    assert [row["row"] for row in rows] == [2, 4, 5]


def sheet_with(path: Path, *prompts: str) -> Path:
    path.write_text("\n".join(["prompt", *prompts]) + "\n")
    return path


def test_single_images_are_copied_and_nothing_is_replaced(
    promptsheet: Promptsheet, tmp_path: Path
) -> None:
    promptsheet.json("prompt", "a red circle", "a blue circle", "-n", "2")
    folder = tmp_path / "out" / "inside"
    copied = promptsheet.json("copy", "last", folder, "--rows", "3")
    assert [Path(file).name for file in copied["files"]] == [
        "0003-01-a-blue-circle.png",
        "0003-02-a-blue-circle.png",
    ]
    assert promptsheet.json("copy", "last", folder)["lost"] == []
    assert len(list(folder.iterdir())) == 4
    Path(copied["files"][0]).write_bytes(b"edited")
    again = promptsheet.json("copy", "last", folder, "--rows", "3")
    assert Path(again["files"][0]).name == "0003-01-a-blue-circle-2.png"
    assert Path(copied["files"][0]).read_bytes() == b"edited"


def test_rows_that_no_sheet_has_are_refused_at_once(promptsheet: Promptsheet) -> None:
    for rows in ("99999999999999999999", "1-99999999999", "x"):
        done = promptsheet("stop", "last", "--rows", rows)
        assert done.returncode == 2
        assert "--rows" in done.stderr and "Traceback" not in done.stderr


def test_check_says_before_the_start_that_public_images_need_a_shared_folder(
    promptsheet: Promptsheet, config: Path, tmp_path: Path
) -> None:
    sheet = tmp_path / "sheet.csv"
    sheet.write_text("prompt,visibility\na red circle,public\na blue circle,\n")
    (problem,) = promptsheet.json("check", sheet)["problems"]
    assert (problem["row"], problem["column"]) == (2, "visibility")
    assert "the settings name no shared folder" in problem["message"]
    gone = tmp_path / "gone"
    (config / "settings.toml").write_text(f'[share]\nfolder = "{gone}"\n')
    (problem,) = promptsheet.json("check", sheet)["problems"]
    assert f"{gone} is not there" in problem["message"]
