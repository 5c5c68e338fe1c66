"""Why a terminal shows pictures as blocks of colour, in a few words; the guide has what helps."""

import os
import re

from tui.graphics.tmux import Client

MORE = "`promptsheet help ssh` says what helps"


def why_blocks(
    name: str, *, answered: bool, kitty: bool, around: Client | None, in_tmux: bool
) -> str:
    """What stands between the terminal and real pictures.

    Args:
        name: the terminal's, as it says.
        answered: whether it has said what it can.
        kitty: whether it takes kitty's pictures, or the one around tmux does.
        around: the terminal that tmux is shown in.
        in_tmux: whether tmux is between; where it is not, a multiplexer is GNU screen.
    """
    if kitty and os.environ.get("NO_COLOR"):
        return "NO_COLOR is set"
    if around is not None and kitty:
        return (
            "tmux does not let pictures through"
            if not around.passes_on
            else "tmux has no 24-bit colours"
        )
    if in_tmux:
        return "tmux has no sixel"
    if os.environ.get("STY"):
        return "GNU screen does not let pictures through"
    if not answered:
        return "the terminal has not answered yet"
    if re.match(r"kitty\(0\.(\d|1\d|2[0-7])\.", name):
        return "kitty is older than 0.28"
    return "this terminal has neither sixel nor kitty graphics"
