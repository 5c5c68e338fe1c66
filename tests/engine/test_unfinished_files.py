"""What a kill leaves unfinished is gone at the next start, and nothing of the user's with it."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from engine.unfinished_files import sweep, unfinished

_WRITES = """
import sys, time
from pathlib import Path
from engine.unfinished_files import unfinished
with unfinished(Path(sys.argv[1])) as part:
    if sys.argv[2] == "folder":
        part.mkdir()
        part = part / "inside"
    part.write_text("half")
    print(flush=True)
    time.sleep(600)
"""


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state" / "promptsheet" / "unfinished"


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_what_was_killed_is_swept_and_what_lives_is_not(
    tmp_path: Path, state: Path, kind: str
) -> None:
    target = tmp_path / "target"
    target.mkdir()
    (target / ".promptsheet-0123456789abcdef.part").write_text("the user's own")
    writing = subprocess.Popen(
        [sys.executable, "-c", _WRITES, str(target), kind], stdout=subprocess.PIPE
    )
    try:
        assert writing.stdout is not None
        writing.stdout.readline()
        assert sweep() == [], "it is at work"
        assert len(list(target.iterdir())) == 2
    finally:
        writing.send_signal(signal.SIGKILL)
        writing.wait()
    assert len(sweep()) == 1
    assert [path.read_text() for path in target.iterdir()] == ["the user's own"]
    assert list(state.iterdir()) == []


def test_an_end_of_any_kind_leaves_nothing(tmp_path: Path, state: Path) -> None:
    with pytest.raises(KeyboardInterrupt), unfinished(tmp_path) as part:
        part.write_text("half")
        raise KeyboardInterrupt
    with unfinished(tmp_path) as part:
        part.write_text("whole")
        part.rename(tmp_path / "mine.txt")
    assert [path.name for path in tmp_path.iterdir() if path.name != "state"] == ["mine.txt"]
    assert list(state.iterdir()) == []


def test_a_note_leads_to_no_file_but_its_own(tmp_path: Path, state: Path) -> None:
    with unfinished(tmp_path):
        (note,) = state.iterdir()
        body = json.loads(note.read_text()) | {"pid": 2**22, "started": "1"}
    precious = tmp_path / "precious.txt"
    precious.write_text("mine")
    link = tmp_path / f".promptsheet-{'a' * 16}.part"
    link.symlink_to(tmp_path / "home")
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "file").touch()
    for token, path in (("b" * 16, precious), ("a" * 16, link)):
        (state / f"{token}.json").write_text(json.dumps(body | {"path": str(path)}))
    (state / "broken.json").write_text("{")
    (state / "other.json").write_text(json.dumps(body | {"host": "elsewhere"}))
    assert sweep() == [link], "the link alone"
    assert precious.read_text() == "mine"
    assert (tmp_path / "home" / "file").exists()


def test_without_a_place_for_notes_files_are_written_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "in the way").touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "in the way"))
    with unfinished(tmp_path) as part:
        part.write_text("half")
    assert not part.exists()
    assert sweep() == []
