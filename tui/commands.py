"""What each subcommand does: asks the engine, prints JSON or words, says how it went."""

import json
import os
import sys
from argparse import Namespace
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

from engine import api
from engine.api import Checked, Settings
from tui import report
from tui.progress import exporting, follow
from tui.text import clean, count_text, size_text, time_text

OK, SOME, UNUSABLE = 0, 1, 2
EVERYTHING = "all"
_PROBLEMS_SHOWN = 40
Command = Callable[[Namespace, Settings], int]


def _say(*lines: str) -> None:
    for line in lines:
        print(line)


def _note(*lines: str) -> None:
    for line in lines:
        print(line, file=sys.stderr)


def print_json(body: object) -> None:
    """One object on stdout; ASCII, so that nothing in it can reach the terminal as a command."""
    print(json.dumps(body))


# -------------------------------------------------------------------- sheets and sessions


def check(options: Namespace, settings: Settings) -> int:
    """`promptsheet check SHEET`."""
    checked = api.check_sheet(options.sheet, settings, worksheet=options.worksheet)
    sheet = checked.sheet
    if options.json:
        print_json(
            {
                "file": sheet.file,
                "sheet": sheet.sheet,
                "rows": len(sheet.rows),
                "ready": len(sheet.ready),
                "images": checked.images,
                "problems": [asdict(problem) for problem in sheet.problems],
                "estimate": asdict(checked.estimate),
            }
        )
    else:
        _say(*report.problem_lines(sheet.problems), report.totals_line(checked))
    return SOME if checked.errors else OK


def template(options: Namespace, settings: Settings) -> int:  # noqa: ARG001
    """`promptsheet template FILE`, or `--explain`."""
    if options.explain:
        rules = api.explain_columns(full=True)
        if options.json:
            print_json({"rules": rules})
        else:
            _say(rules)
        return OK
    if options.file is None:
        raise api.SheetError("Give the template's name: FILE.xlsx, FILE.ods or FILE.csv.")
    if options.file.exists() and not options.force:
        raise api.SheetError(f"{options.file} is there already; --force replaces it.")
    api.write_template(options.file, full=options.full)
    if options.json:
        print_json({"file": str(options.file), "full": options.full})
    else:
        _say(f"A template is in {clean(str(options.file))}.")
    return OK


def run(options: Namespace, settings: Settings) -> int:
    """`promptsheet run SHEET`."""
    checked = api.check_sheet(options.sheet, settings, worksheet=options.worksheet)
    if not (options.only_changed or options.since) or _is_refused(checked, options):
        return _render(checked, options, settings, name=options.name)
    wanted = options.since or api.session_of(options.sheet, settings, checked.sheet.sheet)
    if wanted is None:
        raise api.LibraryError(
            f"No session was made from {options.sheet.name} yet; run it without --only-changed,"
            " or name a session with --since."
        )
    before = api.find_session(settings.library, wanted)
    changes = api.changes_since(before.session, checked, settings)
    _note(f"Since {before.session} ({clean(before.name)}): {report.changes_line(changes)}.")
    if changes.to_render:
        changed = api.only_changed(checked, changes)
        return _render(changed, options, settings, name=options.name, parent=before.session)
    if options.json:
        print_json(_run_json(before))
    return OK


def prompt(options: Namespace, settings: Settings) -> int:
    """`promptsheet prompt TEXT…`; `-` reads a prompt a line."""
    prompts = [
        line
        for text in options.text
        for line in (sys.stdin.read().splitlines() if text == "-" else [text])
        if line.strip()
    ]
    if not prompts:
        raise api.SheetError("There is no prompt: write one, or one a line to `-`.")
    given = {
        "aspect_ratio": options.aspect_ratio,
        "model": options.model,
        "seed_number": options.seed_number,
        "rendering": options.rendering,
        "negative_prompt": options.negative_prompt,
    }
    cells = {column: text for column, text in given.items() if text is not None}
    checked = api.check_prompts(prompts, settings, num_images=options.num_images, **cells)
    return _render(checked, options, settings, name=options.name or prompts[0][:40])


