"""What is said to the children that read sheets and write copies is checked where it is read."""

import json
import subprocess
import sys
from typing import Any

import msgspec
import pytest

from engine.sheet import read
from engine.sheet.child_messages import (
    AnyFromCopier,
    AnyFromReader,
    CopyRefused,
    CopyWritten,
    MachineFailed,
    NoSheet,
    ToCopy,
    TooMuchMemory,
    ToRead,
    WasRead,
    as_json,
    understood,
)
from engine.sheet.rows import Severity
from engine.sheet.table import CellRange, Limits, Remark

READ = ToRead("/a/\udcff.csv", None, None, Limits(rows=3))
COPY = ToCopy("/a", "/b", "s", None, 1, 2, {3: "steps"}, [(2, 0, "prompt", "a")], [5])
WAS_READ = WasRead(
    [1, 2],
    sheet="\udcff",
    merged=(CellRange(1, 2, 3, 4),),
    remarks=(Remark(2, Severity.REPAIRED, "it was"),),
    odd=[1],
)


@pytest.mark.parametrize(
    ("message", "kinds"),
    [
        (READ, ToRead),
        (COPY, ToCopy),
        *((each, AnyFromReader) for each in (WAS_READ, NoSheet("no", ("cp1252",)))),
        *((each, AnyFromReader) for each in (NoSheet("no"), MachineFailed("no"), TooMuchMemory())),
        *((each, AnyFromCopier) for each in (CopyWritten(("a note",)), CopyRefused("no"))),
    ],
    ids=lambda each: type(each).__name__,
)
def test_a_message_arrives_as_it_was_and_with_a_field_more_not_at_all(
    message: msgspec.Struct, kinds: object
) -> None:
    plain = json.loads(as_json(message))
    assert understood(plain, kinds) == message
    with pytest.raises(msgspec.ValidationError, match="nonsense"):
        understood(plain | {"nonsense": 1}, kinds)


@pytest.mark.parametrize("plain", [[], {}, {"tells": "nothing"}, {"tells": "refused"}, "refused"])
def test_what_is_no_answer_is_told_from_one(plain: Any) -> None:
    with pytest.raises(msgspec.ValidationError):
        understood(plain, AnyFromReader)
    with pytest.raises(msgspec.ValidationError):
        understood(plain, AnyFromCopier)


def test_a_child_that_is_told_nonsense_reads_and_writes_nothing() -> None:
    asked = json.dumps([{"path": "/etc/passwd"}, sys.path])
    reader = subprocess.run([sys.executable, "-c", read._CHILD, asked], capture_output=True)
    assert reader.returncode and not reader.stdout and b"ValidationError" in reader.stderr
    program = [sys.executable, "-m", "engine.sheet.copy_writer"]
    copier = subprocess.run(program, input=b'{"source": "/etc/passwd"}', capture_output=True)
    assert copier.returncode and not copier.stdout and b"ValidationError" in copier.stderr
