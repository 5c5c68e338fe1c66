"""The command as people and scripts use it: its words, its JSON, its exit statuses."""

import csv
import io
import json
import shutil
import sqlite3
import subprocess
import zipfile
from pathlib import Path

import pytest

from engine.library.write.states import Scope
from engine.library.write.writer import Writer
from engine.models.catalog import load_models
from engine.schema import SCHEMA_VERSION
from tests.support.command import Promptsheet
from tests.support.libraries import new_session
from tests.support.loras import write_diffusers, write_kohya
from tests.support.models import BUILTIN
from tests.support.older import make_older
from tests.support.runs import pixels_of
from tests.support.sheets import write_rows
from tests.support.upscalers import write_esrgan
from tests.support.waiting import wait_for
from tests.support.weights_files import DOWN, kohya, put_shapes

pytestmark = pytest.mark.slow


TURBO = ("--rendering", "turbo")
EXAMPLE = Path(__file__).parent.parent / "assets" / "examples" / "first-light.csv"


def test_the_example_runs_into_the_same_pixels_each_time(warm: Promptsheet, tmp_path: Path) -> None:
    assert warm.json("check", EXAMPLE)["images"] >= 24
    with EXAMPLE.open(newline="") as file:
        rows = [row | {"steps": "2", "num_images": "1"} for row in csv.DictReader(file)]
    example = write_rows(tmp_path / EXAMPLE.name, rows)
    pixels = []
    for _ in range(2):
        done = warm.json("run", example)
        assert done["done"] == done["images"] == len(rows)
        assert done["seconds"] > 0
        pixels.append(pixels_of(warm, done["session"]))
    assert pixels[0] == pixels[1]


def test_models_are_listed_with_what_is_known_of_them(
    promptsheet: Promptsheet, config: Path
) -> None:
    (config / "models.toml").write_text('[[models]]\nlabel = "gone"\nsource = "gone"\n')
    builtin, gone = promptsheet.json("models", "list")["models"]
    assert builtin["label"] == "builtin" and builtin["shipped"] and not builtin["fault"]
    assert builtin["memory"]["bytes"] > builtin["bytes"] > 10_000_000
    assert {"image to image", "LoRA"} <= set(builtin["abilities"]) and builtin["last_used"] is None
    assert gone["label"] == "gone" and "is not there" in gone["fault"]
    said = promptsheet("models", "list").stdout
    assert "never" in said and "✗" in said


def test_a_model_is_added_checked_and_taken_out_again(
    promptsheet: Promptsheet, config: Path, tmp_path: Path
) -> None:
    source = load_models()["builtin"].source
    looked = promptsheet.json("models", "add", source, "--label", "mine")
    assert not looked["added"] and looked["model"]["family"] == "Stable Diffusion 1 and 2"
    assert "--yes" in promptsheet("models", "add", source).stderr, "nobody can be asked"
    assert not (config / "models.toml").exists()
    assert promptsheet.json("models", "add", source, "--label", "mine", "--yes")["added"]
    again = promptsheet("models", "add", source, "--label", "mine", "--yes")
    assert again.returncode == 2 and "models remove mine" in again.stderr
    checked = promptsheet.json("models", "check", "mine", "--whole")["models"]["mine"]
    assert checked == {"whole": True, "faults": [], "recorded": "added"}
    full = tmp_path / "full"
    put_shapes(full / "a lora.safetensors", kohya(DOWN, 768))
    (full / "mine").symlink_to(source)
    shutil.copytree(source, full / "copy")
    (full / "half").mkdir()
    shutil.copy(Path(source, "model_index.json"), full / "half")
    done = promptsheet("models", "add", full, "--yes")
    assert "✗ a lora.safetensors is a LoRA for Stable Diffusion 1" in done.stdout
    assert "half: the folder scheduler, named in model_index.json, is missing" in done.stdout
    assert "Added: copy" in done.stdout
    shutil.rmtree(full / "copy" / "vae")
    checked = promptsheet("models", "check")
    assert checked.returncode == 1 and "✗ copy" in checked.stdout and "✓ mine" in checked.stdout
    assert promptsheet.json("models", "remove", "mine")["removed"]["source"] == str(source)
    assert promptsheet("models", "remove", "mine").returncode == 2
    assert promptsheet("models", "remove", "builtin").returncode == 2
    assert [m["label"] for m in promptsheet.json("models", "list")["models"]] == ["builtin", "copy"]


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