def _render(
    checked: Checked,
    options: Namespace,
    settings: Settings,
    *,
    name: str | None,
    parent: str | None = None,
) -> int:
    if _is_refused(checked, options):
        return _refuse(checked, options)
    if checked.errors:
        left_out = len(checked.sheet.rows) - len(checked.sheet.ready)
        _note(
            f"{count_text(left_out, 'row')} with errors left out; `promptsheet check` lists them."
        )
    started = api.start_session(checked, settings, name=name, parent=parent)
    if started.warning:
        _note(started.warning)
    info = api.find_session(settings.library, started.session)
    if not options.detach:
        if not options.json:
            _note(report.totals_line(checked))
        if follow(started.session, info.name, settings) is None:
            _note(
                "",
                f"Rendering goes on without this terminal. `promptsheet show {info.session}` says"
                f" how far it is, `promptsheet stop {info.session}` stops it.",
            )
        info = api.find_session(settings.library, started.session)
    if options.json:
        print_json(_run_json(info))
    else:
        _say(*_run_lines(info))
    unfinished = info.images - info.done
    return SOME if unfinished and (info.failed or info.stopped or not options.detach) else OK


def _is_refused(checked: Checked, options: Namespace) -> bool:
    skips = getattr(options, "skip_bad_rows", False) and checked.sheet.ready
    return bool(checked.errors) and not skips


def _run_json(info: api.SessionInfo) -> dict[str, Any]:
    return {
        "session": info.session,
        "images": info.images,
        "done": info.done,
        "failed": info.failed,
        "seconds": round(info.seconds, 3),
        "folder": str(info.folder),
    }


def _refuse(checked: Checked, options: Namespace) -> int:
    """Nothing starts while rows have errors."""
    if options.json:
        print_json(
            {
                "session": None,
                "images": 0,
                "done": 0,
                "failed": 0,
                "seconds": 0,
                "problems": [asdict(problem) for problem in checked.sheet.problems],
            }
        )
    _note(
        *report.problem_lines(checked.errors, most=_PROBLEMS_SHOWN),
        report.totals_line(checked),
        "Nothing was started. Mend these cells"
        + (", or leave their rows out with --skip-bad-rows." if checked.sheet.ready else "."),
    )
    return SOME


def _run_lines(info: api.SessionInfo) -> list[str]:
    if info.state in ("rendering", "waiting"):
        return [
            f"{info.session}: {info.done} of {count_text(info.images, 'image')} so far, in"
            f" {clean(str(info.folder))}"
        ]
    parts = [f"{info.done} of {count_text(info.images, 'image')} done"]
    parts += [f"{info.failed} failed"] if info.failed else []
    parts += [f"{info.stopped} stopped"] if info.stopped else []
    lines = [f"{', '.join(parts)}, {size_text(info.bytes)}, in {time_text(info.seconds)}"]
    lines += [f"Images: {clean(str(info.folder))}"]
    if info.failed:
        lines.append(
            f"`promptsheet show {info.session}` says why images failed,"
            f" `promptsheet retry {info.session}` tries them again."
        )
    return lines


def sessions(options: Namespace, settings: Settings) -> int:
    """`promptsheet sessions`."""
    found = api.list_sessions(settings.library)
    if options.json:
        print_json([_session_json(info) for info in found])
    elif found:
        _say(*report.session_lines(found))
    else:
        _say("No sessions yet. `promptsheet run SHEET` makes one.")
    return OK


def _session_json(info: api.SessionInfo) -> dict[str, Any]:
    return asdict(info) | {"folder": str(info.folder)}


def show(options: Namespace, settings: Settings) -> int:
    """`promptsheet show SESSION`."""
    info = api.find_session(settings.library, options.session)
    jobs = api.list_jobs(settings.library, info.session)
    images = api.list_images(settings.library, info.session)
    if options.json:
        print_json(
            _session_json(info)
            | {
                "log": str(api.log_path(settings.library, info.session)),
                "rows": [asdict(job) for job in jobs],
                "list": [asdict(image) for image in images],
            }
        )
    else:
        _say(*report.show_lines(info, jobs, images))
    return OK


def stop(options: Namespace, settings: Settings) -> int:
    """`promptsheet stop SESSION`."""
    return _change(api.stop_session, options, settings)


def resume(options: Namespace, settings: Settings) -> int:
    """`promptsheet resume SESSION`."""
    return _change(api.resume_session, options, settings)


def retry(options: Namespace, settings: Settings) -> int:
    """`promptsheet retry SESSION`."""
    return _change(api.retry_session, options, settings)


