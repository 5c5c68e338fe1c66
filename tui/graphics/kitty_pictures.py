"""The pictures that kitty has been sent, so that each is sent once."""

from collections import Counter, OrderedDict, deque
from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

from textual.app import App

from tui.graphics.encode import EncodedPicture, cut_short, forget
from tui.graphics.outlet import outlet_of
from tui.graphics.pacer import Sending
from tui.graphics.protocol import current
from tui.graphics.tmux import passed_on

_MOST_PIXELS = 32_000_000
"""What kitty is asked to keep, at four bytes each: well below its own limit, beyond which it
drops pictures without a word."""


class _Transmission:
    """A picture on its way to kitty. Between its messages kitty must get no other picture."""

    def __init__(self, kitty: "KittyPictures", picture: EncodedPicture, *, large: bool) -> None:
        self.picture = picture
        self.large = large
        self.has_begun = False
        self.came: list[Callable[[], None]] = []
        """To be called when it is there."""
        self._kitty = kitty
        self._left = deque(picture.transmission)

    @property
    def is_over(self) -> bool:
        return not self._left or not (self.has_begun or self._kitty.is_held(self.picture))

    def piece(self) -> str:
        if not self._kitty.is_held(self.picture):
            self._left.clear()
            self.has_begun = False
            return _as_sent(cut_short(self.picture.number))
        self.has_begun = True
        message = self._left.popleft()
        if not self._left:
            self.has_begun = False
            self._kitty.take(self)
        return _as_sent(message)


class KittyPictures:
    """Those on the screen stay, and of the others as many of the latest as there is room for."""

    def __init__(
        self,
        send: Callable[[Sending], None],
        write: Callable[[str], None],
        most_pixels: int = _MOST_PIXELS,
    ) -> None:
        """Nothing yet.

        Args:
            send: begins to send a picture.
            write: sends something else at once.
            most_pixels: that are kept.
        """
        self._send, self._write = send, write
        self._most_pixels = most_pixels
        self._sent: OrderedDict[int, EncodedPicture] = OrderedDict()
        self._coming: dict[int, _Transmission] = {}
        self._held: Counter[int] = Counter()

    def has(self, picture: EncodedPicture) -> bool:
        """Whether the terminal has what must have been sent before the picture is drawn."""
        return not picture.number or picture.number in self._sent

    def is_held(self, picture: EncodedPicture) -> bool:
        """Whether it is on the screen, or to be."""
        return self._held[picture.number] > 0

    def hold(
        self,
        picture: EncodedPicture,
        came: Callable[[], None] = lambda: None,
        *,
        large: bool = False,
    ) -> None:
        """Send it, unless kitty has it, and see that it stays.

        Args:
            picture: it.
            came: is called if it comes only later.
            large: it waits for others, as long as nobody asks for it who does not.
        """
        number = picture.number
        if not number:
            return
        self._held[number] += 1
        if number in self._sent:
            self._sent.move_to_end(number)
            return
        coming = self._coming.get(number)
        if coming is None or coming.is_over:
            coming = self._coming[number] = _Transmission(self, picture, large=large)
        coming.large &= large
        coming.came.append(came)
        self._send(coming)

    def take(self, transmission: _Transmission) -> None:
        """The last of a picture is being sent."""
        picture = transmission.picture
        self._coming.pop(picture.number, None)
        self._sent[picture.number] = picture
        for came in transmission.came:
            came()

    def send_again(self) -> None:
        """Send those on the screen once more: the terminal may be another one now."""
        held = [sent for number, sent in self._sent.items() if self._held[number]]
        self._sent.clear()
        for picture in held:
            again = self._coming[picture.number] = _Transmission(self, picture, large=False)
            self._send(again)

    def release(self, picture: EncodedPicture) -> None:
        """It may go."""
        if not picture.number:
            return
        self._held[picture.number] -= 1
        if not self._held[picture.number]:
            del self._held[picture.number]
            coming = self._coming.get(picture.number)
            if coming is not None and not coming.has_begun:
                del self._coming[picture.number]
        self._make_room()

    @property
    def held(self) -> int:
        """How many are on the screen."""
        return sum(self._held.values())

    def _make_room(self) -> None:
        pixels = sum(sent.pixels for sent in self._sent.values())
        for number in [number for number in self._sent if not self._held[number]]:
            if pixels <= self._most_pixels:
                return
            pixels -= self._sent.pop(number).pixels
            self._write(_as_sent(forget(number)))


def _as_sent(text: str) -> str:
    return passed_on(text) if current().tmux else text


_pictures: WeakKeyDictionary[App[Any], KittyPictures] = WeakKeyDictionary()


def kitty_pictures_of(app: App[Any]) -> KittyPictures:
    """The pictures that the app's terminal keeps."""
    if app not in _pictures:
        outlet = outlet_of(app)
        _pictures[app] = KittyPictures(outlet.send, outlet.write)
    return _pictures[app]
