"""Rows as they are read from a message: what no checker sends is refused by name."""

from typing import Any, get_args

import msgspec
import pytest

from engine.picture.source_files import FITS
from engine.protocol import answers, cluster, commands, events, rendering, requests, rewriting
from engine.protocol.commands import IllFormedRowError, RequestedRow, RowsSource, Submit
from engine.sheet import child_messages
from engine.sheet.columns import COLUMN
from engine.sheet.rows import LoraWeight, RowValues, SourcePicture
from tests.support.rows import values

PICTURE = SourcePicture("/photos/a.jpg", "0123456789abcdef" * 2, 600, 400)
LEGAL = RequestedRow(
    12,
    {"prompt": "a boat"},
    {"id": "7"},
    values(image=PICTURE, mask=PICTURE, lora=(LoraWeight("ink", -4.0),), scheduler="euler"),
)


def read(row: object) -> list[RequestedRow]:
    """The rows that arrive of two, the second of which is `row`."""
    rows = [msgspec.Raw(msgspec.json.encode(each)) for each in (LEGAL, row)]
    return list(Submit("a test", RowsSource("typed"), rows).requested())


def changed(**values: object) -> dict[str, Any]:
    """The legal row with other values, as it would be on the wire."""
    body: dict[str, Any] = msgspec.to_builtins(LEGAL)
    return body | {"values": body["values"] | values}


def test_what_the_checker_gives_arrives_as_it_was() -> None:
    assert read(LEGAL) == [LEGAL, LEGAL]
    assert read(changed(upscale="4", width=4 * 20_000, height=8))[1].values.width == 80_000


NUMBERS = ("num_images", "seed_number", "steps", "guidance", "strength")


@pytest.mark.parametrize("name", NUMBERS)
def test_a_number_out_of_its_columns_range_is_refused(name: str) -> None:
    column = COLUMN[name]
    for number in (column.minimum, column.maximum):
        assert getattr(read(changed(**{name: number}))[1].values, name) == number
    for number in (column.minimum - 1, column.maximum + 1):
        with pytest.raises(IllFormedRowError, match=f"^Row 12, {name}: .+"):
            read(changed(**{name: number}))


CHOICES = ("visibility", "rendering", "scheduler", "fit", "upscale")


@pytest.mark.parametrize("name", CHOICES)
def test_what_is_none_of_a_columns_choices_is_refused(name: str) -> None:
    for choice in COLUMN[name].choices:
        assert getattr(read(changed(**{name: choice}))[1].values, name) == choice
    with pytest.raises(IllFormedRowError, match=f"^Row 12, {name}: .*nope"):
        read(changed(**{name: "nope"}))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("aspect_ratio", "abc"),
        ("aspect_ratio", "0:1"),
        ("aspect_ratio", "1" * 5000 + ":1"),
        ("width", -4),
        ("height", 0),
        ("color_palette", ["#000000"] * 6),
        ("lora", [["ink", 4.5]]),
        ("lora", [["ink"]]),
        ("image", {"path": "a.png", "digest": "../../../a", "width": 1, "height": 1}),
        ("mask", {"path": "a.png", "digest": "ab" * 16, "width": 0, "height": 1}),
        ("prompt", None),
        ("magic_prompt", "on"),
    ],
    ids=lambda each: str(each)[:20],
)
def test_other_values_that_cannot_be_are_refused(name: str, value: object) -> None:
    with pytest.raises(IllFormedRowError, match=f"^Row 12, {name}"):
        read(changed(**{name: value}))


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (changed(stepz=3), "Row 12, values: .*`stepz`"),
        (changed(image=msgspec.to_builtins(PICTURE) | {"alt": ""}), "Row 12, image: .*`alt`"),
        (msgspec.to_builtins(LEGAL) | {"gird": []}, "Row 12: .*`gird`"),
        (
            msgspec.to_builtins(LEGAL) | {"grid": [changed(steps=0)["values"]]},
            r"Row 12, grid\[0\].steps",
        ),
        (msgspec.to_builtins(LEGAL) | {"number": -5}, "Row 2 of those sent, number"),
        (msgspec.to_builtins(LEGAL) | {"number": 2**80}, "Row 2 of those sent, number"),
        ({}, "Row 2 of those sent: .*`number`"),
        ([1], "Row 2 of those sent: "),
    ],
    ids=lambda each: str(each)[:30],
)
def test_it_is_said_which_row_and_which_field_it_was(row: object, said: str) -> None:
    with pytest.raises(IllFormedRowError, match=f"^{said}"):
        read(row)


def test_a_grid_of_more_combinations_than_a_row_can_have_is_refused() -> None:
    body = msgspec.to_builtins(LEGAL)
    with pytest.raises(IllFormedRowError, match=r"^Row 12, grid: "):
        read(body | {"grid": [body["values"]] * 1001})


@pytest.mark.parametrize(
    "source",
    [
        {"file": "a.csv", "parnt": "abc"},
        {"file": "a.csv", "kept": [[2, 2]]},
        {"file": "a.csv", "kept": [[0, 2, 1]]},
    ],
)
def test_a_source_that_cannot_be_is_refused(source: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(source, RowsSource)


def test_what_a_row_may_hold_is_told_by_its_columns() -> None:
    hints = {each.name: each.type for each in msgspec.structs.fields(RowValues)}
    for name in CHOICES:
        assert {*get_args(hints[name])} - {""} >= {*COLUMN[name].choices}
    assert COLUMN["fit"].choices == FITS


OPEN = {
    answers.Greeting,
    *(answers.Refused, answers.Underway, answers.Leaving),
    *(answers.Status, answers.LiveRenderer, answers.DeviceState, answers.Load),
    *(answers.MachineShare, cluster.Use),
}
"""What engine processes of other versions say of themselves, and that they end."""


def test_all_else_that_processes_say_has_no_field_that_is_not_known() -> None:
    modules = (answers, cluster, commands, events, rendering, requests, rewriting, child_messages)
    structs = {
        each
        for module in modules
        for each in vars(module).values()
        if isinstance(each, type) and issubclass(each, msgspec.Struct)
        if each.__module__.startswith(("engine.protocol.", "engine.sheet."))
        if not each.__name__.startswith("_")
    }
    assert {RowValues, commands.Submit, events.Standing} < structs
    assert {each for each in structs if not each.__struct_config__.forbid_unknown_fields} == OPEN
    assert SourcePicture.__struct_config__.forbid_unknown_fields