def _change(
    command: Callable[[str | None, Settings, list[int] | None], None],
    options: Namespace,
    settings: Settings,
) -> int:
    if options.session == EVERYTHING:
        if options.rows:
            _note("Rows belong to a session: name it instead of `all`.")
            return UNUSABLE
        command(None, settings, None)
        found = [info for info in api.list_sessions(settings.library) if info.state != "done"]
        if options.json:
            print_json([_session_json(info) for info in found])
        else:
            _say(*(_state_line(info) for info in found))
        return OK
    info = api.find_session(settings.library, options.session)
    command(info.session, settings, options.rows)
    return _say_state(info.session, options, settings)


def _say_state(session: str, options: Namespace, settings: Settings) -> int:
    info = api.find_session(settings.library, session)
    if options.json:
        print_json(_session_json(info))
    else:
        _say(_state_line(info))
    return OK


def _state_line(info: api.SessionInfo) -> str:
    return f"{info.session}: {info.state}, {info.done} of {count_text(info.images, 'image')}"


def move(options: Namespace, settings: Settings) -> int:
    """`promptsheet move SESSION first | up | down | last`."""
    info = api.find_session(settings.library, options.session)
    api.move_session(info.session, settings, options.to)
    return _say_state(info.session, options, settings)


def export(options: Namespace, settings: Settings) -> int:
    """`promptsheet export SESSION`."""
    info = api.find_session(settings.library, options.session)
    to_stdout = str(options.output) == "-"
    if to_stdout and sys.stdout.isatty():
        _note("A ZIP would litter the terminal: give -o FILE, or pipe it somewhere.")
        return UNUSABLE

    def write(file: IO[bytes]) -> api.Exported:
        with exporting() as progress:
            return api.export_session(
                info.session,
                settings,
                file,
                favourites=options.favourites,
                strip_metadata=options.strip_metadata,
                table=options.table,
                progress=progress,
            )

    if to_stdout:
        write(sys.stdout.buffer)
        return OK
    target = options.output or Path(f"{info.folder.name}.zip")
    if not target.name or target.is_dir():
        target = target / f"{info.folder.name}.zip"
    # Written beside its place first: an interrupted export leaves no half ZIP under that name.
    partial = target.with_name(f".{target.name}.part")
    try:
        with partial.open("wb") as file:
            done = write(file)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
    if options.json:
        print_json({"session": info.session, "file": str(target)} | asdict(done))
    else:
        _say(f"{count_text(done.images, 'image')} in {clean(str(target))}")
        if done.failed:
            failed = count_text(len(done.failed), "image")
            _note(f"{failed} not in it (failed, missing or damaged): the results sheet says why.")
    return OK


def copy(options: Namespace, settings: Settings) -> int:
    """`promptsheet copy SESSION FOLDER`."""
    info = api.find_session(settings.library, options.session)
    rows = None if options.rows is None else set(options.rows)
    chosen = [
        image.image
        for image in api.list_images(settings.library, info.session)
        if image.file
        and (image.favourite or not options.favourites)
        and (rows is None or image.row in rows)
    ]
    with exporting() as progress:
        copied = api.copy_images(chosen, settings, options.folder, progress)
    if options.json:
        files = [str(path) for path in copied.files]
        print_json({"session": info.session, "files": files, "lost": copied.lost})
    else:
        _say(f"{count_text(len(copied.files), 'image')} in {clean(str(options.folder))}")
    if copied.lost:
        _note(f"{count_text(len(copied.lost), 'image')} missing or damaged.")
    return SOME if copied.lost else OK


_PICTURES = (".png", ".jpg", ".jpeg", ".webp")


def recipes(options: Namespace, settings: Settings) -> int:  # noqa: ARG001
    """`promptsheet recipes PICTURES… -o SHEET`."""
    pictures = [
        path
        for given in options.pictures
        for path in (sorted(given.rglob("*")) if given.is_dir() else [given])
        if path.suffix.lower() in _PICTURES or path == given
    ]
    rows, silent = api.sheet_from_pictures(pictures, options.output)
    if options.json:
        body = {"sheet": str(options.output), "rows": rows, "silent": list(map(str, silent))}
        print_json(body)
        return OK
    _say(f"{count_text(rows, 'row')} in {clean(str(options.output))}")
    if silent:
        _note(f"{count_text(len(silent), 'picture')} without a recipe left out.")
    return OK


def trash(options: Namespace, settings: Settings) -> int:
    """`promptsheet trash list | empty`."""
    empty = options.action == "empty"
    size = api.empty_trash(settings.library) if empty else api.trash_size(settings.library)
    if options.json:
        print_json(asdict(size) | {"emptied": empty})
        return OK
    what = f"{count_text(size.images, 'image')} and {count_text(size.sessions, 'session')}"
    _say(f"{what}, {size_text(size.bytes)}, {'deleted for good' if empty else 'in the trash'}")
    return OK


