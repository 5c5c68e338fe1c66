"""Subcommands on the engine process, the library as a whole, and this machine."""

import os
import signal
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.api import Library, settings_path
from tui.commands.arguments import Subcommands, devices
from tui.commands.output import OK, SOME, UsageError, note, print_json, say
from tui.text import clean, count_text, size_text

if TYPE_CHECKING:
    from engine.api import Tally
    from tui.graphics.protocol import Terminal


_BY_SIGNAL = 128
"""As shells tell of a program that a signal ended."""


def register(subcommands: Subcommands) -> None:
    """Declare them."""
    process = subcommands.add(
        "engine",
        engine,
        "start, stop, pause or check the engine process, which renders in the background",
        examples=(
            "promptsheet engine status",
            "promptsheet engine pause",
            "promptsheet engine resume",
            "promptsheet engine start --devices cuda:0,cuda:1",
            "promptsheet engine start --devices cuda:0,ray:4",
            "promptsheet engine start --no-render",
            "promptsheet engine run --exit-when-done",
        ),
        any_version=True,
    )
    process.add_argument(
        "action",
        choices=("start", "stop", "pause", "resume", "status", "run"),
        help="pause stops rendering and frees the devices until resume",
    )
    process.add_argument(
        "--devices",
        type=devices,
        default=(),
        metavar="cuda:0,cuda:1",
        help="with start and run: devices to render on, instead of those in the settings",
    )
    process.add_argument(
        "--no-render",
        action="store_true",
        help="with start and run: manage the library only; nothing renders until `engine start`",
    )
    process.add_argument(
        "--exit-when-done",
        action="store_true",
        help="with run, for jobs of a scheduler: end with 0 once nothing is left to render, with 1"
        " if this machine cannot render it; ended by a signal before that, with 128 + its number",
    )
    whole = subcommands.add(
        "verify",
        verify,
        "compare the database with the files",
        examples=("promptsheet verify", "promptsheet verify --repair"),
    )
    whole.add_argument(
        "--repair", action="store_true", help="repair what differs; nothing is deleted"
    )
    subcommands.add(
        "doctor",
        doctor,
        "check this machine (devices, terminal, library, versions) and say what to fix",
        examples=("promptsheet doctor", "promptsheet doctor --json"),
    )
    subcommands.add(
        "config",
        config,
        "show where the settings are and their current values",
        examples=("promptsheet config", "promptsheet config --json"),
    )


def engine(options: Namespace, library: Library) -> int:
    """`promptsheet engine start | stop | pause | resume | status | run`."""
    if options.action == "run":
        return _engine_run(options, library)
    if options.exit_when_done:
        raise UsageError("--exit-when-done goes with `engine run`, which stays in the foreground.")
    if options.action == "start":
        answer = {"running": True} | library.engine.start(
            options.devices, no_render=options.no_render
        )
    elif options.action == "stop":
        answer = _engine_stop(library)
    else:
        if options.action == "pause":
            library.engine.pause()
        elif options.action == "resume":
            library.engine.resume()
        answer = _engine_status(library)
    if options.json:
        print_json(answer)
    else:
        say(*_engine_lines(answer))
    return OK


def _engine_run(options: Namespace, library: Library) -> int:
    """In the foreground; the exit status is what a job of a scheduler goes by."""
    exit_when_done = options.exit_when_done
    note(f"Engine process for {clean(str(library.path))}; Ctrl-C stops it.")
    ending = library.engine.run(
        options.devices,
        no_render=options.no_render,
        exit_when_done=exit_when_done,
        tell=_tell_end if exit_when_done else lambda _: None,
    )
    if not exit_when_done:
        return OK
    name = ending.signal.name if ending.signal else None
    if options.json:
        print_json({"waiting": ending.left, "reason": ending.trouble, "signal": name})
    if ending.left == 0:
        note("Nothing is left to render.")
        return OK
    images = "images" if ending.left is None else count_text(ending.left, "image")
    if ending.trouble:
        note(f"{images} still waiting; nothing is rendered: {clean(ending.trouble)}")
        return SOME
    note(f"Ended by {name or '`promptsheet engine stop`'}; {images} still waiting.")
    return _BY_SIGNAL + (ending.signal or signal.SIGTERM)


def _tell_end(tally: "Tally") -> None:
    failed = f", {tally.failed:,} failed" if tally.failed else ""
    note(f"{tally.session}: {tally.done:,} of {count_text(tally.images, 'image')} done{failed}")


def _engine_stop(library: Library) -> dict[str, Any]:
    pid = library.engine.stop()
    fault = None if pid else library.writing_fault()
    return {
        "running": False,
        "stopped": pid,
        "library": str(library.path),
        "renderers": [],
        "fault": fault,
    }


def _engine_status(library: Library) -> dict[str, Any]:
    status = library.engine.status()
    off: dict[str, Any] = {
        "running": False,
        "pid": None,
        "library": str(library.path),
        "renderers": [],
        "fault": None if status else library.writing_fault(),
    }
    return off if status is None else {"running": True} | status


