"""The process that talks to the Hub: it says what a repository is, and pulls it when told to.

Started by `engine.models.hub.pulling`, which may kill it at any time; it ends with whoever started
it. What it says are lines of JSON; nothing else that a library prints gets out of it.
"""

import os
import shutil
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import msgspec

from engine.library_folder import nearest
from engine.models.hub.connection import Hub
from engine.models.hub.fetching import Fetch, bytes_here, folder_of
from engine.models.hub.lookup import ask
from engine.models.hub.messages import HubReply, HubRequest, PullPlan
from engine.models.hub.repository import PullError


def main() -> None:
    """Do what stdin says: a `HubRequest`, then, as soon as it is to be pulled, any other line."""
    answers = os.fdopen(os.dup(1), "wb")
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)

    def say(told: HubReply) -> None:
        answers.write(msgspec.json.encode(told) + b"\n")
        answers.flush()

    wish = msgspec.json.decode(sys.stdin.buffer.readline(), type=HubRequest)
    wanted = threading.Event()
    threading.Thread(target=_listen, args=(wanted,), daemon=True).start()
    carry_out(wish, say, wanted.wait)


def _listen(wanted: threading.Event) -> None:
    """Hear that it is to be pulled; without anyone who could say so, end."""
    while sys.stdin.buffer.readline():
        wanted.set()
    os._exit(0)


def carry_out(
    wish: HubRequest, say: Callable[[HubReply], None], wait: Callable[[], object]
) -> None:
    """Ask, wait until it is wanted, and pull.

    Args:
        wish: what is asked.
        say: told all that is to be known.
        wait: returns as soon as it is to be pulled.
    """
    try:
        models = Path(wish.models)
        hub = Hub(wish.repository)
        found = ask(hub, wish.repository)
        free = shutil.disk_usage(nearest(models)).free
        folder, here = str(folder_of(found, models)), bytes_here(found, models)
        plan = PullPlan(found, folder, here, free, wish.reserve)
        say(HubReply(plan=plan))
        wait()
        if plan.room_fault:
            raise PullError(plan.room_fault)
        Fetch(hub, found, models, wish.reserve, lambda p: say(HubReply(progress=p))).run()
        say(HubReply(pulled=True))
    except PullError as error:
        say(HubReply(refused=str(error)))
    except Exception as error:
        # Its text may hold anything; where it was raised does not.
        trace, where = error.__traceback__, ""
        while trace is not None:
            code = trace.tb_frame.f_code
            where = f"{Path(code.co_filename).name}, line {trace.tb_lineno}"
            trace = trace.tb_next
        reason = f"Pulling failed in an unexpected way ({type(error).__name__}, {where})."
        say(HubReply(refused=reason))
