"""Which scheduler a pipeline takes its steps with: its own, or one that a recipe names."""

import inspect
from typing import Any

import diffusers

from engine.models.schedulers import FLOW_KINDS, SCHEDULERS

_OWN = "_promptsheet_own_scheduler"


class SchedulerError(Exception):
    """A scheduler that the pipeline cannot use; the message says why."""


class _Solver(diffusers.DPMSolverMultistepScheduler):  # type: ignore[misc]
    """The solver, told where it begins, and nothing that it cannot take.

    With Karras' spacing and zero terminal SNR the first timesteps are equal, and the search for
    the first one finds the second. Flux hands over `mu` also where its schedule does not shift
    (schnell), which the base refuses.
    """

    def set_timesteps(self, *arguments: Any, **named: Any) -> None:
        """As the base does, beginning with the first."""
        if not self.config.use_dynamic_shifting:
            named.pop("mu", None)
        super().set_timesteps(*arguments, **named)
        self.set_begin_index(0)


def use_scheduler(pipeline: Any, wanted: str) -> None:
    """Give a pipeline the scheduler that a recipe names, made from the model's own configuration.

    Args:
        pipeline: a diffusers pipeline.
        wanted: `Class` for the model's own, `Class (name)` for one that was asked for.

    Raises:
        SchedulerError: this model has no use for it.
    """
    own = getattr(pipeline, _OWN, None)
    if own is None:
        own = pipeline.scheduler
        setattr(pipeline, _OWN, own)
    kind, _, name = wanted.partition(" (")
    if not name:
        pipeline.scheduler = own
        return
    asked = SCHEDULERS.get(name.rstrip(")"))
    if asked is None or kind not in (asked.kind, FLOW_KINDS.get(name.rstrip(")"))):
        raise SchedulerError(f"This version knows no scheduler {wanted}.")
    made = _Solver if kind == _Solver.__base__.__name__ else getattr(diffusers, kind)
    flow = type(own).__name__.startswith("FlowMatch")
    changes = dict(asked.changes if kind == asked.kind else {})
    if flow and kind == asked.kind:
        changes |= {"use_flow_sigmas": True, "prediction_type": "flow_prediction"}
    # Solvers that are other than the model's own start from their own defaults, not from what the
    # configuration says of its solver.
    taken = inspect.signature(made.__init__).parameters
    known = {key: value for key, value in own.config.items() if key in taken}
    if type(own).__name__ != kind:
        known = {key: value for key, value in known.items() if key in _OF_THE_MODEL}
    try:
        pipeline.scheduler = made(**known | {k: v for k, v in changes.items() if k in taken})
    except (ValueError, TypeError, NotImplementedError) as error:
        raise SchedulerError(f"The model cannot use {name.rstrip(')')}: {error}") from error


_OF_THE_MODEL = frozenset(
    {
        *("num_train_timesteps", "beta_start", "beta_end", "beta_schedule", "trained_betas"),
        *("prediction_type", "rescale_betas_zero_snr", "timestep_spacing", "steps_offset"),
        *("set_alpha_to_one", "shift", "use_dynamic_shifting", "base_shift"),
        *("max_shift", "base_image_seq_len", "max_image_seq_len", "time_shift_type"),
        *("flow_shift", "sigma_max", "sigma_min", "shift_terminal", "thresholding"),
        *("sample_max_value", "dynamic_thresholding_ratio"),
    }
)
"""What of a configuration belongs to how the model was trained."""
