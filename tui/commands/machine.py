"""Subcommands on the engine process, the library as a whole, and this machine."""

import signal
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.api import Library, settings_path
from tui.commands.arguments import Subcommands, devices
from tui.commands.output import OK, SOME, UsageError, note, print_json, say
from tui.text import clean, count_text, size_text

if TYPE_CHECKING:
    from engine.api import DeviceState, EngineState, Tally

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
        help="with run, for a job scheduler such as Slurm: end with 0 once nothing is left to"
        " render, with 1 if this machine cannot render it; ended by a signal before that, with 128"
        " + its number",
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
    from engine.api import plain

    if options.action == "run":
        return _engine_run(options, library)
    if options.exit_when_done:
        raise UsageError("--exit-when-done goes with `engine run`, which stays in the foreground.")
    if options.action == "start":
        state = library.engine.start(options.devices, no_render=options.no_render)
        answer = {"running": True} | plain(state.status) | {"warning": state.warning}
        lines = _state_lines(state)
    elif options.action == "stop":
        answer, lines = _not_running(library, "stopped", library.engine.stop())
    else:
        if options.action == "pause":
            library.engine.pause()
        elif options.action == "resume":
            library.engine.resume()
        answer, lines = _engine_status(library)
    if options.json:
        print_json(answer)
    else:
        say(*lines)
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


def _not_running(
    library: Library, name: str, stopped: int | None = None
) -> tuple[dict[str, Any], list[str]]:
    """Its JSON, where the process that was `stopped` has this name, and its lines."""
    fault = None if stopped else library.writing_fault()
    folder = str(library.path)
    answer: dict[str, Any] = {"running": False, name: stopped, "library": folder}
    answer |= {"renderers": [], "fault": fault}
    none_runs = f"No engine process is running for {clean(folder)}."
    said = f"Stopped process {stopped}." if stopped else none_runs
    return answer, [said, *([clean(fault)] if fault else [])]


def _engine_status(library: Library) -> tuple[dict[str, Any], list[str]]:
    """As `_not_running`, of one that may run."""
    from engine.api import plain

    if (state := library.engine.status()) is None:
        return _not_running(library, "pid")
    far = {"mismatch": state.mismatch, "elsewhere": state.elsewhere}
    return {"running": True} | plain(state.status) | far, _state_lines(state)


def _state_lines(state: "EngineState") -> list[str]:
    status, machine = state.status, state.status.machine
    host = f" on {clean(status.host)}" if state.elsewhere else ""
    lines = [
        f"Engine process {status.pid}{host} for {clean(status.library)}, {status.detached}",
    ]
    if machine:
        on = ", ".join(map(clean, machine.devices)) or "none here"
        cores, size = count_text(machine.cores, "core"), size_text(machine.memory)
        lines.append(f"  devices: {on}; may use {cores} and {size} of memory")
    devices = {each.device: each for each in status.devices}
    lines += [
        f"  renderer {each.pid} on {clean(each.device)}: {clean(each.model or 'no model yet')}"
        + _use_words(devices.get(each.device))
        for each in status.renderers
    ]
    used = {each.device for each in status.renderers} | {each.device for each in status.loading}
    lines += [
        f"  {clean(each.device)}: {clean(each.trouble) or 'no renderer now'}"
        for each in devices.values()
        if each.trouble or (each.node and each.device not in used)
    ]
    lines += [
        f"  {tally.session}: {tally.done:,} of {tally.images:,} done" for tally in status.work
    ]
    lines += [
        f"  {load.device}: {_load_words(load.model)}, for {load.seconds:.0f} s"
        for load in status.loading
    ]
    lines += [f"  paused: {clean(status.paused)}"] if status.paused else []
    if status.held:
        lines.append(
            f"  held: {', '.join(status.held)}; `promptsheet resume SESSION`, or `resume all`"
        )
    if machine and machine.hidden:
        lines.append(clean(machine.hidden))
    notes = (status.fault, status.nodes_fault, state.mismatch, state.warning)
    return lines + [clean(note) for note in notes if note not in (None, status.paused)]


def _use_words(device: "DeviceState | None") -> str:
    """`, 97% busy, 60 GB of 141 GB`, of another machine's device; else nothing."""
    if device is None or device.use is None:
        return ""
    use = device.use
    return f", {use.percent:.0f}% busy, {size_text(use.used)} of {size_text(use.total)}"


def _load_words(model: str | None) -> str:
    return f"loading {clean(model)}" if model else "starting the renderer"


def verify(options: Namespace, library: Library) -> int:
    """`promptsheet verify [--repair]`."""
    from engine.api import plain
    from tui.report import repair_lines

    repaired = library.repair() if options.repair else None
    found = library.verify()
    if options.json:
        print_json(plain(found) | ({"repaired": plain(repaired)} if repaired else {}))
    else:
        say(*(repair_lines(repaired) if repaired else ()))
        for kind, names in (
            ("missing", found.missing),
            ("orphan", found.orphans),
            ("corrupt", found.corrupt),
            ("miscounted", found.miscounted),
        ):
            say(*(f"{kind}: {clean(name)}" for name in names))
        say(
            f"{count_text(found.images, 'image')}: "
            + ("database and files match." if found.whole else "database and files differ.")
        )
    return OK if found.whole else SOME


def doctor(options: Namespace, library: Library) -> int:
    """`promptsheet doctor`."""
    from engine.api import plain
    from tui.doctor_advice import advice, advice_lines
    from tui.doctor_report import section_lines, sections
    from tui.graphics.protocol import detect

    terminal, found = detect(), library.diagnose()
    body = sections(found, terminal)
    given = advice(found, terminal, library.settings.engine.reserve_mib << 20)
    if options.json:
        is_ready = not any(each.stops for each in given)
        print_json(body | {"verdict": {"renders": is_ready, "advice": plain(given)}})
    else:
        say(*section_lines(body), "", *advice_lines(found, given))
    return OK


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
