"""Leaving out of steps what hardly changes, where an entry asks for it: faster, other pixels.

How much has changed is asked of all that one call computes, so each image has a call of its own.
"""

import inspect
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from diffusers.hooks import FirstBlockCacheConfig


def tells_its_passes(drawer: type) -> bool:
    """Whether a pipeline's class tells its denoiser which of a step's passes each is.

    Without that the passes with the prompt and without would be held against each other.
    """
    return "cache_context" in inspect.getsource(drawer.__call__)


class StepCache:
    """What a denoiser remembers of the step before. One call at a time uses it."""

    def __init__(self, pipeline: Any, asked: str) -> None:
        """Args: pipeline: on its device. asked: as `ModelFiles.step_cache`."""
        name, threshold = asked.split()
        assert name == "first-block"
        self._asked = asked
        self._denoiser = pipeline.transformer
        self._config = FirstBlockCacheConfig(threshold=float(threshold))
        # All pipelines of a model share its layers, and so what these remember.
        self._turn = threading.Lock()

    @contextmanager
    def used(self, drawer: type, depart: Callable[[str], None] | None) -> Iterator[None]:
        """For one call: it begins with nothing remembered.

        Args:
            drawer: the class that draws.
            depart: told if nothing can be left out of what that class draws.
        """
        with self._turn:
            if not tells_its_passes(drawer):
                if depart is not None:
                    depart(f"step_cache: {self._asked} → none (it cannot be had on a picture)")
                yield
                return
            self._denoiser.enable_cache(self._config)
            try:
                self._denoiser._reset_stateful_cache()
                yield
            finally:
                self._denoiser.disable_cache()
