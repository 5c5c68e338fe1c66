"""All that only a GPU can tell, in a fixed time: the most valuable first, one table at the end."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench.budget import Budget, Measurement, Record, carry_out, table
from tests.bench.children import lines_of
from tests.bench.scarce import FEW, scarce
from tests.bench.throughput import GPU_TARGETS, Case, measure

MINUTES = 10.0
_ENDING = 20.0
"""Seconds for tidying up: an engine that draws stops after its step."""
_REHEARSED = "A rehearsal with small models: its figures say nothing of real ones."
_NOT_MEASURED = "Not measured: compiled models. The engine compiles none, by no rule."


@dataclass
class Bench:
    """One run on one device."""

    device: str
    folder: Path
    small: bool
    taken: dict[str, list[Record]] = field(default_factory=dict)
    """Model → what calls of several sizes took of memory."""

    def measurements(self) -> list[Measurement]:
        """The most valuable first: promises and cheap figures before what takes minutes."""
        half = 0.5 if self.small else 1.0
        least = {name: half * seconds for name, seconds in _LEAST.items()}
        return [
            self._throughput("sd15", least["sd15"]),
            self._throughput("turbo", least["turbo"]),
            Measurement("identity, tiny", least["identity"], self._identity, identity_words),
            self._identity_of("sd15", least["identity of"]),
            *self._memory("sd15", least),
            self._throughput("sdxl", least["sdxl"]),
            self._identity_of("sdxl", least["identity of"]),
            self._memory("sdxl", least)[0],
            self._placement("sdxl", least["placement"]),
        ]

    def _case(self, label: str) -> Case:
        kind = "sdxl" if label == "sdxl" else "sd15"
        folder = self._model(kind)
        steps, guidance = (4, 1.0) if label == "turbo" else (30, 5.0)
        if self.small:
            return Case(label, folder, 64, min(steps, 6), guidance, 8, (2, 4), rounds=1)
        if label == "sdxl":
            return Case(label, folder, 1024, steps, guidance, 32, (4, 8), rounds=1)
        return Case(label, folder, 512, steps, guidance, 64 if label == "turbo" else 32, rounds=2)

    def _model(self, kind: str) -> Path:
        """A model's folder; made when it is first asked for."""
        folder = self.folder / kind
        if not (folder / "model_index.json").exists():
            words = [
                sys.executable,
                "-m",
                "tests.bench.random_models",
                kind,
                str(folder),
                self.device,
            ]
            small = ["--small"] if self.small else []
            made = subprocess.run([*words, *small], capture_output=True, text=True)
            if made.returncode:
                raise RuntimeError(f"no {kind} was made: {made.stderr.strip()[-400:]}")
        return folder

    def _throughput(self, label: str, least: float) -> Measurement:
        def run() -> Iterator[Record]:
            case = self._case(label)
            for found in measure(case, self.device):
                yield {
                    "pixels": case.pixels,
                    "steps": case.steps,
                    "images": case.images,
                    "rounds": len(found.turns["c"]),
                    "loop": round(found.rate("a"), 3),
                    "best_loop": round(found.rate("b"), 3),
                    "best_batch": found.best,
                    "promptsheet": round(found.rate("c"), 3),
                    "gain": round(found.gain("a"), 3),
                    "gain_over_best": round(found.gain("b"), 3),
                    "no_model_computes": round(found.idle, 4),
                }

        target = None if self.small else GPU_TARGETS[label]
        return Measurement(
            f"throughput {label}", least, run, lambda records: throughput_words(records, target)
        )

    def _identity(self) -> Iterator[Record]:
        with lines_of(self.device, "identity") as lines:
            yield from lines

    def _identity_of(self, kind: str, least: float) -> Measurement:
        def run() -> Iterator[Record]:
            pixels = 64 if self.small else 1024 if kind == "sdxl" else 512
            with lines_of(self.device, "identity", self._model(kind), pixels) as lines:
                yield from lines

        return Measurement(f"identity {kind}", least, run, identity_words)

    def _memory(self, kind: str, least: dict[str, float]) -> list[Measurement]:
        """What calls take, then what happens where it is not there."""
        pixels = 256 if self.small else 1024 if kind == "sdxl" else 512
        sizes = (1, FEW, 16) if kind == "sdxl" or self.small else (1, FEW, 16, 64)

        def probe() -> Iterator[Record]:
            taken = self.taken.setdefault(kind, [])
            with lines_of(self.device, "memory", self._model(kind), pixels, *sizes) as lines:
                for record in lines:
                    taken.append(record)
                    yield record

        def run() -> Iterator[Record]:
            case = Case(kind, self._model(kind), pixels, 2, 5.0, FEW)
            yield from scarce(case, self.device, self.taken.get(kind, []))

        return [
            Measurement(f"memory {kind}", least["memory"], probe, memory_words),
            Measurement(f"out of memory {kind}", least["scarce"], run, scarce_words),
        ]

    def _placement(self, kind: str, least: float) -> Measurement:
        def run() -> Iterator[Record]:
            pixels = 64 if self.small else 1024
            with lines_of(self.device, "placement", self._model(kind), pixels) as lines:
                yield from lines

        return Measurement(f"placement {kind}", least, run, placement_words)


