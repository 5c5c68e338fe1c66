"""Files sent through the terminal to the machine one sits at, where the terminal takes them."""

from base64 import b64encode

from tui.graphics.protocol import Terminal

MOST = 64_000_000
"""Bytes sent at once: nothing else reaches the screen meanwhile."""
_TAKES_FILES = ("iTerm2",)
"""Terminals, by the name they give themselves, that save what OSC 1337 sends not to be shown.

kitty's own transfer (OSC 5113) is a conversation, whose answers arrive among the keys: left out.
"""


def can_download(terminal: Terminal) -> bool:
    """Whether this terminal is known to save files that are sent to it."""
    return terminal.name.startswith(_TAKES_FILES)


def download(name: str, data: bytes) -> str:
    """The escape sequence with which a terminal saves a file in its downloads.

    https://iterm2.com/documentation-images.html: name and contents in base64, the size in bytes,
    `inline=0` so that it is saved and not shown.
    """
    about = f"name={b64encode(name.encode()).decode()};size={len(data)};inline=0"
    return f"\x1b]1337;File={about}:{b64encode(data).decode()}\x07"
