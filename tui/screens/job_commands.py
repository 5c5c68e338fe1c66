"""What is asked of the engine process on Jobs: stop, resume, try again, move, pause."""

from collections.abc import Callable, Sequence
from functools import partial

from textual.screen import Screen

from engine.api import Job, Library, Places, PromptsheetError, SessionInfo, Tally, gist
from tui.engine_status import Doing, EngineStatus
from tui.keys import key_of
from tui.screens.ask import Ask
from tui.screens.changed_models import resume_asking
from tui.text import clean, count_text
from tui.workers import hand_over, work

_DONE = {"stop": "stopped", "resume": "resumed", "retry": "retried"}
_KEEP, _STOP = "no, keep them running", "yes, stop all"
_BACK, _AGAIN, _LOOK = "back to rows", "retry", "view images"


def pause_word(status: EngineStatus) -> str:
    """What the one key does now that lets the engine process render or not: it says so."""
    if status.doing is Doing.OFF or status.not_here:
        return "Start"
    return "Continue" if status.doing is Doing.PAUSED and status.paused_by_user else "Pause"


class JobCommands:
    """Carries them out in threads, and says what came of them."""

    def __init__(self, node: Screen[None], library: Library) -> None:
        self.node = node
        self._library = library

    def change(self, what: str, info: SessionInfo, rows: Sequence[int]) -> None:
        """Stop, resume or retry rows of a session; without any, all of it."""
        command = partial(self._act(what), info.session, list(rows) or None)
        done = f"{count_text(len(rows), 'row')} {_DONE[what]}" if rows else ""

        def resume(new_files: bool) -> None:
            self._carry_out(partial(command, new_files=new_files), done)

        if what == "resume":
            resume_asking(self.node.app, info, resume)
        else:
            self._carry_out(command, done)

    def everything(self, what: str, working: Sequence[Tally]) -> None:
        """Stop or resume every session; `working`: those with work left. Stopping asks."""
        command = partial(self._act(what), None)
        done = f"every session {_DONE[what]}"
        if what != "stop":
            self._carry_out(command, done)
            return
        if not working:
            self._say("Nothing to stop.")
            return

        def answered(answer: str | None) -> None:
            if answer == _STOP:
                self._carry_out(command, done)

        sessions = count_text(len(working), "session")
        images = count_text(sum(tally.waiting + tally.rendering for tally in working), "image")
        question = f"Stop everything? {sessions} with {images} left."
        note = f"Finished images are kept; {key_of('jobs.resume_all')} resumes all."
        self.node.app.push_screen(Ask(question, choices=(_KEEP, _STOP), note=note), answered)

    def move(self, session: str, to: Places) -> None:
        """Have a session rendered sooner or later than others."""
        self._carry_out(partial(self._library.sessions.move, session, to), "")

    def tell_of_failure(self, session: str, job: Job, look: Callable[[], object]) -> None:
        """Why a row failed, in full, and what can be done; `look` leads to its images."""

        def answered(answer: str | None) -> None:
            if answer == _AGAIN:
                again = partial(self._library.sessions.retry, session, [job.row])
                self._carry_out(again, f"row {job.row} retried")
            elif answer == _LOOK:
                look()

        choices = (_BACK, _AGAIN, *((_LOOK,) if job.done else ()))
        question = f"Row {job.row} failed: {job.error}"
        self.node.app.push_screen(Ask(question, choices=choices, note=gist(job.prompt)), answered)

    @work(thread=True, group="change")
    def pause_or_go_on(self) -> None:
        """Render nothing and free the devices, for whoever needs them; or go on, or start."""
        engine = self._library.engine
        try:
            state = engine.status()
            if state is None or state.status.paused_by_user:
                engine.resume()
            elif not state.status.renders:
                now = engine.start().status
                if not now.renders:  # the settings forbid it
                    hand_over(self._complain, f"Nothing is rendered: {now.paused}")
            else:
                engine.pause()
        except PromptsheetError as error:
            hand_over(self._complain, str(error))

    def _act(self, what: str) -> Callable[..., None]:
        sessions = self._library.sessions
        return {"stop": sessions.stop, "resume": sessions.resume, "retry": sessions.retry}[what]

    @work(thread=True, group="change")
    def _carry_out(self, command: "partial[None]", done: str) -> None:
        try:
            command()
        except PromptsheetError as error:
            hand_over(self._complain, str(error))
        else:
            if done:
                hand_over(self._say, done)

    def _say(self, words: str) -> None:
        self.node.notify(words, markup=False)

    def _complain(self, words: str) -> None:
        self.node.notify(clean(words), severity="error", markup=False)
