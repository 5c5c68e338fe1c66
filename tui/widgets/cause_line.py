"""Why the job under the cursor failed, in full; or what the session waits to be told."""

from textual.widgets import Static

from tui.text import clean


class CauseLine(Static):
    """Two lines, there while anything has failed or is asked: so the table keeps its place."""

    DEFAULT_CSS = """
    CauseLine { display: none; height: 2; padding: 0 1; color: $text-error; }
    CauseLine.-failed { display: block; }
    """

    def __init__(self) -> None:
        super().__init__(markup=False)
        self._shown = ""

    def show(self, error: tuple[int, str] | None, *, failed: bool, asked: str = "") -> None:
        """Show why a row failed.

        Args:
            error: the row's number, and why; None: it did not fail.
            failed: whether any row has.
            asked: what the session waits to be told; comes first.
        """
        self.set_class(failed or bool(asked), "-failed")
        text = clean(f"✗ row {error[0]}: {error[1]} · t tries again") if error else ""
        text = clean(f"■ {asked} · r asks how to go on") if asked else text
        if text != self._shown:
            self._shown = text
            self.update(text, layout=False)
