"""Schedulers by the names people write, as diffusers knows them."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class NoiseScheduler:
    """A diffusers scheduler, and what is changed of the model's own configuration for it."""

    kind: str
    """The class."""
    changes: Mapping[str, object] = field(default_factory=dict)
    flow: bool = False
    """Whether models trained by flow matching can use it too."""


SCHEDULERS: Mapping[str, NoiseScheduler] = {
    "dpm++": NoiseScheduler(
        "DPMSolverMultistepScheduler",
        {"algorithm_type": "dpmsolver++", "use_karras_sigmas": False},
        flow=True,
    ),
    "dpm++ karras": NoiseScheduler(
        "DPMSolverMultistepScheduler",
        {"algorithm_type": "dpmsolver++", "use_karras_sigmas": True},
    ),
    "dpm++ sde": NoiseScheduler(
        "DPMSolverMultistepScheduler",
        {"algorithm_type": "sde-dpmsolver++", "use_karras_sigmas": False},
    ),
    "unipc": NoiseScheduler("UniPCMultistepScheduler", flow=True),
    "euler": NoiseScheduler("EulerDiscreteScheduler", flow=True),
    "euler ancestral": NoiseScheduler("EulerAncestralDiscreteScheduler"),
    "heun": NoiseScheduler("HeunDiscreteScheduler", flow=True),
    # Latents have no bounds to clip to.
    "ddim": NoiseScheduler("DDIMScheduler", {"clip_sample": False}),
    "ddpm": NoiseScheduler("DDPMScheduler", {"clip_sample": False}),
    "pndm": NoiseScheduler("PNDMScheduler"),
    "lcm": NoiseScheduler("LCMScheduler", {"clip_sample": False}),
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
