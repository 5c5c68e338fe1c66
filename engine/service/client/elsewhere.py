"""Asking an engine process on another host, by files in the library that both of them see."""

import re
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar, cast

import msgspec

from engine import __version__
from engine.library_folder import disk_fault
from engine.protocol.answers import Answer, AnyAnswer, Refused, Underway
from engine.protocol.commands import Command, RequestedRow, Submit
from engine.protocol.framing import Unpacker, WireError, pack
from engine.protocol.requests import ONLY_ON_ITS_HOST, Request, other_version
from engine.service.client.connection import EngineError, EngineGoneError, EngineSilentError
from engine.service.hosts import this_host
from engine.service.lock import Holder, Pulse, read_holder
from engine.service.spool import (
    ANSWER,
    FOLDER,
    PICTURES,
    REQUEST,
    TAKEN,
    SpoolError,
    body_of,
    is_there,
    new_id,
    open_spool,
    read_file,
    remove,
    remove_pictures,
    write_file,
)
from engine.sheet.picture_names import path_to_text, shown_path
from engine.sheet.rows import SourcePicture

A = TypeVar("A", bound=Answer)

_LOOK_SECONDS = 0.2
_STARTING_SECONDS = 20.0
_TAKING_SECONDS = 60.0
"""A living engine process takes a request in long before."""
_LAST_WORD_SECONDS = 2.0
"""What another host wrote before may be seen so much later."""
_ANSWER_SECONDS = 300.0
"""For an answer, once it is taken in; a session may take longer."""
_ASKED_AGAIN = 3
_HAS_PICTURE = re.compile(rb'"digest":')


def ask_elsewhere(
    library: Path,
    holder: Holder,
    command: Command[A],
    underway: Callable[[Underway], object],
    start: Callable[[], None] | None,
) -> A:
    """Give a command to the engine process on another host; its answer.

    Where that host dies meanwhile, another engine process is started, which finds the request in
    the library, and carries it out unless the dead one has.

    Args:
        library: whose.
        holder: who has it.
        command: what is wanted.
        underway: as for `Connection.ask`; counts the pictures that are copied into the library.
        start: starts an engine process here, where the other one is dead; None: nothing does.

    Raises:
        EngineError: it was refused, or cannot be asked from here.
    """
    holder = _when_it_listens(library, holder)
    if why := why_not_asked(holder):
        raise EngineError(why)
    if why := ONLY_ON_ITS_HOST.get(type(command)):
        raise EngineError(f"The library is in use on {holder.host}. {why[:1].upper()}{why[1:]}.")
    request = _OpenRequest(library, holder, new_id(), underway, start)
    try:
        answer = request.answer_to(command)
    except OSError as error:
        words = disk_fault(library, error) or f"The library {library} cannot be used: {error}."
        raise EngineError(words) from error
    except SpoolError as error:
        raise EngineError(str(error)) from error
    except WireError as error:
        raise EngineError(f"The engine process sent an invalid answer: {error}.") from error
    if isinstance(answer, Refused):
        said = f"{answer.reason} (The engine process on {holder.host} says so.)"
        raise EngineError(said, answer.blame)
    if not isinstance(answer, command.answer):
        raise EngineError(f"The engine process sent an unexpected answer: {answer!r}.")
    return cast(A, answer)


def _when_it_listens(library: Path, holder: Holder) -> Holder:
    """The holder, once it has started; one that was just starting is given a moment."""
    deadline = time.monotonic() + _STARTING_SECONDS
    while not holder.listens and holder.version == __version__ and time.monotonic() < deadline:
        time.sleep(_LOOK_SECONDS)
        now = read_holder(library)
        if now is None or now.token != holder.token or now.left:
            break
        holder = now
    return holder


def why_not_asked(holder: Holder) -> str | None:
    """Why an engine process on another host cannot be asked; None: it can."""
    if holder.version != __version__:
        return other_version(holder.host, holder.version, __version__)
    if holder.spooling:
        return None
    if not holder.listens:
        return (
            f"The engine process on {holder.host} is still starting: try again in a moment, or see"
            " engine.log in the library."
        )
    return (
        f"The engine process on {holder.host} takes no commands from other hosts; engine.log in"
        f" the library says why. Use it on {holder.host}."
    )


