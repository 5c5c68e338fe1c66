"""Copies of images in a folder on this machine, asked for by its path."""

from collections.abc import Collection
from pathlib import Path

from engine.api import Copied, Library, PromptsheetError
from tui.screens.ask import Ask
from tui.screens.open_sheet import PathSuggester
from tui.text import clean, count_text, size_text
from tui.typed_path import typed_path
from tui.workers import hand_over, work


class _CancelledError(Exception):
    """The user wants no more of it."""


class CopyImages(Ask):
    """Ends with the folder, or None; escape leaves off while it copies."""

    def __init__(self, images: Collection[str], library: Library, folder: Path) -> None:
        """A question.

        Args:
            images: their ids.
            library: whose they are.
            folder: what is offered.
        """
        super().__init__(
            f"Copy {count_text(len(images), 'image')} to which folder?",
            str(folder),
            note="→ completes · it is made if need be · nothing there is replaced",
            suggester=PathSuggester(()),
        )
        self._images = images
        self._library = library
        self._copying = self._cancelled = False

    def answer(self, answer: str) -> None:
        """Copy, in a thread."""
        if answer.strip() and not self._copying:
            self._copying, self._cancelled = True, False
            self._copy(typed_path(answer))

    @work(thread=True, exclusive=True)
    def _copy(self, folder: Path) -> None:
        try:
            copied = self._library.images.copy(self._images, folder, self._progress)
        except _CancelledError:
            hand_over(self._stopped, "Left off; what was copied is there.")
        except (PromptsheetError, OSError) as error:
            hand_over(self._stopped, str(error))
        else:
            hand_over(self._copied, copied, folder)

    def _progress(self, done: int, total: int) -> None:
        if self._cancelled:
            raise _CancelledError
        if done % 50 == 0:
            hand_over(self.say, f"{done:,} of {total:,} …")

    def _stopped(self, words: str) -> None:
        self._copying = False
        self.say(words)

    def _copied(self, copied: Copied, folder: Path) -> None:
        self.notify(clean(copied_words(copied, folder)), markup=False)
        self.dismiss(str(folder))

    def action_leave(self) -> None:
        """Leave off; without work, leave."""
        if self._copying:
            self._cancelled = True
        else:
            super().action_leave()


def copied_words(copied: Copied, folder: Path) -> str:
    """What was copied, and what could not be."""
    words = f"{count_text(len(copied.files), 'image')}, {size_text(copied.bytes)}, in {folder}"
    if copied.lost:
        words += f"; {count_text(len(copied.lost), 'image')} not finished, missing or damaged"
    return words
