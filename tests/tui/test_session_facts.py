"""What stands beside the list of sessions."""

import json
from contextlib import closing
from dataclasses import replace

from engine.api import JobPages, Library
from engine.settings import Settings
from tests.engine.caption.captions import JAZZ
from tests.support.screens import HOSTILE, MakeLibrary
from tui.report import show_lines
from tui.session_facts import session_facts, session_line
from tui.widgets.job_table import JobSource
from tui.widgets.table_lines import TableColumn


def test_the_pane_says_what_a_session_was_asked_for_and_what_came_of_it(
    settings: Settings, make_session: MakeLibrary
) -> None:
    make_session(["日本の海と赤い船", "a lighthouse by night", "a balloon", "a boat", "a hill"])
    sessions = Library(settings).sessions
    info, origin = sessions.find("last"), sessions.origin("k3f9x2", 3)
    info = replace(info, finished=info.created + 90)
    assert session_facts(info, origin, 60).plain.splitlines() == [
        "a test",
        "images   5 of 5 · 5 rows",
        "model    builtin",
        "took     about 2 min",
        "sheet    sheet.csv",
        "id       k3f9x2",
        "prompts  日本の海と赤い船",
        "         a lighthouse by night",
        "         a balloon",
        "         and 2 more",
    ]
    assert session_line(info, origin).plain.startswith("a test · builtin · ")
    assert sessions.origin("nosuch", 3) is None


def test_hostile_prompts_stay_text_on_their_lines(
    settings: Settings, make_session: MakeLibrary
) -> None:
    make_session(list(HOSTILE), name=HOSTILE[0])
    sessions = Library(settings).sessions
    facts = session_facts(sessions.find("last"), sessions.origin("k3f9x2", 5), 30)
    assert all(line.cell_length <= 30 for line in facts.split("\n"))
    assert not set("\x1b\x9b\u202e\r\t") & set(facts.plain)


def test_a_caption_is_told_by_what_it_shows_where_there_is_a_line_for_it(
    settings: Settings, make_session: MakeLibrary
) -> None:
    make_session([json.dumps(JAZZ), "a boat"])
    sessions = Library(settings).sessions
    info, about = sessions.find("last"), "A minimalist jazz poster."
    facts = session_facts(info, sessions.origin("k3f9x2", 3), 60)
    assert f"prompts  {about}" in facts.plain.splitlines()
    lines = [*show_lines(info, sessions.jobs("k3f9x2"), (0, ()))]
    assert any(line.endswith(f" {about}") for line in lines)
    with closing(JobPages(settings.library, "k3f9x2")) as pages:
        source = JobSource(pages, [TableColumn("prompt", "prompt", 20)])
        shown = [source.row_of(job).cells[0].text for job in pages.page(0, 2)]
    assert shown == [about, "a boat"]
