"""`promptsheet [SHEET]`: from the shell into the app, with as little loaded as can be."""

import sys
from pathlib import Path

from engine.api import Library
from tui.terminal.hangup import leave_with_the_terminal


def open_app(sheet: Path | None, library: Library) -> int:
    """Open the app on this terminal; the exit status.

    Args:
        sheet: a file to open on the Sheet screen.
        library: what it is opened on.

    Raises:
        SheetError: there is no such file.
        LibraryError: there cannot be a library where the settings say.
    """
    if sheet is not None and not sheet.exists():
        from engine.api import SheetError

        raise SheetError(
            f"File not found: {sheet}. There is no command of that name either; `promptsheet"
            " --help` lists the commands."
        )
    if fault := library.folder_fault():
        from engine.api import LibraryError

        raise LibraryError(fault)
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        print(
            (
                "The app needs a terminal. `promptsheet --help` lists the commands that work"
                " without one."
            ),
            file=sys.stderr,
        )
        return 2
    from tui.graphics.protocol import prepare_terminal, take_bandwidth

    settings = library.settings
    prepare_terminal(settings.app.images)
    take_bandwidth(settings.app.bandwidth)
    leave_with_the_terminal()
    from tui.app import PromptsheetApp  # only now: textual must not be loaded before that

    farewell = PromptsheetApp(library, sheet.absolute() if sheet else None).run()
    if farewell:
        print(farewell)
    return 0
