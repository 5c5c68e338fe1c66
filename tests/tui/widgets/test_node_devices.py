"""The devices of other machines, as the top line and Jobs show them."""

from engine.protocol.answers import DeviceState
from engine.protocol.cluster import Use
from engine.protocol.events import Stepped
from tui.widgets.gauges import nodes_gauge
from tui.widgets.node_devices import device_lines

GB = 10**9


def on(node: str, number: int = 0, trouble: str = "", busy: float | None = 90) -> DeviceState:
    use = None if busy is None else Use(busy, 60 * GB, 140 * GB)
    return DeviceState(f"{node}/cuda:{number}", node, "sdxl", use, trouble)


HERE = DeviceState("cuda:0", "", "sdxl", None)


def test_the_top_line_sums_up_what_other_machines_do() -> None:
    devices = [HERE, on("a"), on("a", 1, busy=70), on("b", busy=None)]
    assert nodes_gauge(devices) == (
        "3 devices on 2 nodes 80% 120/280 GB",
        "2 nodes 80%",
    )
    assert nodes_gauge([on("b", busy=None)]) == ("1 device on 1 node", "1 node")


def test_each_device_of_another_machine_has_a_line_with_what_it_draws() -> None:
    steps = {"a/cuda:0": Stepped("k3f9x2", "a/cuda:0", 12, 3, 1, 10, 30)}
    assert device_lines([HERE], steps, 4) == []
    assert device_lines([HERE, on("a"), on("node2")], steps, 4) == [
        "a/cuda:0       90%  60/140 GB  row 12, image 3, step 10/30",
        "node2/cuda:0   90%  60/140 GB  sdxl",
    ]
    wide = device_lines([on("計算機"), on("a")], {}, 4)
    assert wide == ["計算機/cuda:0   90%  60/140 GB  sdxl", "a/cuda:0        90%  60/140 GB  sdxl"]


def test_a_long_name_leaves_room_for_what_is_drawn() -> None:
    steps = {"a/cuda:0": Stepped("k3f9x2", "a/cuda:0", 12, 3, 1, 10, 30)}
    first, second = device_lines([on("a"), on("計算機-7.render.studio.example")], steps, 4)
    assert second.startswith("計算機-7.render.s…ple/cuda:0  ") and "row 12" in first[:60]


def test_of_many_those_in_trouble_are_seen_and_the_rest_is_counted() -> None:
    many = [*(on(f"n{number}") for number in range(9)), on("bad", trouble="\x1b[31mno model there")]
    lines = device_lines(many, {}, 4)
    assert len(lines) == 4
    assert lines[0].startswith("bad/cuda:0") and "no model there" in lines[0]
    assert "\x1b" not in lines[0]
    assert lines[-1].startswith("7 more devices")
