"""Engine processes as they say of themselves, without one."""

from typing import Any

from msgspec.structs import replace

from engine.api import EngineState
from engine.protocol.answers import Status

_IDLE = Status(7, "x", "", "vm", None, None, False, True, [], [], [])


def engine_state(mismatch: str | None = None, **changed: Any) -> EngineState:
    """Of one with nothing to do, but for what of its status is `changed`."""
    return EngineState(replace(_IDLE, **changed), mismatch)
