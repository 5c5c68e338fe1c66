"""Schedulers by the names people write, as diffusers knows them."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Scheduler:
    """A diffusers scheduler, and what is changed of the model's own configuration for it."""

    kind: str
    """The class."""
    changes: Mapping[str, object] = field(default_factory=dict)
    flow: bool = False
    """Whether models trained by flow matching can use it too."""


SCHEDULERS: Mapping[str, Scheduler] = {
    "dpm++": Scheduler(
        "DPMSolverMultistepScheduler",
        {"algorithm_type": "dpmsolver++", "use_karras_sigmas": False},
        flow=True,
    ),
    "dpm++ karras": Scheduler(
        "DPMSolverMultistepScheduler",
        {"algorithm_type": "dpmsolver++", "use_karras_sigmas": True},
    ),
    "dpm++ sde": Scheduler(
        "DPMSolverMultistepScheduler",
        {"algorithm_type": "sde-dpmsolver++", "use_karras_sigmas": False},
    ),
    "unipc": Scheduler("UniPCMultistepScheduler", flow=True),
    "euler": Scheduler("EulerDiscreteScheduler", flow=True),
    "euler ancestral": Scheduler("EulerAncestralDiscreteScheduler"),
    "heun": Scheduler("HeunDiscreteScheduler", flow=True),
    # Latents have no bounds to clip to.
    "ddim": Scheduler("DDIMScheduler", {"clip_sample": False}),
    "ddpm": Scheduler("DDPMScheduler", {"clip_sample": False}),
    "pndm": Scheduler("PNDMScheduler"),
    "lcm": Scheduler("LCMScheduler", {"clip_sample": False}),
}
"""Name in the `scheduler` column → what it is."""

FLOW_KINDS: Mapping[str, str] = {
    "euler": "FlowMatchEulerDiscreteScheduler",
    "heun": "FlowMatchHeunDiscreteScheduler",
}
"""The class that a name means for a model trained by flow matching, where it is another."""


def names_for(flow: bool) -> tuple[str, ...]:
    """The names a model can use: all, or those that can do flow matching."""
    return tuple(name for name, scheduler in SCHEDULERS.items() if scheduler.flow or not flow)
