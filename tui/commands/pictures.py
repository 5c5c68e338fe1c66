"""The subcommand that draws on pictures: each is a row of a sheet that nobody has to write."""

import sys
from argparse import Namespace
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

from engine.api import Library
from tui.commands.arguments import Subcommands, file_name, words
from tui.commands.output import OK, SOME, UsageError, note, print_json
from tui.commands.rendering import (
    PROBLEMS_SHOWN,
    add_rendering_options,
    add_row_options,
    cells_of,
    is_refused,
    refuse_output,
    render,
    say_refused,
)
from tui.commands.zipping import add_output

_NOTHING_DONE = 2


def register(subcommands: Subcommands) -> None:
    """Declare it."""
    command = subcommands.add(
        "images",
        images,
        "make new images from pictures: files, folders, or an archive on stdin",
        examples=(
            "promptsheet images photos/ --prompt 'a watercolour' --strength .5 -o out.zip",
            "promptsheet images a.jpg b.png --prompt 'a red boat' -n 4 --mask mask.png --fit pad",
            "tar c photos | ssh box promptsheet images - --prompt 'a watercolour' -o - > out.zip",
        ),
    )
    command.add_argument(
        "pictures",
        type=Path,
        nargs="+",
        help="picture files or folders; - reads a tar or zip archive from stdin",
    )
    command.add_argument(
        "--prompt", type=words, required=True, help="the prompt: what the new images show"
    )
    command.add_argument(
        "--strength",
        metavar="S",
        help="how much to change, above 0 to 1: .3 keeps most of a picture",
    )
    command.add_argument(
        "--fit",
        metavar="WORD",
        help="crop, pad or stretch pictures whose aspect ratio differs from the image",
    )
    command.add_argument(
        "--mask",
        type=file_name,
        metavar="FILE",
        help="a mask: white where the pictures may change",
    )
    command.add_argument("--no-recursive", action="store_true", help="skip subfolders")
    add_row_options(command)
    add_rendering_options(command)
    add_output(command)


def images(options: Namespace, library: Library) -> int:
    """`promptsheet images PICTURES… --prompt TEXT`."""
    from engine.api import Severity
    from tui import report
    from tui.progress import looking

    refuse_output(options)
    if not options.prompt.strip():
        raise UsageError("--prompt is empty: write what the images should show.")
    from_stdin = any(str(path) == "-" for path in options.pictures)
    if from_stdin and len(options.pictures) > 1:
        raise UsageError("- reads all pictures from stdin: use it alone.")
    with ExitStack() as unpacked:
        if from_stdin:
            found = unpacked.enter_context(library.sheets.unpacked_pictures(sys.stdin.buffer))
        else:
            found = library.sheets.find_pictures(
                options.pictures, recursive=not options.no_recursive
            )
        with looking() as progress:
            rows = library.sheets.from_pictures(
                found,
                options.prompt,
                num_images=options.num_images,
                progress=progress,
                **cells_of(options),
            )
        say_refused(rows.refused)
        refused = {"refused": [asdict(each) for each in rows.refused]}
        checked = rows.checked
        if checked is None:
            if options.json:
                nothing = dict.fromkeys(("images", "done", "failed", "seconds"), 0)
                print_json({"session": None} | nothing | refused)
            note("Nothing was started: none of these pictures can be used.")
            return _NOTHING_DONE
        if not is_refused(checked, options):
            noted = [p for p in checked.sheet.problems if p.severity is not Severity.ERROR]
            note(*report.problem_lines(noted, most=PROBLEMS_SHOWN))
        status = render(
            checked,
            options,
            library,
            name=options.name or options.prompt[:40],
            more=refused,
            on_start=unpacked.close,  # the library has copies now
        )
    return SOME if rows.refused and status == OK else status
