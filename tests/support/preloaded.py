"""What a command imports, for the process that commands are forked from."""

import engine.api.checked
import engine.api.found_pictures
import engine.api.picture_archives
import tui.cli
import tui.report

__all__ = ["engine", "tui"]
