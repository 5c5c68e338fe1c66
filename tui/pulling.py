"""The model that is being pulled while one works elsewhere in the app; one at a time."""

import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.api import PromptsheetError, fault_of

if TYPE_CHECKING:
    from engine.api import ModelPull, PullPlan, PullProgress


@dataclass(frozen=True, slots=True)
class Ended:
    """What became of a pull."""

    name: str
    label: str = ""
    """Of the model in the list; empty: it was not pulled."""
    fault: str = ""
    """Why not; empty, too: it was stopped."""


class Pulling:
    """What is being pulled. Its thread ends with the app, and what has come is kept."""

    def __init__(self) -> None:
        self.name = ""
        """The repository; empty: nothing is being pulled."""
        self.progress: PullProgress | None = None
        self.coming: ModelPull | None = None
        """What is asked about, or being pulled."""
        self.ended = 0
        """Pulls that have come to an end."""
        self._stopped = False

    def begin(
        self, coming: "ModelPull", plan: "PullPlan", ended: Callable[[Ended], object]
    ) -> None:
        """Pull, in a thread.

        Args:
            coming: what was asked about, open; it is closed at the end.
            plan: its answer.
            ended: told what became of it, in that thread.
        """
        self.name, self.progress, self._stopped = coming.repository.name, None, False
        self.coming = coming
        threading.Thread(target=self._bring, args=(coming, plan, ended), daemon=True).start()

    def stop(self) -> None:
        """End it at once, be it only asked about; what has come is kept."""
        if self.coming is not None:
            self._stopped = True
            self.coming.cancel()

    def _bring(
        self, coming: "ModelPull", plan: "PullPlan", ended: Callable[[Ended], object]
    ) -> None:
        name = self.name
        try:
            with ExitStack() as until_ended:
                until_ended.push(coming)  # it is open already
                for progress in coming.bring():
                    self.progress = progress
                became = Ended(name, label=coming.add(plan))
        except (PromptsheetError, OSError) as error:
            became = Ended(name, fault="" if self._stopped else fault_of(error))
        self.name, self.coming = "", None
        self.ended += 1
        ended(became)
