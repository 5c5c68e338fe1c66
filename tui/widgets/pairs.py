"""Names and texts beside each other, each text within its own column however long it is."""

from collections.abc import Iterable

from rich.table import Table
from rich.text import Text
from textual.widgets import Static

from tui.text import clean


class Pairs(Static):
    """Shows pairs of a name and a text; what stands before or after them are lines alone."""

    def __init__(
        self,
        pairs: Iterable[tuple[str, str]] = (),
        *,
        id: str | None = None,  # noqa: A002
    ) -> None:
        super().__init__(_table(pairs), id=id, markup=False)

    def show(self, pairs: Iterable[tuple[str, str]], *, layout: bool = True) -> None:
        """Show other pairs.

        Args:
            pairs: names and texts; a name that is empty stands under the one before.
            layout: whether its height may be another then.
        """
        self.update(_table(pairs), layout=layout)


def _table(pairs: Iterable[tuple[str, str]]) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, text in pairs:
        table.add_row(Text(clean(name)), Text(clean(text)))
    return table