# -------------------------------------------------------------------- engine process and machine


def engine(options: Namespace, settings: Settings) -> int:
    """`promptsheet engine start | stop | pause | resume | status | run`."""
    if options.action == "run":
        _note(f"The engine process of {clean(str(settings.library))}; Ctrl-C ends it.")
        api.run_engine_here(settings, options.devices)
        return OK
    if options.action == "start":
        answer = {"running": True} | api.start_engine(settings, options.devices)
    elif options.action == "stop":
        answer = _engine_stop(settings)
    else:
        if options.action != "status":
            api.pause_engine(settings, paused=options.action == "pause")
        answer = _engine_status(settings)
    if options.json:
        print_json(answer)
    else:
        _say(*_engine_lines(answer))
    return OK


def _engine_stop(settings: Settings) -> dict[str, Any]:
    pid = api.stop_running_engine(settings)
    return {"running": False, "stopped": pid, "library": str(settings.library), "renderers": []}


def _engine_status(settings: Settings) -> dict[str, Any]:
    status = api.engine_status(settings)
    off: dict[str, Any] = {
        "running": False,
        "pid": None,
        "library": str(settings.library),
        "renderers": [],
    }
    return off if status is None else {"running": True} | status


def _engine_lines(answer: dict[str, Any]) -> list[str]:
    library = clean(answer["library"])
    if not answer["running"]:
        stopped = answer.get("stopped")
        return [f"Stopped process {stopped}." if stopped else f"No engine process for {library}."]
    lines = [f"Engine process {answer['pid']} for {library}, {answer['detached']}"]
    lines += [
        f"  renderer {r['pid']} on {r['device']}: {clean(r['model'] or 'no model yet')}"
        for r in answer["renderers"]
    ]
    lines += [
        f"  {work['session']}: {work['done']} of {work['images']} done" for work in answer["work"]
    ]
    lines += [f"  paused: {answer['paused']}"] if answer["paused"] else []
    if answer["held"]:
        lines.append(
            f"  waiting to be asked: {', '.join(answer['held'])};"
            " `promptsheet resume SESSION`, or `resume all`"
        )
    return lines + [note for note in (answer.get("mismatch"), answer.get("warning")) if note]


def verify(options: Namespace, settings: Settings) -> int:
    """`promptsheet verify [--repair]`."""
    repaired = api.repair_library(settings) if options.repair else None
    verdict = api.verify_library(settings)
    whole = verdict.pop("whole")
    if options.json:
        print_json(verdict | ({"repaired": repaired} if repaired else {}))
    else:
        _say(*report.repair_lines(repaired or {}))
        for kind in ("missing", "orphans", "corrupt", "miscounted"):
            _say(*(f"{kind.removesuffix('s')}: {clean(name)}" for name in verdict[kind]))
        _say(
            f"{count_text(verdict['images'], 'image')}: "
            + ("database and files agree." if whole else "database and files do not agree.")
        )
    return OK if whole else SOME


def doctor(options: Namespace, settings: Settings) -> int:
    """`promptsheet doctor`."""
    from tui.graphics.protocol import detect

    terminal = detect()
    diagnosis = {
        "graphics": {
            "protocol": terminal.protocol,
            "terminal": terminal.name or os.environ.get("TERM", "none"),
            "cell": f"{terminal.cell[0]}×{terminal.cell[1]} pixels" if terminal.cell else "unknown",
        },
    } | api.diagnose(settings)
    if options.json:
        print_json(diagnosis)
    else:
        _say(*report.diagnosis_lines(diagnosis))
    return OK


def config(options: Namespace, settings: Settings) -> int:
    """`promptsheet config`."""
    folder = api.config_folder()
    models = api.load_models()
    files = {"settings": str(folder / "settings.toml"), "models": str(folder / "models.toml")}
    if options.json:
        print_json(
            {
                "files": files,
                "settings": api.plain(settings),
                "models": [api.plain(model) for model in models.values()],
            }
        )
        return OK
    for name, file in files.items():
        there = "" if Path(file).is_file() else " (not there; defaults hold)"
        _say(f"# {name}: {clean(file)}{there}")
    _say("", *report.setting_lines(settings))
    _say("", "# models: " + ", ".join(clean(label) for label in models))
    return OK
