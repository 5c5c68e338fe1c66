"""How subcommands are declared, and what their arguments can be."""

import argparse

import pytest

from tui.cli import _parsers
from tui.commands.arguments import numbers


@pytest.mark.parametrize(
    ("text", "found"), [("4", [4]), ("4,7-9", [4, 7, 8, 9]), ("10,12-13", [10, 12, 13])]
)
def test_rows_are_named_one_by_one_or_from_to(text: str, found: list[int]) -> None:
    assert numbers(text) == found


@pytest.mark.parametrize("text", ["", "x", "4-", "-4", "9-7", "4,,5", "99999999", "1-99999999"])
def test_what_is_no_row_is_said(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        numbers(text)


def test_every_subcommand_explains_itself_and_takes_json_and_a_library(
    capsys: pytest.CaptureFixture[str],
) -> None:
    parser, subcommands = _parsers()
    assert {"run", "prompt", "check", "show", "export", "engine", "doctor"} <= subcommands.names
    for name in sorted(subcommands.names):
        with pytest.raises(SystemExit) as end:
            parser.parse_args([name, "--help"])
        said = capsys.readouterr().out
        assert end.value.code == 0 and f"promptsheet {name}" in said, name


def test_subcommands_of_a_group_take_json_and_a_library(
    capsys: pytest.CaptureFixture[str],
) -> None:
    parser, _ = _parsers()
    options = parser.parse_args(["models", "list", "--json", "--library", "x"])
    assert options.json and options.library.name == "x" and options.carry_out
    with pytest.raises(SystemExit):
        parser.parse_args(["models"])
    assert "usage: promptsheet models" in capsys.readouterr().err


def test_a_name_with_escape_sequences_is_not_said_raw(capsys: pytest.CaptureFixture[str]) -> None:
    parser, _ = _parsers()
    with pytest.raises(SystemExit):
        parser.parse_args(["show", "last", "--no-such\x1b]0;owned\x07"])
    assert "\x1b" not in capsys.readouterr().err