_LEAST = {"sd15": 60.0, "turbo": 30.0, "identity": 20.0, "identity of": 25.0}
_LEAST |= {"memory": 25.0, "scarce": 40.0, "sdxl": 120.0, "placement": 40.0}
"""Seconds below which a measurement is not begun; of a small one half."""


def throughput_words(
    records: Sequence[Record], target: tuple[float, float, float] | None = None
) -> str:
    """What the last round's figures say, and whether they are what is wanted."""
    last = records[-1]
    gains = last["gain"], last["gain_over_best"], last["no_model_computes"]
    words = (
        f"{last['pixels']}², {last['steps']} steps: plain loop {last['loop']:.2f}/s, at batch"
        f" {last['best_batch']} {last['best_loop']:.2f}/s, Promptsheet"
        f" {last['promptsheet']:.2f}/s: {gains[0]:.2f} and {gains[1]:.2f} times as fast; no model"
        f" computes for {gains[2]:.1%} of the time ({last['rounds']} round(s))"
    )
    if target is None:
        return words
    met = gains[0] >= target[0] and gains[1] >= target[1] and gains[2] <= target[2]
    wanted = f"wanted {target[0]} and {target[1]} times, {target[2]:.0%}"
    return f"{words}; {wanted}: {'met' if met else 'MISSED'}"


def identity_words(records: Sequence[Record]) -> str:
    """Which models' pixels hang on what they should not, and by how many levels at most."""
    drawn = [record for record in records if "error" not in record]
    parts = [f"{len(drawn)} kind(s) drawn"]
    for key, what in (
        ("again", "the same call again"),
        ("companions", "other companions"),
        ("slot", "another slot"),
        ("single", "a call of its own (recorded as a condition)"),
    ):
        asked = [record for record in drawn if key in record]
        changed = [f"{record['model']} {record[key]}" for record in asked if record[key]]
        found = f"up to so many levels in {', '.join(changed)}" if changed else "nothing"
        if asked:
            parts.append(f"{what} changes {found} ({len(asked)} asked)")
    if flat := [record["model"] for record in drawn if record["flat"]]:
        parts.append(f"too flat to tell: {', '.join(flat)}")
    if failed := [f"{r['model']} ({r['error']})" for r in records if "error" in r]:
        parts.append(f"FAILED: {', '.join(failed)}")
    return "; ".join(parts)


def memory_words(records: Sequence[Record]) -> str:
    """What calls take, and how many images each call says that memory holds."""
    parts = [
        f"{record['size']} image(s) ran out of it"
        if record.get("ran_out")
        else f"{record['size']} image(s) take {record['taken'] >> 20} MiB: it holds"
        f" {record['held']}"
        for record in records
    ]
    return f"of {records[0]['room'] >> 20} MiB: " + "; ".join(parts)


def placement_words(records: Sequence[Record]) -> str:
    """What an image takes in each way, beside what was estimated, and whether it is the same."""
    parts = [
        f"{record['offload']}: {record['taken'] >> 20} MiB (estimated {record['estimated'] >> 20}),"
        f" {record['image_seconds']:.2f} s"
        + (f", OTHER PIXELS by up to {record['levels']} levels" if record["levels"] else "")
        for record in records
    ]
    return "; ".join(parts)


def scarce_words(records: Sequence[Record]) -> str:
    """What became of a batch that memory did not hold."""
    last = records[-1]
    fault = ""
    if last["asked"] in last["drawn"]:
        fault = "NOTHING SHOWN, memory held it whole: "
    elif last["done"] < last["images"]:
        fault = "IMAGES ARE MISSING: "
    return (
        f"{fault}a batch of {last['asked']} was drawn in batches of {last['drawn']};"
        f" {last['done']} of {last['images']} images are there, {last['departed']} say so"
        f" ({', '.join(last['departures']) or 'nothing'}); it is remembered that memory holds"
        f" {last['remembered']}, before {last['remembered_before']}"
    )


def main(minutes: float | None, device: str | None, *, small: bool) -> int:
    """Measure for at most so many minutes; 1 if something failed or nothing could be measured."""
    began, device = time.monotonic(), device or "cuda:0"
    budget = Budget(60 * (minutes or MINUTES), _ENDING)
    say = _said(began)
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(device, Path(folder), small)
        about = Measurement("machine", 1, lambda: _about(device), machine_words)
        outcomes = carry_out([about], budget, say)
        if outcomes[0].state != "measured":
            print(outcomes[0].reason)
            return 1
        outcomes += carry_out(bench.measurements(), budget, say)
    print(f"\n{table(outcomes)}\n{_NOT_MEASURED}")
    if small:
        print(_REHEARSED)
    print(f"{time.monotonic() - began:.0f} s in all")
    return int(any(outcome.state == "failed" for outcome in outcomes))


def machine_words(records: Sequence[Record]) -> str:
    """What it was measured on."""
    found = records[-1]
    memory = f", {found['memory_mib']} MiB" if "memory_mib" in found else ""
    return f"{found['device']}{memory}, {found['dtype']}, torch {found['torch']}"


def _about(device: str) -> Iterator[Record]:
    with lines_of(device, "about") as lines:
        for line in lines:
            yield line | {"cores": os.cpu_count()}


def _said(began: float) -> Callable[[Record], None]:
    def say(record: Record) -> None:
        at = {"at": round(time.monotonic() - began, 1)}
        print(json.dumps(at | dict(record)), flush=True)

    return say
