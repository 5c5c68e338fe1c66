"""One sign for every state and severity, on the screen and on the command line."""

EDITED = "✎"
GLYPHS = {
    "error": "✗",
    "warning": "!",
    "repaired": "↻",
    "rendering": "◐",
    "waiting": "·",
    "held": "‖",
    "paused": "‖",
    "loading": "◌",
    "rewriting": EDITED,
    "stopped": "■",
    "failed": "✗",
    "done": "✓",
}
