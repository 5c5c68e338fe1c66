"""What stands beside the list of sessions."""

from dataclasses import replace

from engine.api import Library
from engine.settings import Settings
from tests.support.screens import HOSTILE, MakeLibrary
from tui.session_facts import session_facts, session_line


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
