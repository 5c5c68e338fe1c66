"""Contact sheets: what is on them, under which names they lie, and that nothing half-done does."""

import stat
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from engine.errors import PromptsheetError
from engine.library.read import contact_sheet as module
from engine.library.read.chosen import ImageChoice
from engine.library.read.contact_sheet import contact_sheet
from engine.library.read.paper import PAPERS, PageLook, Under
from engine.library.read.reader import list_images
from engine.library.write.curation import favour
from engine.library.write.writer import Writer
from engine.picture.lettering import Lettering
from tests.support.libraries import Rendered, new_session, take

KEY = "k3f9x2"
LARGE = PageLook(columns=1, paper="a5-landscape")


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture
def filled(writer: Writer, rendered: Rendered) -> Writer:
    """Four finished images of one row."""
    writer.add_session(new_session(rows=1))
    batch = take(writer)
    writer.finish(rendered(batch))
    writer.end(batch, 1.0)
    return writer


def test_pages_hold_the_images_in_order_and_come_out_the_same_again(
    filled: Writer, tmp_path: Path
) -> None:
    seen: list[tuple[int, int]] = []
    done = contact_sheet(
        *(filled.library, KEY, tmp_path / "a.png", ImageChoice(), LARGE),
        progress=lambda *at: seen.append(at),
    )
    assert [path.name for path in done.files] == ["a-1.png", "a-2.png", "a-3.png", "a-4.png"]
    assert seen == [(n, 4) for n in range(1, 5)]
    width, height = PageLook(paper="a5-landscape").millimetres
    for path, seed in zip(done.files, range(4), strict=True):
        with Image.open(path) as page:
            assert page.size == (round(width * 200 / 25.4), round(height * 200 / 25.4))
            assert page.getpixel((page.width // 2, page.height // 2)) == (seed, seed, seed)
            assert not page.info.get("parameters")
    again = contact_sheet(filled.library, KEY, tmp_path / "b.png", ImageChoice(), LARGE)
    for one, other in zip(done.files, again.files, strict=True):
        assert one.read_bytes() == other.read_bytes()
    assert not list(tmp_path.glob(".promptsheet*"))
    assert stat.S_IMODE(done.files[0].stat().st_mode) & 0o600 == 0o600


def test_only_what_is_chosen_is_on_it_and_a_lost_image_is_said(
    filled: Writer, tmp_path: Path
) -> None:
    images = list_images(filled.library, KEY)
    favour(filled, [image.image for image in images[:2]], on=True)
    (filled.library / str(images[1].file)).unlink()
    done = contact_sheet(
        filled.library, KEY, tmp_path / "a.pdf", ImageChoice(favourites=True), PageLook(columns=2)
    )
    assert (done.files, done.images, done.pages) == ([tmp_path / "a.pdf"], 2, 1)
    assert done.lost == [images[1].image]
    with pytest.raises(PromptsheetError, match="nothing to show"):
        contact_sheet(
            filled.library, KEY, tmp_path / "b.pdf", ImageChoice(rows=frozenset({9})), PageLook()
        )


def test_what_stands_under_an_image_is_chosen_and_no_recipe_goes_with_stripped_ones(
    filled: Writer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[str] = []
    monkeypatch.setattr(Lettering, "draw", lambda _, __, place, line, *rest: written.append(line))

    def on(choice: ImageChoice, *under: Under) -> list[str]:
        written.clear()
        look = replace(PageLook(), under=under) if under else PageLook()
        contact_sheet(filled.library, KEY, tmp_path / "a.png", choice, look, replacing=True)
        return written[:4]

    assert on(ImageChoice()) == ["page 1 of 1", "a test", "2:1 · seed 0", "prompt 0"]
    assert on(ImageChoice(), "variation")[2:] == ["variation 1", "variation 2"]
    assert on(ImageChoice(strip_metadata=True)) == ["page 1 of 1", "2:1", "2:2", "2:3"]


def test_nothing_is_replaced_unasked_and_what_is_cut_off_leaves_nothing(
    filled: Writer, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "a-3.png").write_text("mine")
    for target in (out / "a.png", out / "a-3.png"):
        look = LARGE if target.name == "a.png" else PageLook()
        with pytest.raises(FileExistsError) as caught:
            contact_sheet(filled.library, KEY, target, ImageChoice(), look)
        assert caught.value.filename == str(out / "a-3.png")

    def enough(done: int, _: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    for name in ("b.png", "b.pdf"):
        with pytest.raises(KeyboardInterrupt):
            contact_sheet(filled.library, KEY, out / name, ImageChoice(), LARGE, progress=enough)
    assert [path.name for path in out.iterdir()] == ["a-3.png"]
    contact_sheet(filled.library, KEY, out / "a.png", ImageChoice(), LARGE, replacing=True)
    assert len(list(out.glob("*.png"))) == 4
    assert (out / "a-3.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("name", "look", "said"),
    [
        ("a.gif", PageLook(), ".pdf or .png"),
        ("a.pdf", PageLook(columns=0), "1 to 20 columns"),
        ("a.pdf", PageLook(paper="a9"), "one of a4"),
    ],
)
def test_what_cannot_be_is_refused_in_words(
    filled: Writer, tmp_path: Path, name: str, look: PageLook, said: str
) -> None:
    with pytest.raises(PromptsheetError, match=said):
        contact_sheet(filled.library, KEY, tmp_path / name, ImageChoice(), look)
    assert not (tmp_path / name).exists()


def test_every_paper_has_room_for_an_image_at_any_number_of_columns() -> None:
    for paper in PAPERS:
        for columns in (1, 4, 20):
            for tallest in (0.1, 1.0, 16.0):
                layout = module._layout(PageLook(columns, paper), tallest)
                _, top = layout.at(layout.images - 1)
                assert layout.thumbnail > 0 and layout.cell > 0
                assert top + layout.thumbnail + layout.text <= layout.height - layout.margin