def _engine_lines(answer: dict[str, Any]) -> list[str]:
    library = clean(answer["library"])
    if not answer["running"]:
        stopped = answer.get("stopped")
        said = (
            f"Stopped process {stopped}."
            if stopped
            else f"No engine process is running for {library}."
        )
        return [said, *([clean(answer["fault"])] if answer.get("fault") else [])]
    host = f" on {clean(answer['host'])}" if answer.get("elsewhere") else ""
    lines = [f"Engine process {answer['pid']}{host} for {library}, {answer['detached']}"]
    devices = {each["device"]: each for each in answer.get("devices", ())}
    if machine := answer.get("machine"):
        lines.append(f"  {_machine_words(machine)}")
    lines += [
        f"  renderer {r['pid']} on {clean(r['device'])}: {clean(r['model'] or 'no model yet')}"
        + _use_words(devices.get(r["device"], {}).get("use"))
        for r in answer["renderers"]
    ]
    used = {each["device"] for key in ("renderers", "loading") for each in answer[key]}
    lines += [
        f"  {clean(name)}: {clean(each['trouble']) or 'no renderer now'}"
        for name, each in devices.items()
        if each["trouble"] or (each["node"] and name not in used)
    ]
    lines += [
        f"  {work['session']}: {work['done']:,} of {work['images']:,} done"
        for work in answer["work"]
    ]
    lines += [
        f"  {load['device']}: {_load_words(load['model'])}, for {load['seconds']:.0f} s"
        for load in answer["loading"]
    ]
    lines += [f"  paused: {clean(answer['paused'])}"] if answer["paused"] else []
    if answer["held"]:
        lines.append(
            f"  on hold: {', '.join(answer['held'])}; `promptsheet resume SESSION`, or `resume all`"
        )
    if machine and machine["hidden"]:
        lines.append(clean(machine["hidden"]))
    notes = (answer.get(key) for key in ("fault", "nodes_fault", "mismatch", "warning"))
    return lines + [clean(note) for note in notes if note not in (None, answer["paused"])]


def _use_words(use: dict[str, Any] | None) -> str:
    """`, 97% busy, 60 GB of 141 GB`, of another machine's device; else nothing."""
    if use is None:
        return ""
    return f", {use['percent']:.0f}% busy, {size_text(use['used'])} of {size_text(use['total'])}"


def _machine_words(machine: dict[str, Any]) -> str:
    on = ", ".join(clean(device) for device in machine["devices"]) or "none here"
    cores = count_text(machine["cores"], "core")
    return f"devices: {on}; may use {cores} and {size_text(machine['memory'])} of memory"


def _load_words(model: str | None) -> str:
    return f"loading {clean(model)}" if model else "starting the renderer"


def verify(options: Namespace, library: Library) -> int:
    """`promptsheet verify [--repair]`."""
    from tui import report

    repaired = library.repair() if options.repair else None
    verdict = library.verify()
    whole = verdict.pop("whole")
    if options.json:
        print_json(verdict | ({"repaired": repaired} if repaired else {}))
    else:
        say(*report.repair_lines(repaired or {}))
        for kind in ("missing", "orphans", "corrupt", "miscounted"):
            say(*(f"{kind.removesuffix('s')}: {clean(name)}" for name in verdict[kind]))
        say(
            f"{count_text(verdict['images'], 'image')}: "
            + ("database and files match." if whole else "database and files differ.")
        )
    return OK if whole else SOME


def doctor(options: Namespace, library: Library) -> int:
    """`promptsheet doctor`."""
    from dataclasses import asdict

    from tui import report
    from tui.graphics.protocol import detect
    from tui.verdict import advice, verdict_lines

    terminal = detect()
    diagnosis = {
        "graphics": {
            "focus": _focus_words(terminal),
            "protocol": terminal.protocol,
            "terminal": terminal.name or os.environ.get("TERM", "none"),
            "cell": f"{terminal.cell[0]}×{terminal.cell[1]} pixels" if terminal.cell else "unknown",
            **({"why": terminal.why} if terminal.why else {}),
        },
    } | library.diagnose()
    given = advice(diagnosis, library.settings.engine.reserve_mib << 20)
    if options.json:
        is_ready = not any(each.stops for each in given)
        verdict = {"renders": is_ready, "advice": [asdict(each) for each in given]}
        print_json(diagnosis | {"verdict": verdict})
    else:
        say(*report.diagnosis_lines(diagnosis), "", *verdict_lines(diagnosis, given))
    return OK


def _focus_words(terminal: "Terminal") -> str:
    """How it is known whether anyone looks at the app."""
    if terminal.tells_focus:
        return "reported: a notice is sent while the terminal is not in focus"
    if terminal.tmux:
        return "reported if tmux has `set -g focus-events on`, else notice.unsure decides"
    return "not known to be reported: notice.unsure decides"


def config(options: Namespace, library: Library) -> int:
    """`promptsheet config`."""
    from engine.api import plain
    from tui import report

    models, path = library.models.all(), settings_path()
    files = {"settings": str(path), "models": str(path.with_name("models.toml"))}
    if options.json:
        print_json(
            {
                "files": files,
                "settings": plain(library.settings),
                "models": [plain(model) for model in models.values()],
                "faults": library.faults(),
            }
        )
        return OK
    for name, file in files.items():
        there = "" if Path(file).is_file() else " (no such file; defaults apply)"
        say(f"# {name}: {clean(file)}{there}")
    say("", *report.setting_lines(library.settings))
    say("", "# models: " + ", ".join(clean(label) for label in models))
    say(*(f"# cannot be used: {clean(fault)}" for fault in library.faults()))
    return OK
