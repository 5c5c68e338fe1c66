"""The devices of other machines: a line each, with how busy it is and what it draws."""

from collections.abc import Mapping, Sequence

from rich.cells import cell_len, set_cell_size
from textual.content import Content
from textual.widgets import Static

from engine.api import DeviceState, Stepped
from tui.text import clean, count_text

_MOST = 4
"""Lines; the rows of the session matter more."""
_NAME_CELLS = 28
"""Of a device's name: what it draws matters more."""


def device_words(device: DeviceState, step: Stepped | None) -> str:
    """`97%  60/141 GB  row 12, image 3, step 10/30`, or why it is left alone."""
    use = device.use
    busy = ""
    if use is not None:
        used, total = (amount / 1e9 for amount in (use.used, use.total))
        busy = f"{use.percent:3.0f}%  {used:.0f}/{total:.0f} GB  "
    if device.trouble:
        return f"{busy}! {device.trouble}"
    if step is not None:
        return f"{busy}row {step.row}, image {step.variation}, step {step.step}/{step.steps}"
    return busy + (device.model or "waits for work")


def device_lines(
    devices: Sequence[DeviceState], steps: Mapping[str, Stepped], most: int
) -> list[str]:
    """A line for each device of other machines, those in trouble first.

    Args:
        devices: all that are rendered on.
        steps: device → its running batch.
        most: lines; the last says how many more there are.
    """
    there = [device for device in devices if device.node]
    there.sort(key=lambda device: not device.trouble)
    shown = there if len(there) <= most else there[: most - 1]
    names = [_name_of(device) for device in shown]
    width = max(map(cell_len, names), default=0)
    lines = [
        set_cell_size(name, width) + "  " + clean(device_words(device, steps.get(device.device)))
        for name, device in zip(names, shown, strict=True)
    ]
    if (left := len(there) - len(shown)) > 0:
        lines.append(f"{count_text(left, 'more device')}: `promptsheet engine status` lists them")
    return lines


def _name_of(device: DeviceState) -> str:
    """`gpu7/cuda:0`; of a long name its beginning and its end."""
    name = clean(device.device)
    if cell_len(name) <= _NAME_CELLS:
        return name
    end = name[-_NAME_CELLS // 3 :]
    return set_cell_size(name, _NAME_CELLS - 1 - cell_len(end)) + "…" + end


class NodeDevices(Static):
    """These lines; nothing, where only this machine renders."""

    DEFAULT_CSS = """
    NodeDevices { display: none; height: auto; padding: 0 1; color: $text-muted;
                  text-wrap: nowrap; text-overflow: ellipsis; }
    NodeDevices.-there { display: block; }
    """

    def __init__(self) -> None:
        super().__init__(markup=False)
        self._lines: list[str] = []

    def show(self, devices: Sequence[DeviceState], steps: Mapping[str, Stepped]) -> None:
        """Show how they are, if that is not what stands there."""
        lines = device_lines(devices, steps, _MOST)
        if lines == self._lines:
            return
        layout = len(lines) != len(self._lines)
        self._lines = lines
        self.set_class(bool(lines), "-there")
        self.update(Content("\n".join(lines)), layout=layout)
