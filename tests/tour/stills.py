"""One picture of each screen: how it is come to."""

from collections.abc import Awaitable, Callable

from tests.support.screens import screen_text, settled, until
from tests.tour.acts import Tour
from tui.app import PromptsheetApp
from tui.app_state import TakeInHand


async def _welcome(tour: Tour) -> None:
    await _area(tour, "sheet", "first-light")
    await tour.press("welcome.down", times=2)


async def _sheet(tour: Tour) -> None:
    await until(tour.pilot, lambda: "spring-postcards" in screen_text(tour.pilot.app))
    await tour.press("sheet.next", times=2)


async def _area(tour: Tour, area: str, words: str) -> None:
    await settled(tour.pilot)
    await tour.press(f"app.{area}")
    await until(tour.pilot, lambda: words in screen_text(tour.pilot.app))
    await settled(tour.pilot)


async def _reviewed(tour: Tour, name: str) -> None:
    """Review a session whose name begins so."""
    app = tour.pilot.app
    assert isinstance(app, PromptsheetApp)
    await settled(tour.pilot)
    found = [s for s in app.app_state.library.sessions.all() if s.name.startswith(name)]
    app.post_message(TakeInHand(found[0].session, "review"))
    await until(tour.pilot, lambda: found[0].name in screen_text(app))
    await settled(tour.pilot)


async def _sessions(tour: Tour) -> None:
    await _area(tour, "sessions", "first-light")


async def _review(tour: Tour) -> None:
    await _reviewed(tour, "first-light")
    await tour.press("contact.right", times=4)


async def _image_to_image(tour: Tour) -> None:
    await _reviewed(tour, "a lighthouse")
    await tour.press("review.open")


async def _models(tour: Tour) -> None:
    await _area(tour, "models", "builtin")
    await tour.press("models.pull")


async def _settings(tour: Tour) -> None:
    await _area(tour, "settings", "Settings")


STILLS: dict[str, Callable[[Tour], Awaitable[None]]] = {
    "welcome": _welcome,
    "sheet": _sheet,
    "review": _review,
    "sessions": _sessions,
    "models": _models,
    "settings": _settings,
    "image-to-image": _image_to_image,
}
"""Name of a picture → what is done before it is taken. That of Jobs is taken while it renders."""
