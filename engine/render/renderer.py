"""A renderer: one process on one device. It gets batches and gives back encoded images."""

import argparse
import contextlib
import ctypes
import errno
import gc
import importlib.metadata
import os
import platform
import queue
import signal
import socket
import sys
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, TextIO

from engine.models.fingerprint import fingerprint
from engine.picture.metadata import Record
from engine.picture.png import encode_png
from engine.picture.recipe import Conditions, Recipe
from engine.render.frames import Frame, FrameSocket

_PR_SET_PDEATHSIG = 1
_DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EIO)
_COMPUTING = ("torch", "diffusers", "transformers")


class _StoppedError(Exception):
    """Raised out of the pipeline after the step in which a stop was asked for."""


class Renderer:
    """The renderer's state: the device, and the model that is loaded."""

    def __init__(self, connection: FrameSocket, device: str) -> None:
        self._connection = connection
        self._device = device
        self._pipeline: Any = None
        self._offered: Conditions | None = None
        self._stop_asked: set[int] = set()
        self._inbox: queue.SimpleQueue[Frame] = queue.SimpleQueue()
        self._encoder = ThreadPoolExecutor(1, "encode")

    def serve(self) -> None:
        """Work until the engine process is gone."""
        # Says hello only now: it is torch that takes its time.
        import torch

        from engine.render import pipelines

        self._torch, self._pipelines = torch, pipelines
        threading.Thread(target=self._listen, daemon=True).start()
        self._connection.send("hello", device=self._device)
        while True:
            frame = self._inbox.get()
            if frame.kind == "load":
                self._load(**frame.body)
            elif frame.kind == "render":
                self._render(**frame.body)

    def _listen(self) -> None:
        """Take commands; a stop must be heard while the main thread computes."""
        while (frame := self._connection.receive()) is not None:
            if frame.kind == "stop":
                self._stop_asked.add(frame.body["batch"])
            else:
                self._inbox.put(frame)
        os._exit(0)

    def _load(self, model: str, source: str, model_hash: str, dtype: str) -> None:
        self._pipeline = None
        self._free_memory()
        dtype = self._pipelines.dtype_for(dtype, self._device)
        try:
            if fingerprint(Path(source)) != model_hash:
                self._fail(
                    None,
                    "changed",
                    "the model's files have changed since this session was planned: put the old"
                    " files back and retry, or start a new session",
                )
                return
            self._pipeline = self._pipelines.load_pipeline(Path(source), dtype, self._device)
        except self._pipelines.ModelError as error:
            self._fail(None, "load", str(error))
            return
        except Exception as error:
            full = isinstance(error, OSError) and error.errno in _DISK_ERRORS
            cause = "disk" if full else "load"
            self._fail(None, cause, _memory_reason(error) or _plain(error))
            return
        self._offered = Conditions(
            device=_device_name(self._device),
            dtype=dtype,
            threads=0,
            attention="sdpa",
            compile=False,
            versions={name: importlib.metadata.version(name) for name in _COMPUTING},
        )
        self._connection.send("loaded", model=model, conditions=self._offered.to_json())

    def _render(
        self,
        batch: int,
        size: int,
        conditions: Mapping[str, Any],
        split_from: int | None,
        images: list[dict[str, Any]],
    ) -> None:
        assert self._offered is not None
        chosen = Conditions.from_json(conditions)
        actual = replace(self._offered, threads=chosen.threads)
        departures = actual.departures_from(chosen)
        if split_from:
            departures.append(f"batch size: {split_from} → {size} (out of memory)")
        recipes = {image["slot"]: Recipe.from_json(image["recipe"]) for image in images}
        # Empty slots are padded: an image depends on the size of its batch, not on companions.
        padding = next(iter(recipes.values()))
        slots = [recipes.get(slot, padding) for slot in range(size)]
        started = time.monotonic()
        try:
            self._torch.set_num_threads(chosen.threads)
            pixels = self._pipelines.render(
                self._pipeline, slots, lambda step: self._after_step(batch, step, slots[0].steps)
            )
        except _StoppedError:
            self._connection.send("ended", batch=batch)
            return
        except Exception as error:
            memory = _memory_reason(error)
            self._fail(batch, "memory" if memory else "error", memory or _plain(error))
            del error
            self._free_memory()
            return
        finally:
            self._stop_asked.discard(batch)
        self._connection.send("free", batch=batch, seconds=time.monotonic() - started)
        for image in images:
            record = Record(
                image=image["image"],
                recipe=recipes[image["slot"]],
                conditions=actual,
                batch_size=size,
                slot=image["slot"],
                departures=tuple(departures),
            )
            self._encoder.submit(self._send_picture, batch, record, pixels[image["slot"]])
        self._encoder.submit(self._connection.send, "ended", batch=batch)

    def _after_step(self, batch: int, step: int, steps: int) -> None:
        self._connection.send("step", batch=batch, step=step, steps=steps)
        if batch in self._stop_asked:
            raise _StoppedError

    def _send_picture(self, batch: int, record: Record, pixels: Any) -> None:
        try:
            text = record.to_text()
            file = encode_png(pixels, text)
        except Exception as error:  # nobody would see it: this is another thread
            self._fail(batch, "error", _plain(error))
        else:
            self._connection.send("picture", file, batch=batch, text=text)

    def _fail(self, batch: int | None, cause: str, reason: str) -> None:
        self._connection.send("failed", batch=batch, cause=cause, reason=reason)

    def _free_memory(self) -> None:
        gc.collect()
        if self._device.startswith("cuda"):
            self._torch.cuda.empty_cache()


def _plain(error: Exception) -> str:
    text = " ".join(str(error).split()) or "no reason given"
    return f"{type(error).__name__}: {text}"


def _memory_reason(error: Exception) -> str | None:
    """In words, if `error` means that memory ran out."""
    kind, text = type(error).__name__, str(error).lower()
    memory = (
        isinstance(error, MemoryError)
        or kind == "OutOfMemoryError"
        or "out of memory" in text
        or "can't allocate memory" in text
    )
    return "out of memory: choose a smaller size or a smaller model" if memory else None


def _device_name(device: str) -> str:
    """The same for devices that compute the same pixels."""
    import torch

    if device.startswith("cuda"):
        return torch.cuda.get_device_name(device)
    if device != "cpu":
        return device
    models = [line for line in _cpu_facts() if line.startswith("model name")]
    model = models[0].partition(":")[2].strip() if models else platform.machine()
    return f"cpu {model} ({torch.backends.cpu.get_cpu_capability()})"


def _cpu_facts() -> list[str]:
    try:
        return Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return []


class _Forgiving:
    """A stream whose disk may be full: what libraries print is not worth a failure."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        with contextlib.suppress(OSError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError):
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def main() -> None:
    """Entry point: the engine process starts this with one end of a socket pair."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--device", required=True)
    arguments.add_argument("--socket", type=int, required=True)
    options = arguments.parse_args()
    # Die with the engine process, and leave Ctrl-C and hang-ups to it.
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    if options.device == "cpu":
        os.nice(10)  # the screen comes first
    sys.stdin.close()
    sys.stdout, sys.stderr = _Forgiving(sys.stdout), _Forgiving(sys.stderr)
    Renderer(FrameSocket(socket.socket(fileno=options.socket)), options.device).serve()


if __name__ == "__main__":
    main()
