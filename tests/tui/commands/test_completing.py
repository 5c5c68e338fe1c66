"""What tab completes: commands, options, sessions, labels; in each shell as it is written there."""

import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from engine.api import Library
from engine.library.write.writer import Writer
from engine.settings import Settings
from tests.support.libraries import new_session
from tui import cli
from tui.commands.completing import what_next, words_of

ASSETS = Path(__file__).parents[3] / "assets" / "completion"
NAMES = {"aaaaa": "spring boats", "bbbbb": "night: sky", "ccccc": "twice", "ddddd": "twice"}


@pytest.fixture
def library(tmp_path: Path) -> Library:
    (tmp_path / "library").mkdir()
    writer = Writer(tmp_path / "library")
    for key, name in NAMES.items():
        writer.add_session(replace(new_session(key, rows=1, images=1), name=name))
    writer.close()
    return Library(Settings(library=tmp_path / "library"))


def after(words: Sequence[str], library: Library) -> tuple[set[str], str]:
    parser, _ = cli._parsers()
    found = what_next(parser, words, lambda: library)
    return {each.text for each in found.candidates}, found.files


def test_commands_options_sessions_and_labels_come(library: Library) -> None:
    commands, files = after([""], library)
    assert {"run", "models", "completion"} <= commands and files == "files"
    assert after(["models", ""], library)[0] >= {"list", "pull"}
    assert after(["run", ""], library) == (set(), "files")
    assert after(["copy", "last", ""], library)[1] == "folders"
    assert "--detach" in after(["run", "a.csv", "-"], library)[0]
    assert "--detach" in after(["run", "a.csv", ""], library)[0]
    assert after(["show", ""], library)[0] == {
        "last",
        "spring boats",
        "night: sky",
        "ccccc",
        "ddddd",
    }
    assert "aaaaa" in after(["show", "aa"], library)[0]
    assert "all" in after(["stop", ""], library)[0]
    assert after(["prompt", "x", "--model", ""], library)[0] == {"builtin"}
    assert after(["prompt", "x", "--model=b"], library)[0] == {"--model=builtin"}
    assert after(["prompt", "x", "--model", "=", "b"], library)[0] == {"builtin"}
    assert after(["engine", "st"], library)[0] >= {"start", "stop"}
    assert after(["export", "last", "--table", ""], library)[0] == {"csv", "xlsx", "ods"}
    assert "sdxl" in after(["models", "pull", ""], library)[0]


def test_a_library_that_is_not_there_completes_to_nothing(tmp_path: Path) -> None:
    nowhere = Library(Settings(library=tmp_path / "nowhere"))
    assert after(["show", ""], nowhere)[0] == set()


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("promptsheet ", ["promptsheet", ""]),
        ("promptsheet sh", ["promptsheet", "sh"]),
        ("promptsheet show 'spring b", ["promptsheet", "show", "spring b"]),
        ("promptsheet show \"it's ", ["promptsheet", "show", "it's "]),
        ("promptsheet show spring\\ ", ["promptsheet", "show", "spring "]),
        ("promptsheet prompt '#1' ", ["promptsheet", "prompt", "#1", ""]),
    ],
)
def test_a_line_that_is_being_typed_is_read_as_a_shell_reads_it(
    line: str, words: list[str]
) -> None:
    assert words_of(line) == words


def test_the_command_answers_bash_with_what_fits_and_others_with_what_it_is(
    library: Library, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def asked(*arguments: str) -> list[str]:
        monkeypatch.setattr(sys, "argv", ["promptsheet", "completion", *arguments])
        assert cli.main() == 0
        return capsys.readouterr().out.splitlines()

    named = f"--library {library.path}"
    assert asked("bash", "--line", f"promptsheet show {named} 'spri") == ["", "spring boats"]
    # What stands before the colon is bash's own.
    assert asked("bash", f"--line=promptsheet show {named} night:") == ["", " sky"]
    lines = asked("zsh", "--words", "show", "--library", str(library.path), "")
    assert "spring boats\taaaaa" in lines
    for shell in ("bash", "zsh", "fish"):
        assert asked(shell) == (ASSETS / f"promptsheet.{shell}").read_text().splitlines()


def test_whoever_presses_tab_waits_for_nothing_heavy() -> None:
    program = (
        "import sys; sys.argv = ['promptsheet', 'completion', 'bash', '--line=promptsheet show x'];"
        "from tui.cli import main; main(); print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert "tui" in loaded
    assert not loaded & {"torch", "textual", "rich", "numpy", "PIL", "pandas", "asyncio", "psutil"}


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
def test_bash_takes_names_with_spaces_and_colons() -> None:
    program = f"""
        promptsheet() {{ printf '%s\\n' '' 'spring boats' "it's"; }}
        source {ASSETS / "promptsheet.bash"}
        COMP_LINE='promptsheet show ' COMP_POINT=17 COMP_WORDS=(promptsheet show '') COMP_CWORD=2
        _promptsheet; printf '%s\\n' "${{COMPREPLY[@]}}"
        COMP_WORDS[2]="'spr"
        _promptsheet; printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    done = subprocess.run(["bash", "-c", program], capture_output=True, text=True)
    assert done.stdout.splitlines() == ["spring\\ boats", "it\\'s", "spring boats", "it's"]
