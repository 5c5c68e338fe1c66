"""What a device is being made ready with is told while it lasts, and to no end when it fails."""

from engine.library.write.writer import Writer
from engine.protocol.answers import Load
from engine.protocol.events import AnyEvent, Loading, Stepped
from engine.service.server.renderer_client import NotNowError
from tests.support.engine_states import engine_state
from tests.support.libraries import new_session
from tests.support.renderers import FakeRenderer, fake, settle
from tui.commands.machine import _state_lines

__all__ = ["fake"]


def test_starting_and_loading_are_told_before_the_first_step_and_are_over_then(
    writer: Writer,
) -> None:
    writer.add_session(new_session(rows=1))
    events = settle(writer)
    first = next(i for i, event in enumerate(events) if isinstance(event, Stepped))
    loads = [event.loads for event in events[:first] if isinstance(event, Loading)]
    told = [[(load.device, load.model) for load in each] for each in loads]
    assert told == [[("cpu", None)], [], [("cpu", "builtin")], []]


def test_a_model_that_is_not_there_is_not_said_to_be_loading(writer: Writer) -> None:
    now: list[list[Load]] = []

    def load_fault(_: str) -> None:
        assert now[-1][0].model == "builtin"
        FakeRenderer.load_fault = None
        raise NotNowError("its disk is away")

    def hear(event: AnyEvent) -> None:
        if isinstance(event, Loading):
            now.append(event.loads)

    FakeRenderer.load_fault = staticmethod(load_fault)
    writer.add_session(new_session(rows=1))
    settle(writer, hear=hear)
    assert now[-1] == [] and now.count([]) >= 3


def test_engine_status_says_what_is_being_loaded_and_for_how_long() -> None:
    loading = [Load("cuda:0", "sdxl", 12.3), Load("cuda:1", None, 2.0)]
    assert _state_lines(engine_state(loading=loading))[1:] == [
        "  cuda:0: loading sdxl, for 12 s",
        "  cuda:1: starting the renderer, for 2 s",
    ]
