"""What the command line prints of problems."""

from engine.api import Problem, Severity
from tui.report import problem_lines


def test_a_suggestion_to_empty_the_cell_is_words() -> None:
    problem = Problem(3, "lora", Severity.ERROR, "xl", "There is no LoRA xl.", ("", "ink"))
    assert [*problem_lines([problem])] == [
        "✗ row 3, lora: “xl” There is no LoRA xl. (try an empty cell or ink)"
    ]


def test_a_value_that_the_message_begins_with_is_said_once() -> None:
    message = "16;9 is not an aspect ratio."
    problem = Problem(2, "aspect_ratio", Severity.ERROR, "16;9", message, ("16:9",))
    assert [*problem_lines([problem])] == [
        "✗ row 2, aspect_ratio: 16;9 is not an aspect ratio. (try 16:9)"
    ]
