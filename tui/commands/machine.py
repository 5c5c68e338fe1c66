"""Subcommands on the engine process, the library as a whole, and this machine."""

import os
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine import api
from engine.api import Settings
from engine.library_folder import writing_fault
from tui import report
from tui.commands.output import OK, SOME, note, print_json, say
from tui.text import clean, count_text

if TYPE_CHECKING:
    from tui.graphics.protocol import Terminal


def engine(options: Namespace, settings: Settings) -> int:
    """`promptsheet engine start | stop | pause | resume | status | run`."""
    if options.action == "run":
        note(f"The engine process of {clean(str(settings.library))}; Ctrl-C ends it.")
        api.run_engine_here(settings, options.devices, no_render=options.no_render)
        return OK
    if options.action == "start":
        answer = {"running": True} | api.start_engine(
            settings, options.devices, no_render=options.no_render
        )
    elif options.action == "stop":
        answer = _engine_stop(settings)
    else:
        if options.action != "status":
            api.pause_engine(settings, paused=options.action == "pause")
        answer = _engine_status(settings)
    if options.json:
        print_json(answer)
    else:
        say(*_engine_lines(answer))
    return OK


def _engine_stop(settings: Settings) -> dict[str, Any]:
    pid = api.stop_running_engine(settings)
    fault = None if pid else writing_fault(settings.library)
    return {
        "running": False,
        "stopped": pid,
        "library": str(settings.library),
        "renderers": [],
        "fault": fault,
    }


def _engine_status(settings: Settings) -> dict[str, Any]:
    status = api.engine_status(settings)
    off: dict[str, Any] = {
        "running": False,
        "pid": None,
        "library": str(settings.library),
        "renderers": [],
        "fault": None if status else writing_fault(settings.library),
    }
    return off if status is None else {"running": True} | status


def _engine_lines(answer: dict[str, Any]) -> list[str]:
    library = clean(answer["library"])
    if not answer["running"]:
        stopped = answer.get("stopped")
        said = f"Stopped process {stopped}." if stopped else f"No engine process for {library}."
        return [said, *([clean(answer["fault"])] if answer.get("fault") else [])]
    lines = [f"Engine process {answer['pid']} for {library}, {answer['detached']}"]
    lines += [
        f"  renderer {r['pid']} on {r['device']}: {clean(r['model'] or 'no model yet')}"
        for r in answer["renderers"]
    ]
    lines += [
        f"  {work['session']}: {work['done']} of {work['images']} done" for work in answer["work"]
    ]
    lines += [f"  paused: {clean(answer['paused'])}"] if answer["paused"] else []
    if answer["held"]:
        lines.append(
            f"  waiting to be asked: {', '.join(answer['held'])};"
            " `promptsheet resume SESSION`, or `resume all`"
        )
    notes = (answer.get(key) for key in ("fault", "mismatch", "warning"))
    return lines + [clean(note) for note in notes if note]


def verify(options: Namespace, settings: Settings) -> int:
    """`promptsheet verify [--repair]`."""
    repaired = api.repair_library(settings) if options.repair else None
    verdict = api.verify_library(settings)
    whole = verdict.pop("whole")
    if options.json:
        print_json(verdict | ({"repaired": repaired} if repaired else {}))
    else:
        say(*report.repair_lines(repaired or {}))
        for kind in ("missing", "orphans", "corrupt", "miscounted"):
            say(*(f"{kind.removesuffix('s')}: {clean(name)}" for name in verdict[kind]))
        say(
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
            "focus": _focus_words(terminal),
            "protocol": terminal.protocol,
            "terminal": terminal.name or os.environ.get("TERM", "none"),
            "cell": f"{terminal.cell[0]}×{terminal.cell[1]} pixels" if terminal.cell else "unknown",
        },
    } | api.diagnose(settings)
    if options.json:
        print_json(diagnosis)
    else:
        say(*report.diagnosis_lines(diagnosis))
    return OK


def _focus_words(terminal: "Terminal") -> str:
    """How it is known whether anyone looks at the app."""
    if terminal.tells_focus:
        return "told: a notice goes while the terminal does not have it"
    if terminal.tmux:
        return "told if tmux has `set -g focus-events on`, else notice.unsure decides"
    return "not known to be told: notice.unsure decides"


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
        say(f"# {name}: {clean(file)}{there}")
    say("", *report.setting_lines(settings))
    say("", "# models: " + ", ".join(clean(label) for label in models))
    return OK
