"""The guarded child: looks at untrusted pictures, one a line, and answers with what they are.

Started by `engine.picture.looking`; not meant for anyone else. It may be killed by its memory limit
at any picture, which is then the one that is at fault.
"""

import os
import resource
import sys
import warnings
from pathlib import Path

import msgspec

from engine.picture.source_files import SourceError, SourceFacts, digest_of_open, open_plain
from engine.picture.sources import look_at


class Looked(msgspec.Struct, omit_defaults=True, forbid_unknown_fields=True):
    """What a picture is; one of these is said."""

    facts: SourceFacts | None = None
    refused: str = ""
    memory: bool = False
    """It takes more than there may be."""


def main(memory_bytes: int) -> None:
    """Answer each path on stdin with a `Looked` on stdout, a line of JSON each."""
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    warnings.simplefilter("ignore")  # of what Pillow reads around, as all do
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints must not get into the answers
    for line in sys.stdin.buffer:
        try:
            answer = Looked(facts=_look(Path(os.fsdecode(msgspec.json.decode(line, type=bytes)))))
        except SourceError as error:
            answer = Looked(refused=str(error))
        except MemoryError:
            answer = Looked(memory=True)
        answers.write(msgspec.json.encode(answer) + b"\n")
        answers.flush()


def _look(path: Path) -> SourceFacts:
    with open_plain(path) as file:
        try:
            digest = digest_of_open(file)
            file.seek(0)
        except OSError as error:
            raise SourceError(f"It cannot be read: {error.strerror}.") from error
        return look_at(file, path.name, digest)
