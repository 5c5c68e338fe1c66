"""README.md and the guide tell the truth: tables are what the code says, links lead on."""

import re
from pathlib import Path

import pytest

from engine.models.families import FAMILIES
from engine.models.hub.offers import offers
from tui.commands import guide
from tui.keys import KEYS, called

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [ROOT / "README.md", *sorted((ROOT / "assets" / "guide").glob("*.md"))]
MOST_LINES, MOST_BYTES = 240, 2_000_000
VERBS = {
    "1": "sheet", "2": "jobs", "3": "review", "4": "sessions", "f4": "models", ",": "settings",
    "n": "next", "N": "previous", "a": "take", "A": "take_alike", "enter": "open", "esc": "leave",
    "ctrl+s": "start", "ctrl+g": "start_changed", "s": "stop", "r": "resume", "t": "retry",
    "P": "pause", "space": "mark", "v": "range", "f": "favourite", "d": "take_away", "u": "undo",
    "c": "compare", "Z": "upscale", "m": "again", "V": "more", "e": "to_sheet", "/": "find",
    "x": "write_out",
}  # fmt: skip
"""Each key of the README's table, and the verb that it stands for there."""


def table(under: str) -> list[str]:
    """The rows of the table under a heading of the README."""
    _, _, behind = README.partition(f"\n## {under}\n")
    lines = behind.partition("\n## ")[0].split("\n")
    return [line for line in lines if line.startswith("|")][2:]


def test_every_key_of_the_readme_does_what_it_says() -> None:
    named = {key for row in table("Keys") for key in re.findall(r"`([^`]+)`", row.split(" | ")[0])}
    assert named == set(VERBS)
    for key, verb in VERBS.items():
        names = [called(each) for each in KEYS[verb].split(",")]
        assert key in [name.replace("^", "ctrl+") for name in names], (key, names)


def test_every_model_that_can_be_pulled_by_name_stands_in_the_readme_as_it_is_offered() -> None:
    rows = []
    for offer in offers():
        size = f"{offer.download_gb:g} GB" if offer.download_gb else "–"
        licence = offer.licence + (" (gated)" if offer.gated else "")
        cells = f"`{offer.label}`", offer.family, offer.about, licence, size
        rows.append(f"| {' | '.join(cells)} |")
    assert table("Models") == rows, "\n".join(rows)
    assert f"{len({family.title for family in FAMILIES.values()})} kinds of models" in README


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_and_picture_of_a_page_is_there(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8"))
    missing = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert not missing


def test_the_readme_is_short_leads_to_every_page_and_its_film_is_light() -> None:
    assert README.count("\n") <= MOST_LINES
    assert not [name for name in guide.topics() if f"](assets/guide/{name}.md)" not in README]
    assert (ROOT / "assets" / "screenshots" / "tour.webp").stat().st_size < MOST_BYTES
