"""One sign for every state and severity, on the screen and on the command line."""

GLYPHS = {
    "error": "✗",
    "warning": "!",
    "repaired": "↻",
    "rendering": "◐",
    "waiting": "·",
    "rewriting": "✎",
    "stopped": "■",
    "failed": "✗",
    "done": "✓",
}