def test_mend_writes_a_corrected_copy(promptsheet: Promptsheet, tmp_path: Path) -> None:
    sheet, copy = tmp_path / "some.csv", tmp_path / "copy.csv"
    rows = ["prompt,aspect_ratio,seed_number", "a cat,02:03:00,1", "a dog,7:77,2", "a fish,1:1,x"]
    sheet.write_text("\n".join(rows))
    done = promptsheet.json("mend", sheet, "-o", copy, status=1)
    assert (done["cells"], done["rows_left_out"], done["copy"]) == (1, 0, str(copy))
    assert copy.read_text().splitlines()[1:] == ["a cat,2:3,1", "a dog,7:77,2", "a fish,1:1,x"]
    assert {p["row"] for p in done["problems"] if p["severity"] == "error"} == {3, 4}
    again = promptsheet("mend", sheet, "-o", copy)
    assert (again.returncode, "--force" in again.stderr) == (2, True)
    words = promptsheet("mend", sheet, "-o", copy, "--force", "--suggestions", "--skip-bad-rows")
    assert (words.returncode, words.stderr) == (0, "")
    assert "copy.csv: 2 cells mended, 1 row left out." in words.stdout
    assert copy.read_text().splitlines()[1:] == ["a cat,2:3,1", "a dog,1:3,2"]
    assert sheet.read_text().splitlines() == rows
    assert not promptsheet.library.exists(), "something was started"


def test_bad_rows_can_be_left_out(warm: Promptsheet, tmp_path: Path) -> None:
    sheet = tmp_path / "some.csv"
    sheet.write_text("prompt,aspect_ratio\na red circle,1:1\na circle,7:77\n")
    assert warm.json("run", sheet, status=1)["session"] is None
    done = warm.json("run", sheet, "--skip-bad-rows")
    assert (done["images"], done["done"]) == (4, 4)
    assert [row["row"] for row in warm.json("show", "last")["rows"]] == [2]


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
    done = promptsheet("run", path)
    assert done.returncode == 2, done.stdout
    assert done.stderr.startswith("promptsheet: ")
    assert "Traceback" not in done.stderr
    assert len(done.stderr) > 30
    assert promptsheet.json("check", path, status=2)["error"] in done.stderr
    assert not promptsheet.library.exists(), "something was started"


def test_what_does_not_go_together_is_refused_in_json_too(warm: Promptsheet) -> None:
    for command in ("stop", "resume", "retry"):
        refused = warm.json(command, "all", "--rows", "4", status=2)
        assert "--rows needs one session" in refused["error"]


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


def test_typed_prompts_run_with_every_option(warm: Promptsheet) -> None:
    done = warm.json(
        *("prompt", "a red circle", "-n", "3", "--aspect-ratio", "3:2", "--seed-number", "9"),
        *(*TURBO, "--negative-prompt", "blue", "--name", "typed"),
    )
    assert (done["images"], done["done"]) == (3, 3)
    shown = warm.json("show", "typed")
    assert [image["seed"] for image in shown["list"]] == [9, 10, 11]
    recipe = shown["list"][0]["recipe"]
    assert (recipe["width"], recipe["height"], recipe["steps"]) == (144, 96, 2)
    assert recipe["negative_prompt"] == "blue"
    assert warm("prompt", "a circle", "--aspect-ratio", "7:77").returncode == 1


