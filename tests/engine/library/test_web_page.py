"""The folder that shows images in a browser: what is in it, and what a browser makes of it."""

import html
import json
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine.library.files import stage
from engine.library.read.chosen import ImageChoice
from engine.library.read.reader import list_images
from engine.library.read.web_page import web_page
from engine.library.write.curation import favour
from engine.library.write.writer import Writer
from tests.support.libraries import new_session, picture, take
from tests.support.screens import HOSTILE

KEY = "k3f9x2"
PROMPTS = (
    "</script><img src=x onerror=document.title='owned'> & <b>bold</b>",
    "a boat, secret words",
    "日本語 قارب أحمر \u2028 100% #1",
    *HOSTILE,
)
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture
def filled(writer: Writer) -> Writer:
    """An image of each prompt; the second is a favourite."""
    plain = new_session(rows=len(PROMPTS), images=1)
    rows = [
        replace(
            row,
            cells={"prompt": prompt},
            recipes=[replace(recipe, prompt=prompt) for recipe in row.recipes],
        )
        for row, prompt in zip(plain.rows, PROMPTS, strict=True)
    ]
    writer.add_session(replace(plain, name="a secret <b>name</b>", rows=rows))
    batch = take(writer)
    pictures = [(image, *picture(image, batch.size)) for image in batch.images]
    writer.finish([(stage(i.key, i.path, data), record) for i, record, data in pictures])
    writer.end(batch, 1.0)
    favour(writer, [list_images(writer.library, KEY)[1].image], on=True)
    return writer


def told(folder: Path) -> dict[str, Any]:
    """What the page is told, as a browser reads it."""
    text = (folder / "data.js").read_text(encoding="ascii")
    start, end = "var promptsheet = ", ";\n"
    assert text.startswith(start) and text.endswith(end)
    found: dict[str, Any] = json.loads(text[len(start) : -len(end)])
    return found


def test_the_folder_is_whole_and_nothing_in_it_leads_out_of_it(
    filled: Writer, tmp_path: Path
) -> None:
    folder = tmp_path / "page"
    folder.mkdir()  # an empty one is taken
    seen: list[tuple[int, int]] = []
    done = web_page(filled.library, KEY, folder, ImageChoice(), lambda *at: seen.append(at))
    assert (done.images, done.failed, seen[-1]) == (8, [], (8, 8))
    page = told(folder)
    assert page["title"] == "a secret <b>name</b>"
    assert [image["prompt"] for image in page["images"]] == list(PROMPTS)
    assert [image["favourite"] for image in page["images"]] == [n == 1 for n in range(8)]
    named = {image[kind] for image in page["images"] for kind in ("file", "thumbnail")}
    there = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert there == named | {"index.html", "page.css", "page.js", "data.js"}
    own = list_images(filled.library, KEY)[0].file
    first = folder / page["images"][0]["file"]
    assert first.read_bytes() == (filled.library / str(own)).read_bytes()

    data = (folder / "data.js").read_text()
    assert not set("<>&") & set(data) and data.isascii()
    for name in ("index.html", "page.css", "page.js"):
        text = (folder / name).read_text()
        assert not re.search(r"(https?:)?//[a-z]|@import|url\(|innerHTML|eval\(|srcdoc", text), name
    index = (folder / "index.html").read_text()
    for reference in re.findall(r'(?:src|href)="([^"]*)"', index):
        assert (folder / reference).is_file()
    assert "default-src 'none'" in index and "unsafe" not in index
    assert not re.search(r"\son[a-z]+=|<script>|<style|\sstyle=", index)
    assert not list(tmp_path.glob(".promptsheet*"))


def test_stripped_of_its_recipes_no_word_of_them_is_in_any_file_or_name(
    filled: Writer, tmp_path: Path
) -> None:
    folder = tmp_path / "page"
    web_page(filled.library, KEY, folder, ImageChoice(strip_metadata=True, favourites=True))
    (image,) = told(folder)["images"]
    assert (image["row"], image["file"]) == (3, "pictures/0003-01.png")
    for path in folder.rglob("*"):
        assert "secret" not in path.name and "boat" not in path.name
        if path.is_file():
            body = path.read_bytes()
            assert b"secret" not in body and b"Steps:" not in body and b"builtin" not in body


