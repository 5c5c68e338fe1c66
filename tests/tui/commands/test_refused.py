"""What a command prints for a script when it could not do anything."""

import json

import pytest

from engine.api import Blame, EngineError, PromptsheetError
from tui.cli import _complain


@pytest.mark.parametrize(
    ("error", "printed"),
    [
        (
            EngineError("The disk is full.", Blame.MACHINE),
            {"session": None, "error": "The disk is full.", "blame": "machine"},
        ),
        (EngineError("It does not answer."), {"session": None, "error": "It does not answer."}),
        (PromptsheetError("No sheet."), {"session": None, "error": "No sheet."}),
    ],
)
def test_whose_fault_a_refusal_is_can_be_read_by_a_script(
    error: Exception, printed: dict[str, object], capsys: pytest.CaptureFixture[str]
) -> None:
    assert _complain(error, as_json=True) == 2
    assert json.loads(capsys.readouterr().out) == printed