def test_prompts_come_one_a_line_from_stdin(warm: Promptsheet) -> None:
    lines = "a red circle\n\na blue square\n"
    done = warm.json("prompt", "-", *TURBO, stdin=lines)
    assert done["images"] == 2
    assert warm("prompt", "-", stdin="\n\n").returncode == 2


def test_a_session_can_be_shown_and_exported(warm: Promptsheet, tmp_path: Path) -> None:
    warm.json("prompt", "a red circle", *TURBO)
    target = tmp_path / "out.zip"
    assert warm.json("export", "last", "-o", target)["images"] == 1
    with zipfile.ZipFile(target) as bundle:
        assert bundle.testzip() is None
        table = list(csv.DictReader(io.StringIO(bundle.read("results.csv").decode("utf-8-sig"))))
    assert table[0]["prompt"] == "a red circle"
    assert warm("show", "last").stdout.startswith("a red circle (")
    assert "a red circle" in warm("sessions").stdout
    finished = warm.json("resume", "last")
    assert finished["state"] == "done"
    assert warm.json("stop", "last")["state"] == "done"
    assert warm.json("retry", "last")["state"] == "done"
    assert "there is nothing to retry" in warm("retry", "last").stderr


def test_hostile_text_does_not_reach_the_terminal_as_commands(
    warm: Promptsheet, tmp_path: Path
) -> None:
    sheet = tmp_path / "hostile\x1b[2J.csv"
    sheet.write_text("prompt,model\n\x1b]0;owned\x07[/red] \u202e circle,\x1b[31m\n")
    checked = warm("check", sheet)
    assert checked.returncode == 1
    started = warm("prompt", "\x1b]0;owned\x07 [/x] circle", *TURBO)
    assert started.returncode == 0
    for done in (checked, started, warm("show", "last"), warm("sessions")):
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
    done = promptsheet.start("doctor", "--json", forked=False, stdout=subprocess.PIPE)
    assert json.loads(done.communicate(timeout=120)[0])["devices"]
    assert not (tmp_path / "executed").exists()


