"""What the command line prints of problems."""

from engine.api import Problem, Severity
from tui.report import problem_lines


def test_a_suggestion_to_empty_the_cell_is_words() -> None:
    problem = Problem(3, "lora", Severity.ERROR, "xl", "There is no LoRA xl.", ("", "ink"))
    assert [*problem_lines([problem])] == [
        "✗ row 3, lora: “xl” There is no LoRA xl. (try an empty cell or ink)"
    ]
