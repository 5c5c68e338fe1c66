"""Frames, how long each is seen, and the moving picture of them."""

from pathlib import Path

from PIL import Image, ImageChops, ImageDraw

from tests.tour.painting import CELL, font

_BAR = 26
"""Pixels of the bar above the screen, in which the pressed key stands."""
_BAR_COLOUR, _TEXT, _KEY = (44, 44, 48), (170, 170, 176), (255, 214, 102)
_LEAST_MS = 40


class Film:
    """A window with a bar, and what is seen in it one after the other."""

    def __init__(self, title: str) -> None:
        """Args: title: what stands in the bar."""
        self._title = title
        self._frames: list[Image.Image] = []
        self._times: list[int] = []

    @property
    def seconds(self) -> float:
        """How long it is."""
        return sum(self._times) / 1000

    def add(self, screen: Image.Image, seconds: float, key: str = "") -> None:
        """See a screen for so long; what looks as before is the same frame, seen longer.

        Args:
            screen: as `painted` gives it.
            seconds: how long.
            key: what was pressed, for the bar.
        """
        frame, time = self.framed(screen, key), max(_LEAST_MS, round(seconds * 1000))
        if self._frames and ImageChops.difference(frame, self._frames[-1]).getbbox() is None:
            self._times[-1] += time
        else:
            self._frames.append(frame)
            self._times.append(time)

    def framed(self, screen: Image.Image, key: str = "") -> Image.Image:
        """The window around a screen."""
        window = Image.new("RGB", (screen.width, screen.height + _BAR), _BAR_COLOUR)
        draw = ImageDraw.Draw(window)
        for place, colour in enumerate(((237, 106, 94), (245, 191, 79), (98, 197, 84))):
            left = 12 + place * 18
            draw.ellipse((left, 8, left + 10, 18), fill=colour)
        draw.text((76, 4), self._title, fill=_TEXT, font=font())
        if key:
            left = screen.width - 12 - len(key) * CELL[0]
            draw.text((left, 4), key, fill=_KEY, font=font(bold=True))
        window.paste(screen, (0, _BAR))
        return window

    def write(self, path: Path) -> None:
        """As an animated WebP that starts over at its end."""
        first, *others = self._frames
        first.save(
            path,
            "WEBP",
            save_all=True,
            append_images=others,
            duration=self._times,
            loop=0,
            lossless=True,
            quality=90,
            method=6,
        )
