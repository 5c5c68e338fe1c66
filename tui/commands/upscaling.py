"""The subcommand that makes new, larger images of finished ones."""

from argparse import Namespace

from engine.api import Library
from tui.commands.arguments import (
    SESSION_HELP,
    Subcommands,
    model_label,
    numbers,
    session_name,
    whole_number,
)
from tui.commands.output import UsageError, note
from tui.commands.rendering import PROBLEMS_SHOWN, add_rendering_options, is_refused, render


def register(subcommands: Subcommands) -> None:
    """Declare it."""
    command = subcommands.add(
        "upscale",
        upscale,
        "make larger images of a session's favourites, as a session of its own",
        examples=(
            "promptsheet upscale last",
            "promptsheet upscale last --rows 4,7-9 --by 4",
            "promptsheet upscale spring --model 4x-UltraSharp",
        ),
    )
    command.add_argument("session", type=session_name, help=SESSION_HELP)
    command.add_argument(
        "--rows", type=numbers, metavar="4,7-9", help="all images of these rows, not the favourites"
    )
    command.add_argument(
        "--by", type=whole_number, choices=(2, 4), default=2, help="times their width and height"
    )
    command.add_argument(
        "--model",
        type=model_label,
        metavar="LABEL",
        default="",
        help="an upscaler, or a model that draws them anew (default: the first upscaler of the"
        " model list; without one, the model that drew each)",
    )
    command.add_argument(
        "--skip-bad-rows", action="store_true", help="leave out images that cannot be upscaled"
    )
    add_rendering_options(command)


def upscale(options: Namespace, library: Library) -> int:
    """`promptsheet upscale SESSION`."""
    from engine.api import Severity
    from tui import report

    info = library.sessions.find(options.session)
    chosen = [
        image
        for image in library.images.of(info.session)
        if image.file and (image.favourite if options.rows is None else image.row in options.rows)
    ]
    if not chosen:
        raise UsageError(
            f"{info.session} has no favourites: mark some in the app, or name rows with --rows."
            if options.rows is None
            else "There is no finished image in these rows."
        )
    rows = library.sheets.upscaled(chosen, options.by, options.model)
    name = f"{info.name}, upscaled"
    checked = library.sheets.check_rows(rows, file=name)
    if not is_refused(checked, options):
        noted = [p for p in checked.sheet.problems if p.severity is not Severity.ERROR]
        note(*report.problem_lines(noted, most=PROBLEMS_SHOWN))
    return render(checked, options, library, name=options.name or name, parent=info.session)