def test_nothing_is_replaced_and_what_is_cut_off_leaves_nothing(
    filled: Writer, tmp_path: Path
) -> None:
    place = tmp_path / "out"
    place.mkdir()
    (place / "mine").touch()
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for taken in (place, place / "mine", tmp_path / "link"):
        with pytest.raises(FileExistsError):
            web_page(filled.library, KEY, taken, ImageChoice())

    def enough(done: int, _: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    def taken_meanwhile(done: int, total: int) -> None:
        if done == total:
            (place / "page").mkdir()
            (place / "page" / "theirs").touch()

    with pytest.raises(KeyboardInterrupt):
        web_page(filled.library, KEY, place / "page", ImageChoice(), enough)
    assert [path.name for path in place.iterdir()] == ["mine"]
    with pytest.raises(FileExistsError):
        web_page(filled.library, KEY, place / "page", ImageChoice(), taken_meanwhile)
    assert [path.name for path in (place / "page").iterdir()] == ["theirs"]
    assert sorted(path.name for path in place.iterdir()) == ["mine", "page"]


def test_a_lost_picture_is_said_and_the_others_are_shown(filled: Writer, tmp_path: Path) -> None:
    images = list_images(filled.library, KEY)
    (filled.library / str(images[2].file)).unlink()
    done = web_page(filled.library, KEY, tmp_path / "page", ImageChoice(rows=frozenset({3, 4, 5})))
    assert (done.images, done.failed) == (2, [images[2].image])


CHECK = """
const faults = [];
addEventListener("error", (e) => faults.push(`error ${e.message || e.target.src}`), true);
addEventListener("securitypolicyviolation", (e) => faults.push(`refused ${e.blockedURI}`));
const press = (key) => (document.activeElement ?? document.body).dispatchEvent(
  new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
const find = (id) => document.getElementById(id);
const shown = () => document.querySelectorAll(".cell:not([hidden])").length;
const type = (words) => {
  find("text").value = words;
  find("text").dispatchEvent(new Event("input"));
};
addEventListener("load", async () => {
  const seen = { title: document.title, all: shown(), count: find("count").textContent };
  seen.prompt = document.querySelector(".cell .words").textContent;
  seen.markup = document.querySelectorAll("main b, main script, h1 b, pre b").length;
  type("SECRET boat");
  seen.found = shown();
  type("no such words");
  seen.nothing = !find("nothing").hidden;
  press("Escape");
  type("");
  press("F");
  seen.favourites = shown();
  press("F");
  document.activeElement.blur();
  press("ArrowRight");
  press("ArrowRight");
  seen.moved = document.activeElement.dataset.index;
  document.activeElement.click();
  seen.large = find("full").open && find("about").textContent;
  press("ArrowLeft");
  press("r");
  seen.recipe = !find("recipe").hidden && find("recipe-text").textContent;
  await new Promise((done) => { find("picture").onload = done; press("End"); });
  seen.loaded = find("picture").naturalWidth;
  press("q");
  seen.back = document.activeElement.dataset.index;
  const referring = [...document.querySelectorAll("[src], [href]")];
  seen.requests = referring.map((each) => each.src ?? each.href);
  seen.faults = faults;
  const out = document.createElement("output");
  out.id = "seen";
  out.textContent = JSON.stringify(seen);
  document.body.append(out);
});
"""


@pytest.mark.slow
def test_a_real_browser_shows_it_from_the_disk_and_runs_nothing_that_a_prompt_says(
    filled: Writer, tmp_path: Path
) -> None:
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        pytest.skip(f"no browser here: none of {', '.join(BROWSERS)} is installed")
    folder = tmp_path / "a page #1"
    web_page(filled.library, KEY, folder, ImageChoice())
    (folder / "check.js").write_text(CHECK)
    index = folder / "index.html"
    tag = '<script src="check.js"></script>'
    index.write_text(index.read_text().replace("<title>", f"{tag}<title>"))
    profile = f"--user-data-dir={tmp_path / 'profile'}"
    options = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--enable-logging=stderr",
        profile,
        "--disable-background-networking",
    ]
    done = subprocess.run(
        [browser, *options, "--virtual-time-budget=20000", "--dump-dom", index.as_uri()],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert "CONSOLE" not in done.stderr
    (found,) = re.findall(r'<output id="seen">(.*?)</output>', done.stdout, re.DOTALL)
    seen = json.loads(html.unescape(found))
    requests = seen.pop("requests")
    assert len(requests) > 8
    assert all(each.startswith(folder.as_uri() + "/") for each in requests)
    assert seen.pop("recipe").startswith(f"{PROMPTS[0]}\nSteps: 2,")
    assert seen.pop("prompt") == PROMPTS[0]
    assert seen == {
        "title": "a secret <b>name</b>",
        "all": 8,
        "count": "8 images",
        "markup": 0,
        "found": 1,
        "nothing": True,
        "favourites": 1,
        "moved": "1",
        "large": "3:1 ★ · 2 of 8 · 8 × 8",
        "loaded": 8,
        "back": "7",
        "faults": [],
    }