def test_the_folder_it_is_started_in_may_be_gone(
    promptsheet: Promptsheet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.csv").write_text("prompt\na tree\n")
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert promptsheet.json("check", tmp_path / "a.csv")["rows"] == 1
    assert not {"none"} & promptsheet.json("doctor")["devices"].keys(), "torch starts"


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


@pytest.mark.usefixtures("quick")
def test_verify_finds_damage_and_says_where(promptsheet: Promptsheet) -> None:
    promptsheet.json("prompt", "a red circle", *TURBO, "-n", "2")
    first, second = (
        promptsheet.library / image["file"] for image in promptsheet.json("show", "last")["list"]
    )
    first.unlink()
    second.write_bytes(second.read_bytes()[:-40])
    verdict = promptsheet.json("verify", status=1)
    assert verdict["missing"] == [str(first.relative_to(promptsheet.library))]
    assert verdict["corrupt"] == [str(second.relative_to(promptsheet.library))]


def test_a_library_of_a_newer_schema_is_refused(promptsheet: Promptsheet) -> None:
    promptsheet.json("engine", "start")
    promptsheet.json("engine", "stop")
    with sqlite3.connect(promptsheet.library / "library.sqlite3") as database:
        database.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    for command in (["sessions"], ["prompt", "a circle"], ["engine", "start"]):
        done = promptsheet(*command)
        assert done.returncode == 2
        assert f"schema {SCHEMA_VERSION + 1}" in done.stderr


def test_in_the_foreground_a_library_of_an_older_schema_is_brought_up_to_date(
    promptsheet: Promptsheet,
) -> None:
    promptsheet.library.mkdir()
    writer = Writer(promptsheet.library)
    writer.add_session(new_session())
    writer.stop(Scope(None))
    writer.close()
    make_older(promptsheet.library)
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
    sections = {"graphics", "devices", "machine", "memory", "library", "versions", "helpers"}
    assert set(found) == {*sections, "verdict"} and found["verdict"]["renders"]
    assert found["machine"]["memory bytes"] <= found["machine"]["of the machine's bytes"]
    assert all("computes in" in device for device in found["devices"].values())
    assert set(found["helpers"]) >= {"sentencepiece", "torchvision", "peft"}
    assert found["graphics"]["protocol"] == "none"
    assert found["devices"]
    assert found["versions"]["torch"].startswith("2.13")
    (config / "settings.toml").write_text("[engine]\nidle_minutes = 3\n")
    shown = promptsheet.json("config")
    assert shown["settings"]["engine"]["idle_minutes"] == 3
    assert shown["files"]["settings"] == str(config / "settings.toml")
    words = promptsheet("config").stdout
    assert "idle_minutes = 3" in words
    assert "# Minutes without work or connections" in words


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
    (config / "settings.toml").write_text("[engine]\nidle_minutes = 0.02\n")
    assert promptsheet.json("engine", "start")["running"]
    wait_for(lambda: not promptsheet.status()["running"], 30)


def test_json_is_the_last_line_and_one_object(warm: Promptsheet) -> None:
    done = warm("prompt", "a red circle", *TURBO, "--json")
    assert json.loads(done.stdout.splitlines()[-1])["done"] == 1


def test_pictures_become_a_sheet_that_renders_the_same_again(
    warm: Promptsheet, tmp_path: Path
) -> None:
    first, again = tmp_path / "first.csv", tmp_path / "again.csv"
    first.write_text(
        "prompt,negative_prompt,style,magic_prompt,color_palette,steps,guidance,scheduler,"
        "aspect_ratio,seed_number,num_images\n"
        "a {red|blue} \\{boat\\},night,realistic,on,#CBA324 #F86C14:2,3,2.5,ddim,3:2,5,2\n"
    )
    warm.json("run", first)
    drawn = warm.json("show", "last")["list"]
    folder = (warm.library / drawn[0]["file"]).parent
    made = warm.json("recipes", folder, "-o", again)
    assert (made["rows"], made["silent"]) == (2, [])
    assert warm.json("run", again)["done"] == 2
    redrawn = warm.json("show", "last")["list"]
    assert [i["recipe"] for i in redrawn] == [i["recipe"] for i in drawn]
    assert warm("recipes", again, "-o", tmp_path / "b.csv").returncode == 2


def test_loras_go_the_whole_way_and_mixed_over_lanes_give_the_same_pixels(
    warm: Promptsheet, tmp_path: Path
) -> None:
    config = Path(warm.environment["PROMPTSHEET_CONFIG"])
    ink = write_kohya(tmp_path / "ink.safetensors", BUILTIN)
    fog = write_diffusers(tmp_path / "fog.safetensors", BUILTIN, seed=1)
    wide = write_kohya(tmp_path / "wide.safetensors", BUILTIN, wider=8)
    listed = [f'[[loras]]\nlabel = "{f.stem}"\nfile = "{f}"\n' for f in (ink, fog, wide)]
    (config / "loras.toml").write_text("".join(listed))
    asked = ["", "ink:0.8", "fog:0.5, ink:0.3", "ink:0", "", "ink:0.8", "fog"]
    base = {"prompt": "a red circle", "rendering": "turbo", "seed_number": "5", "num_images": "1"}
    rows = [base | {"lora": cell} for cell in asked]
    rows[-1] |= {"prompt": "a red circle <lora:fog:1>", "lora": ""}
    sheet, again = write_rows(tmp_path / "sheet.csv", rows), tmp_path / "again.csv"
    try:
        assert [each["label"] for each in warm.json("loras")["loras"]] == ["ink", "fog", "wide"]
        told = warm.json("check", sheet)["problems"]
        assert [p["column"] for p in told if p["severity"] == "repaired"] == ["prompt"]
        first = warm.json("run", sheet)
        assert first["done"] == 7
        images = warm.json("show", "last")["list"]
        of = {image["row"]: image["pixels"] for image in images}
        assert of[2] == of[5] == of[6] and of[3] == of[7]
        assert len({of[row] for row in (2, 3, 4, 8)}) == 4
        options = ("--seed-number", "5", "--lora", asked[2])
        warm.json("prompt", "a red circle", "--rendering", "turbo", *options)
        (alone,) = warm.json("show", "last")["list"]
        assert alone["pixels"] == of[4] and alone["recipe"]["loras"][0]["name"] == "fog"
        folder = (warm.library / images[2]["file"]).parent
        warm.json("recipes", folder, "-o", again)
        warm.json("run", again)
        redrawn = {i["pixels"] for i in warm.json("show", "last")["list"]}
        assert redrawn == set(of.values())
        one_bad = write_rows(tmp_path / "bad.csv", [base | {"lora": "wide"}, base])
        faulty = warm.json("check", one_bad, status=1)["problems"]
        assert [(p["row"], p["column"], p["severity"]) for p in faulty] == [(2, "lora", "error")]
    finally:
        (config / "loras.toml").unlink()


def test_images_are_upscaled_beside_the_old_ones_by_what_there_is(
    warm: Promptsheet, tmp_path: Path
) -> None:
    first = warm.json("prompt", "a red circle", "--seed-number", "5")["session"]
    olds = warm.json("show", first)["list"]
    before = {old["file"]: (warm.library / old["file"]).read_bytes() for old in olds}
    lacking = warm("upscale", first)
    assert lacking.returncode == 2 and "has no favourites" in lacking.stderr

    anew = warm.json("upscale", first, "--rows", "2")
    assert (anew["images"], anew["done"]) == (1, 1)
    drawn = warm.json("show", anew["session"])
    assert drawn["parent"] == first
    for old, new in zip(olds, drawn["list"], strict=True):
        recipe = new["recipe"]
        assert (new["width"], new["height"]) == (old["width"] * 2, old["height"] * 2)
        assert (recipe["strength"], recipe["upscale"], recipe["seed"]) == (0.3, 2, old["seed"])
        assert recipe["image"] == old["digest"]

    file = write_esrgan(tmp_path / "4x-Any.safetensors")
    warm.json("models", "add", file, "--yes")
    try:
        listed = {model["label"]: model for model in warm.json("models", "list")["models"]}
        assert listed["4x-Any"]["abilities"] == ["upscale"]
        by = warm.json("upscale", first, "--rows", "2", "--by", "4")
        enlarged = warm.json("show", by["session"])["list"]
        pixels = [image["pixels"] for image in enlarged]
        (one,) = enlarged
        assert (one["width"], one["recipe"]["model"]) == (olds[0]["width"] * 4, "4x-Any")
        assert one["recipe"]["strength"] is None
        again = tmp_path / "again.csv"
        warm.json("recipes", (warm.library / one["file"]).parent, "-o", again)
        warm.json("run", again)
        assert pixels == [image["pixels"] for image in warm.json("show", "last")["list"]]
    finally:
        warm.json("models", "remove", "4x-Any")
    assert before == {name: (warm.library / name).read_bytes() for name in before}


@pytest.mark.usefixtures("quick")
def test_what_is_trashed_and_emptied_is_gone_and_the_rest_is_whole(
    promptsheet: Promptsheet,
) -> None:
    from engine.api import Library, Settings

    promptsheet.json("prompt", "a red circle", "-n", "3", *TURBO)
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


@pytest.mark.usefixtures("quick")
def test_the_command_line_trashes_restores_and_empties_and_work_goes_on(
    promptsheet: Promptsheet, tmp_path: Path
) -> None:
    sheet = sheet_with(tmp_path / "sheet.csv", "a red circle", "a blue circle")
    session = promptsheet.json("run", sheet)["session"]
    added = promptsheet.json("trash", "add", session, "--rows", "3")
    assert (added["session"], added["whole"], added["images"]) == (session, False, 2)
    assert promptsheet.json("show", session)["images"] == 2
    assert promptsheet.json("trash", "list")["images"] == 2
    assert promptsheet.json("trash", "restore", "last", "--rows", "2-9")["images"] == 2
    assert promptsheet.json("show", session)["done"] == 4
    assert promptsheet.json("trash", "add", "last")["whole"]
    assert promptsheet.json("sessions") == []
    assert promptsheet.json("trash", "list")["sessions"] == 1
    assert promptsheet.json("trash", "restore", "sheet")["whole"]
    assert promptsheet("trash", "restore", "last").returncode == 2
    assert promptsheet("trash", "add").returncode == 2
    assert promptsheet("trash", "add", session, "--rows", "77").returncode == 2
    promptsheet.json("trash", "add", session, "--rows", "2-3")
    assert promptsheet.json("trash", "empty", "--yes")["images"] == 4
    assert promptsheet("trash", "restore", session).returncode == 2
    assert promptsheet.json("check", sheet)["estimate"]["bytes"]
    assert promptsheet.json("prompt", "a green circle", *TURBO)["done"] == 1
    assert promptsheet.json("verify")["images"] == 1


def test_names_tags_and_favourites_are_given_and_single_images_trashed(warm: Promptsheet) -> None:
    session = warm.json("prompt", "a red circle", "-n", "3", *TURBO)["session"]
    assert warm.json("rename", session, "spring", "boats")["name"] == "spring boats"
    assert warm.json("tag", "spring boats", "sea, print", "sea")["tags"] == ["sea", "print"]
    assert warm.json("tag", session, "fog", "--remove", "sea")["tags"] == ["print", "fog"]
    lacking = warm("tag", session, "--remove", "night")
    assert lacking.returncode == 2 and "no tag night; it has tags print, fog" in lacking.stderr
    assert warm.json("tag", session, "--remove")["tags"] == []

    assert warm.json("favourite", session, "--images", "2:1-2")["images"] == 2
    again = warm("favourite", session, "--rows", "2")
    assert again.stdout == "1 image marked as favourite, 2 were favourites already\n"
    assert warm.json("favourite", session, "--images", "2:2", "--remove")["images"] == 1
    assert [i["favourite"] for i in warm.json("show", session)["list"]] == [True, False, True]
    assert warm.json("rate", session, "3", "--images", "2:2")["images"] == 1
    again = warm("rate", session, "3", "--rows", "2")
    assert again.stdout == "2 images rated 3, 1 had this rating already\n"
    assert [i["rating"] for i in warm.json("show", session)["list"]] == [3, 3, 3]
    assert warm("rate", session, "6", "--rows", "2").returncode == 2
    assert warm("rate", session, "3").returncode == 2
    assert warm.json("rate", session, "5", "--images", "2:1,2:3")["images"] == 2
    assert warm("favourite", session).returncode == 2
    assert warm("favourite", session, "--images", "9:1").returncode == 2

    kept = warm.json("trash", "add", session, "--images", "2:1,2:2", status=1)
    assert (kept["images"], kept["favourites"]) == (1, 1)
    assert f"{session}  spring boats: 1 image: 2:2" in warm("trash", "list").stdout
    (listed,) = [t for t in warm.json("trash")["list"] if t["session"] == session]
    assert (listed["whole"], listed["images"]) == (False, 1)
    assert warm.json("trash", "restore", session, "--images", "2:2")["images"] == 1
    near = warm("show", "spring boat")
    assert near.returncode == 2 and "Did you mean spring boats?" in near.stderr


def test_of_an_edited_sheet_only_the_changed_rows_are_rendered(
    warm: Promptsheet, tmp_path: Path
) -> None:
    sheet = tmp_path / "edited.csv"
    before = len(warm.json("sessions"))
    missing = warm("run", sheet_with(sheet, "a red circle", "a blue circle"), "--only-changed")
    assert missing.returncode == 2
    assert "edited.csv has no session yet" in missing.stderr
    first = warm.json("run", sheet)["session"]
    drawn = {i["row"]: i["seed"] for i in warm.json("show", first)["list"]}
    sheet_with(sheet, "a hill", "a red circle", "a blue square", "a green circle")
    second = warm("run", sheet, "--only-changed")
    assert second.returncode == 0, second.stderr
    assert "1 row unchanged, 1 changed, 2 new, 0 removed" in second.stderr
    shown = warm.json("show", "last")
    assert {i["row"]: i["seed"] for i in shown["list"]}[4] == drawn[3]
    assert shown["parent"] == first
    assert [row["row"] for row in shown["rows"]] == [2, 4, 5]
    # Row 3 held the blue circle: what stands in its place now was the row above.
    sheet_with(sheet, "a hill", "a red circle", "a blue square", "a grey circle")
    third = warm.json("run", sheet, "--only-changed")
    shown = warm.json("show", third["session"])
    assert [row["row"] for row in shown["rows"]] == [5]
    again = warm("run", sheet, "--only-changed")
    assert again.returncode == 0
    assert "4 rows unchanged, 0 changed, 0 new, 0 removed" in again.stderr
    assert len(warm.json("sessions")) == before + 3
    back = warm.json("run", sheet, "--since", first, "--detach")
    rows = warm.json("show", back["session"])["rows"]
    assert [row["row"] for row in rows] == [2, 4, 5]


def sheet_with(path: Path, *prompts: str) -> Path:
    rows = [{"prompt": prompt, "rendering": "turbo", "num_images": "2"} for prompt in prompts]
    return write_rows(path, rows)


def test_single_images_are_copied_and_nothing_is_replaced(
    warm: Promptsheet, tmp_path: Path
) -> None:
    warm.json("prompt", "a red circle", "a blue circle", "-n", "2", *TURBO)
    folder = tmp_path / "out" / "inside"
    copied = warm.json("copy", "last", folder, "--rows", "3")
    assert [Path(file).name for file in copied["files"]] == [
        "0003-01-a-blue-circle.png",
        "0003-02-a-blue-circle.png",
    ]
    assert warm.json("copy", "last", folder)["lost"] == []
    assert len(list(folder.iterdir())) == 4
    Path(copied["files"][0]).write_bytes(b"edited")
    again = warm.json("copy", "last", folder, "--rows", "3")
    assert Path(again["files"][0]).name == "0003-01-a-blue-circle-2.png"
    assert Path(copied["files"][0]).read_bytes() == b"edited"


def test_rows_that_no_sheet_has_are_refused_at_once(warm: Promptsheet) -> None:
    for rows in ("99999999999999999999", "1-99999999999", "x"):
        done = warm("stop", "last", "--rows", rows)
        assert done.returncode == 2
        assert "--rows" in done.stderr and "Traceback" not in done.stderr


def test_check_says_before_the_start_that_public_images_need_a_shared_folder(
    promptsheet: Promptsheet, config: Path, tmp_path: Path
) -> None:
    sheet = tmp_path / "sheet.csv"
    sheet.write_text("prompt,visibility\na red circle,public\na blue circle,\n")
    (problem,) = promptsheet.json("check", sheet)["problems"]
    assert (problem["row"], problem["column"]) == (2, "visibility")
    assert "no shared folder is set" in problem["message"]
    gone = tmp_path / "gone"
    (config / "settings.toml").write_text(f'[share]\nfolder = "{gone}"\n')
    (problem,) = promptsheet.json("check", sheet)["problems"]
    assert f"{gone} is not there" in problem["message"]
