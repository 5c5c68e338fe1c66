"""Why the job under the cursor failed, in full: a table's cell holds little of it."""

from textual.widgets import Static

from tui.text import clean


class CauseLine(Static):
    """Two lines, there while anything has failed, so that the table keeps its place."""

    DEFAULT_CSS = """
    CauseLine { display: none; height: 2; padding: 0 1; color: $text-error; }
    CauseLine.-failed { display: block; }
    """

    def __init__(self) -> None:
        super().__init__(markup=False)
        self._shown = ""

    def show(self, error: tuple[int, str] | None, *, failed: bool) -> None:
        """Show why a row failed.

        Args:
            error: the row's number, and why; None: it did not fail.
            failed: whether any row has.
        """
        self.set_class(failed, "-failed")
        text = clean(f"✗ row {error[0]}: {error[1]} · t tries again") if error else ""
        if text != self._shown:
            self._shown = text
            self.update(text, layout=False)
