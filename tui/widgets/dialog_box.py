"""What a dialog lies in: a frame with its title, its matter, and a button for each of its keys."""

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content

from tui.keys import called
from tui.text import clean
from tui.widgets.key_line import Item, KeyLine, placed

_GAP = 1


class Buttons(KeyLine):
    """The keys of a dialog as buttons; a click is as good as the key."""

    DEFAULT_CSS = """
    Buttons {
        dock: none;
        margin-top: 1;
        background: $surface;
        & > .key-line--key { background: $panel; }
        & > .key-line--words { background: $panel; color: $foreground; }
        & > .key-line--off { background: $panel; }
        & > .key-line--hover {
            background: $block-cursor-background; color: $block-cursor-foreground;
        }
    }
    """

    def __init__(self, enter: str) -> None:
        super().__init__()
        self._enter = enter

    def arranged(
        self,
        items: Sequence[Item],
        always: Sequence[Item],  # noqa: ARG002
        width: int,
    ) -> list[tuple[range, Item]]:
        """What enter does comes first: the field that is written in has that key."""
        if self._enter:
            others = [item for item in items if item.key != "enter"]
            items = [Item("enter", called("enter"), self._enter), *others]
        return placed(items, (), width, gap=_GAP)


class DialogBox(Vertical):
    """A title in the frame, the matter, and below it the buttons."""

    DEFAULT_CSS = """
    DialogBox {
        width: 80%; max-width: 90; height: auto; max-height: 90%;
        background: $surface; border: round $border; padding: 0 1;
        border-title-color: $foreground; border-title-style: bold;
        & > .question { height: auto; margin-bottom: 1; text-style: bold; }
        & Input, & Input:focus {
            height: 1; border: none; padding: 0 1; background: $panel;
        }
        & OptionList, & OptionList:focus {
            height: auto; border: none; padding: 0; background: $surface;
        }
        & TextArea, & TextArea:focus { border: none; padding: 0 1; background: $panel; }
        & RadioSet, & RadioSet:focus, & Checkbox, & Checkbox:focus {
            border: none; background: $surface; padding: 0;
        }
        & ToggleButton > .toggle--button, & RadioSet > RadioButton > .toggle--button {
            color: $panel; background: $panel;
        }
        & ToggleButton.-on > .toggle--button, & RadioSet > RadioButton.-on > .toggle--button {
            color: $text-success;
        }
        & OptionList, & TextArea, & DirectoryTree { scrollbar-size-vertical: 1; }
        & .note { color: $text-muted; height: auto; }
    }
    """

    def __init__(self, title: str, *, enter: str = "", id: str | None = None) -> None:  # noqa: A002
        """The box.

        Args:
            title: what the dialog is for.
            enter: what the enter key does, in a word or two; empty: nothing of its own.
            id: of the widget.
        """
        super().__init__(id=id)
        self._enter = enter
        self.border_title = Content(clean(title))

    def compose(self) -> ComposeResult:
        """After what is put into it."""
        yield Buttons(self._enter)
