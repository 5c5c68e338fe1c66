"""How subcommands are declared, what their arguments can be, and what is said of a slip."""

import argparse
import ast
import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tui import cli
from tui.cli import _command_first, _parsers
from tui.commands.arguments import image_numbers, numbers
from tui.commands.guide import page as page_of_guide
from tui.commands.parser import Parser
from tui.commands.sheet import _as_meant

ROOT = Path(__file__).parents[3]
README = (ROOT / "README.md").read_text(encoding="utf-8")


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
    assert "Name a command. It can be list, add" in capsys.readouterr().err


def test_a_name_with_escape_sequences_is_not_said_raw(capsys: pytest.CaptureFixture[str]) -> None:
    parser, _ = _parsers()
    with pytest.raises(SystemExit):
        parser.parse_args(["show", "last", "--no-such\x1b]0;owned\x07"])
    assert "\x1b" not in capsys.readouterr().err


def _all_parsers(parser: Parser) -> Iterator[Parser]:
    yield parser
    for inner in parser.inner.values():
        yield from _all_parsers(inner)


def _words(line: str) -> list[str]:
    """What the command itself gets of a shell's line: without pipes, files and what ssh begins."""
    command = line[line.index("promptsheet ") :]
    if "$(" in line:
        command = command.partition(")")[0]
    words = shlex.split(command, comments=True)[1:]
    ends = [at for at, word in enumerate(words) if word in ("|", ">", "<")]
    return words[: min(ends, default=len(words))]


def _is_understood(parser: Parser, line: str, capsys: pytest.CaptureFixture[str]) -> bool:
    words = _words(line)
    known = parser.inner
    try:
        parser.parse_args(words if words and words[0] in known else ["open", *words])
    except SystemExit as end:
        return end.code == 0  # it asked for help
    finally:
        capsys.readouterr()
    return True


def test_every_help_has_examples_that_the_parser_understands(
    capsys: pytest.CaptureFixture[str],
) -> None:
    parser, _ = _parsers()
    found = list(_all_parsers(parser))
    assert len(found) > 30
    for each in found:
        assert each.examples, each.prog
        for example in each.examples:
            assert example in each.format_help(), each.prog
            assert _is_understood(parser, example, capsys), example


