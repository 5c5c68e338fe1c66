"""The training loop that all stages share: processes, learning rate, moving average, checkpoints.

On CPUs: one single-threaded process a core, gradients averaged over gloo (a process with two
threads stalls whenever either core is busy elsewhere). On a GPU: one process. Both in bf16 where
the device has it.
"""

import contextlib
import math
import os
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
import torch.multiprocessing as mp

_CHECKPOINT_EVERY = 120.0
_LONGEST_STEP = 5.0
"""Seconds."""
_REPORT_EVERY = 100


class Team:
    """The processes that train together, seen from one of them."""

    def __init__(self, rank: int, size: int) -> None:
        self.rank, self.size = rank, size
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")

    @property
    def leads(self) -> bool:
        """Whether this process writes the files and reports."""
        return self.rank == 0

    def mean_(self, tensor: torch.Tensor) -> torch.Tensor:
        """The mean over all processes, in place."""
        if self.size > 1:
            dist.all_reduce(tensor)
            tensor /= self.size
        return tensor

    def precision(self) -> contextlib.AbstractContextManager[object]:
        """bf16 where the device computes in it; on such a CPU it nearly halves the time."""
        capable = self.device.type == "cuda" or torch.cpu.get_capabilities().get("avx512_bf16")
        return torch.autocast(self.device.type, torch.bfloat16, enabled=bool(capable))


def _member(
    rank: int, size: int, port: int, work: Callable[..., None], args: tuple[Any, ...]
) -> None:
    torch.set_num_threads(1)
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))
    dist.init_process_group("gloo", rank=rank, world_size=size)
    work(Team(rank, size), *args)
    dist.barrier()
    dist.destroy_process_group()


def together(work: Callable[..., None], *args: Any) -> None:
    """Run `work(team, *args)` on the GPU, or in as many processes as there are CPU cores."""
    cores = len(os.sched_getaffinity(0))
    if torch.cuda.is_available() or cores == 1:
        work(Team(0, 1), *args)
        return
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    mp.spawn(_member, (cores, port, work, args), nprocs=cores)  # type: ignore[attr-defined, no-untyped-call]


class Loop:
    """Optimises parameters for some minutes, which may be spread over several runs.

    Iterating yields the progress, 0 to 1, of each step; the body computes a loss and calls `step`.
    """

    def __init__(
        self,
        team: Team,
        model: torch.nn.Module,
        checkpoint: Path,
        minutes: float,
        *,
        rate: float,
        warm_up: int = 100,
        decay_from: float = 0.0,
        ema: float = 0.998,
    ) -> None:
        self._team, self._model, self._file = team, model, checkpoint
        self._seconds, self._rate = minutes * 60, rate
        self._warm_up, self._decay_from, self._ema_decay = warm_up, decay_from, ema
        self._parameters: list[torch.Tensor] = [p for p in model.parameters() if p.requires_grad]
        self._optimizer = torch.optim.AdamW(
            self._parameters, lr=rate, betas=(0.9, 0.99), weight_decay=0.01, fused=True
        )
        self._ema = [p.detach().clone() for p in self._parameters]
        self.steps, self._spent, self._recent = 0, 0.0, 0.0
        if checkpoint.exists():
            state = torch.load(checkpoint, map_location=team.device, weights_only=True)
            model.load_state_dict(state["model"])
            self._optimizer.load_state_dict(state["optimizer"])
            self._ema = [e.to(team.device) for e in state["ema"]]
            self.steps, self._spent = state["steps"], state["spent"]

    def __iter__(self) -> Iterator[float]:
        last = saved = time.monotonic()
        while True:
            now = time.monotonic()
            # A long pause is not training: someone has stopped the process for a while.
            spent = torch.tensor([self._spent + min(now - last, _LONGEST_STEP)])
            last = now
            if self._team.size > 1:
                dist.broadcast(spent, 0)  # all processes end at the same step
            self._spent = float(spent)
            progress = self._spent / self._seconds
            if progress >= 1:
                self._save()
                return
            ramp = min(1.0, (self.steps + 1) / self._warm_up)
            decay = max(0.0, (progress - self._decay_from) / (1 - self._decay_from))
            for group in self._optimizer.param_groups:
                group["lr"] = self._rate * ramp * (0.5 * (1 + math.cos(math.pi * decay)) + 0.01)
            yield progress
            if now - saved > _CHECKPOINT_EVERY:
                self._save()
                saved = now

    def step(self, loss: torch.Tensor, **also: float) -> None:
        """Take one step down `loss`; `also` is reported beside it."""
        self._optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        for p in self._parameters:
            if p.grad is None:
                p.grad = torch.zeros_like(p)
        if self._team.size > 1:
            flat = torch.cat([p.grad.reshape(-1) for p in self._parameters if p.grad is not None])
            self._team.mean_(flat)
            parts = torch.split(flat, [p.numel() for p in self._parameters])
            for p, part in zip(self._parameters, parts, strict=True):
                # In the layout of the parameter, which the fused optimizer relies on.
                p.grad = torch.empty_like(p).copy_(part.view_as(p))
        torch.nn.utils.clip_grad_norm_(self._parameters, 1.0)
        self._optimizer.step()
        self.steps += 1
        decay = min(self._ema_decay, self.steps / (self.steps + 9))
        with torch.no_grad():
            torch._foreach_lerp_(self._ema, self._parameters, 1 - decay)
        self._recent += loss.item()
        if self._team.leads and self.steps % _REPORT_EVERY == 0:
            rest = " ".join(f"{name} {value:.4f}" for name, value in also.items())
            mean = self._recent / _REPORT_EVERY
            print(f"step {self.steps} {self._spent:.0f} s loss {mean:.5f} {rest}", flush=True)
            self._recent = 0.0

    @contextlib.contextmanager
    def averaged(self) -> Iterator[None]:
        """Inside, the model has the moving average of its parameters."""
        own = [p.detach().clone() for p in self._parameters]
        with torch.no_grad():
            torch._foreach_copy_(self._parameters, self._ema)
        try:
            yield
        finally:
            with torch.no_grad():
                torch._foreach_copy_(self._parameters, own)

    def _save(self) -> None:
        if not self._team.leads:
            return
        state = {
            "model": self._model.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "ema": self._ema,
            "steps": self.steps,
            "spent": self._spent,
        }
        part = self._file.with_suffix(".part")
        torch.save(state, part)
        part.replace(self._file)


def averaged_parameters(model: torch.nn.Module, checkpoint: Path) -> None:
    """Give the model the moving average that a loop's checkpoint holds."""
    state = torch.load(checkpoint, map_location="cpu", weights_only=True)
    model.load_state_dict(state["model"])
    learned: list[torch.Tensor] = [p for p in model.parameters() if p.requires_grad]
    with torch.no_grad():
        torch._foreach_copy_(learned, state["ema"])
