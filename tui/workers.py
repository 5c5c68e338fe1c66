"""Work in threads and tasks whose screen may be gone when they are done.

No thread can be stopped, and a screen's widgets go before its tasks are cancelled. So whatever a
worker asks of a node that is gone, or brings to it, is dropped without a word.
"""

import inspect
import logging
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from functools import partial, wraps
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from textual._context import NoActiveAppError
from textual.dom import DOMNode
from textual.worker import Worker, get_current_worker

log = logging.getLogger(__name__)

P = ParamSpec("P")
Message = TypeVar("Message")
N = TypeVar("N", bound="DOMNode | Aide")


class Aide(Protocol):
    """What does one job for a node, and whose work goes with that node."""

    @property
    def node(self) -> DOMNode:
        """The node: a screen, say."""


class _Decorator(Protocol):
    def __call__(
        self,
        method: Callable[Concatenate[N, P], Coroutine[Any, Any, None]]
        | Callable[Concatenate[N, P], None],
        /,
    ) -> Callable[Concatenate[N, P], Worker[None]]: ...


def is_gone(node: DOMNode) -> bool:
    """Whether a node is no longer on any screen, or is just going, be it with the whole app."""
    try:
        app = node.app
    except NoActiveAppError:
        return True
    if app._exit or app.return_code is not None or not app.is_running:
        return True
    return node is not app and (node._pruning or not node.is_attached)


def work(*, thread: bool = False, exclusive: bool = False, group: str = "default") -> _Decorator:
    """As Textual's decorator of that name; but what fails once its node is gone is only logged.

    The method may be an `Aide`'s: then it is its node's work.

    Args:
        thread: whether it blocks, and so runs in a thread; from there `hand_over` alone may touch
            widgets.
        exclusive: whether it takes the place of what runs in its group.
        group: whose work it is.
    """

    def decorate(method: Any) -> Any:
        if inspect.iscoroutinefunction(method):

            async def guarded(node: DOMNode, *args: Any, **options: Any) -> None:
                with _dropped_once_gone(node):
                    await method(*args, **options)
        else:

            def guarded(node: DOMNode, *args: Any, **options: Any) -> None:  # type: ignore[misc]
                with _dropped_once_gone(node):
                    method(*args, **options)

        @wraps(method)
        def begin(owner: Any, *args: Any, **options: Any) -> Worker[None]:
            node: DOMNode = owner if isinstance(owner, DOMNode) else owner.node
            job = partial(guarded, node, owner, *args, **options)
            return node.run_worker(
                job, name=method.__name__, group=group, exclusive=exclusive, thread=thread
            )

        return begin

    return decorate


@contextmanager
def _dropped_once_gone(node: DOMNode) -> Iterator[None]:
    """What fails in here is dropped if the node is gone."""
    try:
        yield
    except Exception:
        if not is_gone(node):
            raise
        log.debug("failed after %r was gone", node, exc_info=True)


def hand_over(take: Callable[[Message], object], message: Message) -> bool:
    """From a worker's thread: give its node what was found, unless it is late.

    A worker that newer work has replaced still comes to its end, and only on the event loop is it
    certain which one is the newest.

    Args:
        take: called on the event loop; it refuses by returning False.
        message: what was found, in one piece that nobody changes: a frozen dataclass, a text or
            another plain value, a tuple of such. No widget: those are made on the event loop.

    Returns:
        Whether it was taken.
    """
    worker = get_current_worker()

    def take_if_newest(message: Message) -> bool:
        return not worker.is_cancelled and take(message) is not False

    return hand_to(worker.node, take_if_newest, message)


def hand_to(node: DOMNode, take: Callable[[Message], object], message: Message) -> bool:
    """From any thread: give a node something, unless it is gone; the worker's own may be.

    Args:
        node: whom it concerns; the app, where it is to be said whatever is on the screen.
        take: as for `hand_over`.
        message: as for `hand_over`.

    Returns:
        Whether it was taken.
    """

    def land() -> bool:
        return not is_gone(node) and take(message) is not False

    try:
        app = node.app
    except NoActiveAppError:
        return False
    return app.call_from_thread(land)