def test_every_command_line_of_readme_and_guide_is_understood_and_every_command_is_in_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    parser, _ = _parsers()
    for page in (README, page_of_guide("commands")):
        lines = re.findall(r"^\| `(promptsheet [^`]+)` \|", page, re.MULTILINE)
        assert len(lines) > 20
        for line in lines:
            assert _is_understood(parser, line, capsys), line
    assert set(parser.inner) == {line.split()[1] for line in lines}


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("models lsit", "Did you mean list?"),
        ("run a.csv --detatch", "Unknown option --detatch. Did you mean --detach?"),
        ("engine strat", "Did you mean start"),
        ("export last --table xslx", "Did you mean xlsx? It can be csv, xlsx or ods."),
        ("check a.csv b.csv", "“b.csv” is one word too many."),
        ("export last -o nowhere/", "--output: there is no folder nowhere/: make it first"),
        ("trash list last more", "“more” is one word too many."),
        ("trash --rows 4 ad last", "“ad” is not a choice. Did you mean add?"),
        ("show", "SESSION is missing."),
        ("images", "PICTURES and --prompt are missing."),
        ("prompt x --name", "--name: a value is missing after it."),
        ("prompt x -n many", "--num-images: “many” is not a whole number"),
        ("template a.csv --full --poster", "--poster: it cannot be combined with --full."),
        ("run a.csv --s", "can be --skip-bad-rows or --since"),
    ],
)
def test_a_slip_is_said_in_plain_words_with_what_may_be_meant(
    typed: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    parser, _ = _parsers()
    with pytest.raises(SystemExit) as end:
        parser.parse_args(typed.split())
    err = capsys.readouterr().err
    assert end.value.code == 2
    assert said in err and "--help`." in err
    assert "invalid" not in err and "unrecognized" not in err and "usage" not in err


@pytest.mark.parametrize(
    ("typed", "given"),
    [
        ("trash add --rows 4 last", ("add", "last")),
        ("trash --rows 4 add last", ("add", "last")),
        ("trash add last --rows 4", ("add", "last")),
    ],
)
def test_options_may_stand_between_words_one_of_which_may_be_left_out(
    typed: str, given: tuple[str, str]
) -> None:
    parser, _ = _parsers()
    options = parser.parse_args(typed.split())
    assert (options.action, options.session) == given and options.rows == [4]
    assert parser.parse_args(["tag", "last", "--json", "sea", "sky"]).tags == ["sea", "sky"]


@pytest.mark.parametrize(
    ("typed", "said"),
    [("sesions", "Did you mean sessions"), ("promts.csv", "Did you mean prompts.csv")],
)
def test_a_first_word_that_is_neither_command_nor_file_opens_no_app(
    typed: str,
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "prompts.csv").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["promptsheet", typed, "last"])
    with pytest.raises(SystemExit):
        cli.main()
    err = capsys.readouterr().err
    assert f"File not found: {typed}. There is no command of that name either. {said}" in err


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("--library a engine stop", "engine stop --library a"),
        ("--json --library=a show last", "show last --json --library=a"),
        ("--library a prompt -- -b", "prompt --library a -- -b"),
        ("--library a", "--library a"),
        ("--library a x.csv", "--library a x.csv"),
        ("engine stop --library a", "engine stop --library a"),
        ("--library engine stop", "--library engine stop"),
        ("--library", "--library"),
    ],
)
def test_a_command_may_stand_after_the_options_of_all(typed: str, meant: str) -> None:
    commands = {"engine", "show", "prompt"}
    assert _command_first(typed.split(), commands) == meant.split()


def test_single_images_are_named_by_row_and_variation() -> None:
    assert image_numbers("4:2,7:1-3") == [(4, 2), (7, 1), (7, 2), (7, 3)]
    for text in ("4", "4:", ":1", "4-5:1", "x:1", "4:x"):
        with pytest.raises(argparse.ArgumentTypeError):
            image_numbers(text)


def test_words_without_quotes_are_one_prompt_and_that_is_said(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert _as_meant(["a", "red", "boat"]) == ["a red boat"]
    assert "One prompt: “a red boat”." in capsys.readouterr().err
    for several in (["a red boat", "fog"], ["boat"], ["-"], ["boat", "-"]):
        assert _as_meant(several) == several
    assert not capsys.readouterr().err


def test_a_folder_without_a_lora_that_can_be_used_is_named_and_not_asked_for(
    config: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "bad.safetensors").write_bytes(b"nothing")
    (config / "settings.toml").write_text(f'loras_folder = "{folder}"\n')
    words = ["promptsheet", "loras", "--library", str(tmp_path / "library")]
    monkeypatch.setattr(sys, "argv", words)
    assert cli.main() == 0
    said = capsys.readouterr().out
    assert f"No LoRAs that can be used in {folder}" in said and "! bad: bad.safetensors" in said


def test_nothing_of_argparse_is_used_that_it_keeps_to_itself() -> None:
    private = {
        name
        for owner in (argparse, argparse.ArgumentParser(), argparse.Action([], ""))
        for name in dir(owner)
        if re.match(r"_[a-zA-Z]", name)
    }
    assert {"_actions", "_get_value", "_SubParsersAction"} <= private
    used = {
        name
        for path in [*(ROOT / "tui" / "commands").rglob("*.py"), ROOT / "tui" / "cli.py"]
        for node in ast.walk(ast.parse(path.read_text()))
        for name in _names(node)
    }
    assert {"add_argument", "_OF_ARGUMENT"} < used
    assert not used & private


def _names(node: ast.AST) -> Iterator[str]:
    """The names that a piece of source uses, or gives."""
    match node:
        case ast.Attribute(attr=name) | ast.Name(id=name) | ast.alias(name=name):
            yield name
        case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