class _OpenRequest:
    """One command on its way."""

    def __init__(
        self,
        library: Path,
        holder: Holder,
        request: str,
        underway: Callable[[Underway], object],
        start: Callable[[], None] | None,
    ) -> None:
        self._library = library
        self._host = holder.host
        self._pulse = Pulse(library, holder)
        self._id = request
        self._underway = underway
        self._start = start

    def answer_to(self, command: Command[A]) -> AnyAnswer:
        given: Command[A] | Submit = command
        if isinstance(command, Submit):
            given = self._with_pictures(command)
        data = pack(Request.of(given, this_host()))
        try:
            self._put(data)
            return self._awaited(data, patient=isinstance(command, Submit))
        except BaseException:
            # What nobody has taken in is as if it had never been asked.
            with suppress(OSError, SpoolError):
                if self._take_back():
                    remove_pictures(self._library, self._id)
            raise

    def _put(self, data: bytes) -> None:
        with open_spool(self._library) as folder:
            write_file(folder, self._id + REQUEST, data)

    def _take_back(self) -> bool:
        """Take the request back; False: it was taken in before, or there was none."""
        with open_spool(self._library) as folder:
            return remove(folder, self._id + REQUEST)

    def _awaited(self, data: bytes, *, patient: bool) -> AnyAnswer:
        """Wait for the answer."""
        began = beaten = seen = time.monotonic()
        lost = 0
        while True:
            answer, where = self._look()
            if answer is not None:
                return answer
            now = time.monotonic()
            waited = now - began
            if where is not None:
                seen = now
            elif now - seen > _LAST_WORD_SECONDS:
                # Its file is gone, and no answer came: asked again, it is not done again.
                lost += 1
                if lost > _ASKED_AGAIN:
                    raise EngineError(
                        f"The request has disappeared from {self._library / FOLDER}, and no answer"
                        " came: another program deletes files there. Check whether it was done."
                    )
                self._put(data)
                seen = now
            if self._pulse.beats():
                beaten = now
            if now - beaten > _LAST_WORD_SECONDS:
                self._go_on_without()
                began = beaten = time.monotonic()
            elif where == REQUEST and waited > _TAKING_SECONDS and self._take_back():
                remove_pictures(self._library, self._id)
                raise EngineSilentError(
                    f"The engine process on {self._host} is there, but has not taken this up in"
                    f" {waited:.0f} s. Nothing was done; see engine.log in the library."
                )
            elif where == TAKEN and waited > _ANSWER_SECONDS and not patient:
                raise EngineSilentError(
                    f"The engine process on {self._host} has not answered for {waited:.0f} s. It"
                    " may still do what was asked; see engine.log in the library."
                )
            self._underway(Underway())
            time.sleep(_LOOK_SECONDS)

    def _look(self) -> tuple[AnyAnswer | None, str | None]:
        """The answer; if it is not there, where the request is: REQUEST, TAKEN, or nowhere."""
        answers: Unpacker[AnyAnswer] = Unpacker(AnyAnswer)
        with open_spool(self._library) as folder:
            for where in (REQUEST, TAKEN):
                if is_there(folder, self._id + where):
                    return None, where
            with suppress(FileNotFoundError):
                try:
                    data, _ = read_file(folder, self._id + ANSWER)
                except SpoolError as error:
                    place = self._library / FOLDER / (self._id + ANSWER)
                    raise SpoolError(
                        f"The answer, {place}, is not read: {error}. Somebody else writes there;"
                        " check whether what you asked for was done."
                    ) from error
                remove(folder, self._id + ANSWER)
                return answers.unpack(body_of(data)).message, None
        return None, None

    def _go_on_without(self) -> None:
        """Who had the library is gone: start another, or find out who has it now.

        Raises:
            EngineError: nobody has, or can be asked from here.
        """
        holder = self._pulse.next_holder()
        if holder is None:
            if self._start is None:
                raise EngineGoneError(f"The engine process on {self._host} has ended.")
            self._start()  # takes the library over, and finds the request
            if (now := read_holder(self._library)) is not None:
                self._pulse = Pulse(self._library, now)
            return
        self._host = holder.host
        if holder.listens and (why := why_not_asked(holder)):  # else it has only just come
            raise EngineError(why)

    def _with_pictures(self, wanted: Submit) -> Submit:
        """The same session, drawn on copies that the other host finds in the library.

        Raises:
            EngineError: one is gone, or another than when it was looked at.
        """
        if not any(_HAS_PICTURE.search(bytes(row)) for row in wanted.rows):
            return wanted
        rows = list(wanted.requested())
        given: dict[str, tuple[Path, int]] = {}
        for row in rows:
            for found in (row.values.image, row.values.mask):
                if found is not None and found.file_in(Path()).is_absolute():
                    given.setdefault(found.digest, (found.file_in(self._library), row.number))
        if not given:
            return wanted
        folder = self._library / FOLDER / f"{self._id}{PICTURES}"
        try:
            with open_spool(self._library):  # it is there, and ours
                folder.mkdir(mode=0o700)
            self._copy(folder, given)
        except BaseException:
            remove_pictures(self._library, self._id)
            raise

        from engine.library.sources import source_path

        def moved(found: SourcePicture | None) -> SourcePicture | None:
            if found is None or not found.file_in(Path()).is_absolute():
                return found
            copy = source_path(folder, found.digest).relative_to(self._library)
            return msgspec.structs.replace(found, path=path_to_text(copy))

        def there(row: RequestedRow) -> RequestedRow:
            values = row.values
            image, mask = moved(values.image), moved(values.mask)
            values = msgspec.structs.replace(values, image=image, mask=mask)
            return msgspec.structs.replace(row, values=values)

        return msgspec.structs.replace(wanted, rows=Submit.packed(map(there, rows)))

    def _copy(self, folder: Path, given: dict[str, tuple[Path, int]]) -> None:
        # What decodes pictures comes with it, and most commands are about none.
        from engine.library.sources import Intake, StoppedError, TakingError

        originals = [(path, digest) for digest, (path, _) in given.items()]
        intake = Intake(folder, originals)
        raised: list[Exception] = []

        def run() -> None:
            try:
                intake.run()
            except Exception as error:
                raised.append(error)

        copying = threading.Thread(target=run, name="pictures")
        copying.start()
        try:
            while copying.is_alive():
                self._underway(Underway(intake.done, len(originals)))
                copying.join(_LOOK_SECONDS)
        finally:
            intake.stop()
            copying.join()
        for error in raised:
            if isinstance(error, TakingError):
                path, number = list(given.values())[error.number]
                raise EngineError(f"Row {number}, {shown_path(path)}: {error}") from error
            if not isinstance(error, StoppedError):
                raise error
