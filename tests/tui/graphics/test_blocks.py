"""Why pictures are blocks of colour, in words."""

import pytest

from tui.graphics import blocks
from tui.graphics.blocks import why_blocks
from tui.graphics.tmux import Client

PASSES = Client("kitty(0.41.1)", all_colours=False, cell=None, passes_on=True)
HOLDS = Client("kitty(0.41.1)", all_colours=True, cell=None, passes_on=False)


@pytest.mark.parametrize(
    ("name", "told", "environment", "why"),
    [
        ("XTerm(390)", {}, {}, "neither sixel nor kitty"),
        ("kitty(0.26.5)", {}, {}, "older than 0.28"),
        ("kitty(0.41.1)", {"kitty": True}, {"NO_COLOR": "1"}, "NO_COLOR"),
        ("", {"answered": False}, {}, "not answered yet"),
        ("", {"in_tmux": True}, {}, "tmux has no sixel"),
        (
            "",
            {"in_tmux": True, "around": HOLDS, "kitty": True},
            {},
            "tmux does not let pictures through",
        ),
        ("", {"in_tmux": True, "around": PASSES, "kitty": True}, {}, "no 24-bit colours"),
        ("", {}, {"STY": "1.pts"}, "GNU screen"),
    ],
)
def test_what_stands_between_is_named(
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    told: dict[str, bool | Client],
    environment: dict[str, str],
    why: str,
) -> None:
    for variable in ("NO_COLOR", "STY"):
        monkeypatch.delenv(variable, raising=False)
    for variable, value in environment.items():
        monkeypatch.setenv(variable, value)
    known = {"answered": True, "kitty": False, "around": None, "in_tmux": False} | told
    assert why in why_blocks(name, **known)  # type: ignore[arg-type]
    assert "promptsheet help ssh" in blocks.MORE
