"""What rows ask of an `upscale` that it cannot give: found by looking at several cells of each."""

from collections.abc import Mapping, Sequence
from typing import Any

from engine.sheet.cell_findings import Finding
from engine.sheet.columns import COLUMN, ENLARGED_STRENGTH
from engine.sheet.found import At, Judged, ProblemsAt, values_of
from engine.sheet.rows import Severity
from engine.sheet.vocabulary import Vocabulary

_ADD_ONE = " An upscaler can: `promptsheet models add FILE` adds one to your models."


def check_enlarged(
    columns: Mapping[str, Judged],
    labels: Sequence[str | None],
    vocabulary: Vocabulary,
    found: ProblemsAt,
) -> None:
    """Find what cannot be enlarged, and upscalers that are not told to.

    Args:
        columns: judged.
        labels: each row's model; None where it is not known.
        vocabulary: the models.
        found: where findings go.
    """
    asked = columns.get("upscale")
    at = asked or columns.get("model") or columns["prompt"]
    count = len(labels)
    factors = values_of(columns, "upscale", "", count)
    pictures = values_of(columns, "image", None, count)
    images = columns["image"].texts if "image" in columns else [""] * count
    upscalers = [label for label, model in vocabulary.models.items() if model.draws_on == "size"]

    def add(line: int, column: Judged, severity: Severity, message: str, *offered: str) -> None:
        found[line].append(At(column.at, column.name, Finding(severity, message, offered)))

    for line, (label, factor) in enumerate(zip(labels, factors, strict=True)):
        model = vocabulary.models[label] if label else None
        enlarges = model is not None and model.draws_on == "size"
        if not factor:
            if enlarges and images[line] and not (asked and line in asked.found):
                message = f"The model {label} only enlarges pictures: write 2 or 4 in upscale."
                add(line, at, Severity.ERROR, message, *(("2", "4") if asked else ()))
            continue
        if not images[line]:
            if enlarges:
                message = (
                    f"The model {label} only enlarges pictures: name a picture in the column"
                    " image, or choose a model that draws."
                )
                add(line, at, Severity.ERROR, message)
            elif label and (why := _why_not_drawn_larger(columns, line, label, vocabulary)):
                add(line, at, Severity.ERROR, why, *(("2", "") if factor == "4" else ("",)))
            continue
        for name in ("width", "height", "aspect_ratio"):
            if name in columns and columns[name].texts[line]:
                message = "The column upscale already sets the size: clear this cell or that one."
                add(line, columns[name], Severity.ERROR, message, "")
        if model is None or (picture := pictures[line]) is None:
            continue
        able = f" An upscaler can: {', '.join(upscalers)}." if upscalers else _ADD_ONE
        if model.draws_on in ("", "words"):
            message = f"The model {label} cannot redraw a picture larger.{able}"
            add(line, at, Severity.ERROR, message)
            continue
        wide, high = (side * int(factor) for side in (picture.width, picture.height))
        try:
            size = model.enlarged(wide, high)[:2] if model.enlarged else (wide, high)
        except ValueError as error:
            message = f"{error} Use a smaller picture." if enlarges else f"{error}{able}"
            add(line, at, Severity.ERROR, message, *(("2",) if factor == "4" else ()))
            continue
        if size != (wide, high):
            message = (
                f"It will be {size[0]} × {size[1]}, the nearest size the model {label} can draw."
            )
            add(line, at, Severity.WARNING, message)
        steps = columns.get("steps")
        if enlarges and steps and steps.texts[line]:
            message = f"The model {label} uses no steps, so this has no effect."
            add(line, steps, Severity.WARNING, message, "")
        numbers = columns.get("num_images")
        if enlarges and numbers and numbers.texts[line] and numbers.values[line] > 1:
            message = f"The model {label} always makes the same image: one is enough."
            add(line, numbers, Severity.WARNING, message, "1")


def _why_not_drawn_larger(
    columns: Mapping[str, Judged], line: int, label: str, vocabulary: Vocabulary
) -> str:
    """Why what a row draws from its words alone cannot be enlarged then; empty: it can."""

    def cell(name: str) -> Any:
        default = COLUMN["rendering"].default if name == "rendering" else None
        return columns[name].values[line] if name in columns else default

    model, upscaler = vocabulary.models[label], vocabulary.upscaler
    if not upscaler and model.draws_on != "strength":
        return f"The model {label} cannot redraw an image larger.{_ADD_ONE}"
    scheduler = cell("scheduler")
    if not upscaler and scheduler and scheduler not in model.schedulers_on_pictures:
        return f"The model {label} cannot redraw an image larger with {scheduler}.{_ADD_ONE}"
    least = 0.0 if upscaler else model.least_strength(cell("rendering"), cell("steps"))
    if least > ENLARGED_STRENGTH:
        return (
            f"Redrawing an image larger uses {ENLARGED_STRENGTH:g} of its steps, and with so few"
            f" that is less than one. Use more steps or an upscaler.{_ADD_ONE}"
        )
    enlarged = vocabulary.models[upscaler or label].enlarged
    if model.size is None or enlarged is None:
        return ""
    shape = columns["aspect_ratio"].values[line] if "aspect_ratio" in columns else (1, 1)
    try:
        width, height = model.size(cell("width"), cell("height"), f"{shape[0]}:{shape[1]}")
    except ValueError:
        return ""  # `check_pixels` says it
    factor = int(columns["upscale"].values[line])
    try:
        enlarged(width * factor, height * factor)
    except ValueError as error:
        return str(error) if upscaler else f"{error}{_ADD_ONE}"
    return ""
