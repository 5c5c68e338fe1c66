"""What can only be seen by looking at several cells: of one row, or of several rows."""

from collections.abc import Container, Mapping, Sequence

from engine.sheet.cell_findings import Finding
from engine.sheet.columns import COLUMN, DEFAULT_STRENGTH, ENLARGED_STRENGTH
from engine.sheet.enlarging import check_enlarged
from engine.sheet.found import At, Judged, ProblemsAt, values_of
from engine.sheet.ratio import allowed_suggestions, nearest_ratios
from engine.sheet.rows import Problem, Severity
from engine.sheet.table import Table, cell_text
from engine.sheet.vocabulary import Vocabulary


def require_prompts(
    columns: Mapping[str, Judged], vocabulary: Vocabulary, found: ProblemsAt
) -> None:
    """Find rows without a prompt, but for those that only enlarge a picture."""
    prompts = columns["prompt"]
    labels = values_of(columns, "model", vocabulary.default_model, len(prompts.texts))
    for line, text in enumerate(prompts.texts):
        if not text and vocabulary.models[labels[line]].draws_on != "size":
            found[line].append(At(prompts.at, "prompt", _NO_PROMPT))


def check_models(columns: Mapping[str, Judged], vocabulary: Vocabulary, found: ProblemsAt) -> None:
    """Find what rows ask of their models and these cannot do."""
    shapes = columns.get("aspect_ratio")
    models = columns.get("model")
    count = len(columns["prompt"].texts)
    labels = models.values if models else [vocabulary.default_model] * count
    unknown = {
        line
        for line, findings in (models.found.items() if models else ())
        if any(finding.severity is Severity.ERROR for finding in findings)
    }
    if shapes:
        asked = [
            (None if line in unknown else label, shape)
            for line, (label, shape) in enumerate(zip(labels, shapes.values, strict=True))
        ]
        too_wide = {pair: each for pair in set(asked) if (each := _too_wide(*pair, vocabulary))}
        for line, pair in enumerate(asked) if too_wide else ():
            if pair in too_wide:
                found[line].append(At(shapes.at, shapes.name, too_wide[pair]))
        for line in shapes.found:
            most = vocabulary.models[labels[line]].max_ratio
            found[line] = [
                each._replace(finding=allowed_suggestions(each.finding, most))
                if each.at == shapes.at
                else each
                for each in found[line]
            ]
    known = [None if line in unknown else label for line, label in enumerate(labels)]
    check_negatives(columns, known, vocabulary, found)
    check_schedulers(columns, known, vocabulary, found)
    check_guidances(columns, known, vocabulary, found)
    check_strangers(columns, known, vocabulary, found)
    check_pictures_named(columns, known, vocabulary, found)
    check_enlarged(columns, known, vocabulary, found)
    check_pixels(columns, known, vocabulary, found)
    check_loras(columns, known, vocabulary, found)


def check_negatives(
    columns: Mapping[str, Judged],
    labels: Sequence[str | None],
    vocabulary: Vocabulary,
    found: ProblemsAt,
) -> None:
    """Find negative prompts that change nothing.

    Args:
        columns: judged.
        labels: each row's model; None where it is not known.
        vocabulary: the models.
        found: where findings go.
    """
    negatives = columns.get("negative_prompt")
    if not negatives:
        return
    renderings = values_of(columns, "rendering", COLUMN["rendering"].default, len(labels))
    guidances = values_of(columns, "guidance", None, len(labels))
    for line, (label, text, rendering, guidance) in enumerate(
        zip(labels, negatives.values, renderings, guidances, strict=True)
    ):
        if text and label and not vocabulary.models[label].heeds_negative(rendering, guidance):
            message = (
                f"The model {label} ignores negative prompts. Say in the prompt what to show"
                " instead: “an empty street”, not “no people”."
                if vocabulary.models[label].captions
                else f"The model {label} ignores the negative prompt here. Choose a model that"
                " uses it, and a high enough guidance."
            )
            warning = Finding(Severity.WARNING, message)
            found[line].append(At(negatives.at, negatives.name, warning))


def check_schedulers(
    columns: Mapping[str, Judged],
    labels: Sequence[str | None],
    vocabulary: Vocabulary,
    found: ProblemsAt,
) -> None:
    """Find schedulers that a row's model cannot use; arguments as for `check_negatives`."""
    schedulers = columns.get("scheduler")
    pictures = columns["image"].texts if "image" in columns else ()
    for line, name in enumerate(schedulers.values if schedulers else ()):
        label = labels[line]
        if not (schedulers and name and label):
            continue
        model, on = vocabulary.models[label], " on a picture" if any(pictures[line:][:1]) else ""
        able = model.schedulers_on_pictures if on else model.schedulers
        if name not in able:
            rest = (
                f"It can use {', '.join(able)}."
                if able
                else "Leave the cell empty to use the model's own."
            )
            message = f"The model {label} cannot use {name}{on}. {rest}"
            error = Finding(Severity.ERROR, message, able[:1] or ("",))
            found[line].append(At(schedulers.at, schedulers.name, error))


def check_guidances(
    columns: Mapping[str, Judged],
    labels: Sequence[str | None],
    vocabulary: Vocabulary,
    found: ProblemsAt,
) -> None:
    """Find guidance that changes nothing; arguments as for `check_negatives`."""
    guidances = columns.get("guidance")
    for line, guidance in enumerate(guidances.values if guidances else ()):
        label = labels[line]
        if guidances and guidance is not None and label and not vocabulary.models[label].guides:
            message = f"The model {label} ignores guidance."
            warning = Finding(Severity.WARNING, message)
            found[line].append(At(guidances.at, guidances.name, warning))


def check_strangers(
    columns: Mapping[str, Judged],
    labels: Sequence[str | None],
    vocabulary: Vocabulary,
    found: ProblemsAt,
) -> None:
    """Find models that cannot be drawn with here; say once of each kind nobody knows; alike."""
    told: set[str] = set()
    at = columns.get("model") or columns["prompt"]
    for line, label in enumerate(labels):
        if not label:
            continue
        model = vocabulary.models[label]
        if model.lack:
            lack = Finding(Severity.ERROR, f"The model {label} {model.lack}.")
            found[line].append(At(at.at, at.name, lack))
        if model.stranger and label not in told:
            told.add(label)
            message = (
                f"Promptsheet does not know this kind of model ({model.stranger}, used by"
                f" {label}): some settings may have no effect, and images rendered together may"
                " influence each other."
            )
            found[line].append(At(at.at, at.name, Finding(Severity.WARNING, message)))


def check_pictures_named(
    columns: Mapping[str, Judged],
    labels: Sequence[str | None],
    vocabulary: Vocabulary,
    found: ProblemsAt,
) -> None:
    """Find rows without the picture that their model cannot do without; arguments alike."""
    images = columns.get("image")
    at = images or columns.get("model") or columns["prompt"]
    for line, label in enumerate(labels):
        if not label or not vocabulary.models[label].needs_picture:
            continue
        if images is None or not images.texts[line]:
            message = f"The model {label} only edits pictures: name one in the column image."
            found[line].append(At(at.at, at.name, Finding(Severity.ERROR, message)))


def check_pixels(
    columns: Mapping[str, Judged],
    labels: Sequence[str | None],
    vocabulary: Vocabulary,
    found: ProblemsAt,
) -> None:
    """Find widths and heights that a row's model cannot draw, or only nearly; arguments alike."""
    sides = [columns[name] for name in ("width", "height") if name in columns]
    if not sides:
        return
    count = len(labels)
    ratios = values_of(columns, "aspect_ratio", (1, 1), count)
    widths, heights = (values_of(columns, name, None, count) for name in ("width", "height"))
    for line, (label, width, height) in enumerate(zip(labels, widths, heights, strict=True)):
        size = vocabulary.models[label].size if label else None
        if size is None or (width is None and height is None):
            continue
        at = next(side for side in sides if side.values[line] is not None)
        try:
            wide, high = size(width, height, "{}:{}".format(*ratios[line]))
        except ValueError as error:
            found[line].append(At(at.at, at.name, Finding(Severity.ERROR, str(error))))
            continue
        if (width or wide, height or high) != (wide, high):
            message = f"It will be {wide} × {high}, the nearest size the model {label} can draw."
            found[line].append(At(at.at, at.name, Finding(Severity.WARNING, message)))


def check_loras(
    columns: Mapping[str, Judged],
    labels: Sequence[str | None],
    vocabulary: Vocabulary,
    found: ProblemsAt,
) -> None:
    """Find LoRAs that a row's model cannot have, or whose words its prompt lacks; alike."""
    loras, prompts = columns.get("lora"), columns["prompt"]
    if not loras:
        return
    finals = columns["final_prompt"].texts if "final_prompt" in columns else [""] * len(labels)
    able = [label for label, model in vocabulary.models.items() if model.takes_loras]
    for line, asked in enumerate(loras.values):
        names = [name for name, weight in asked if weight]
        if not names:
            continue
        prompt = (finals[line] or prompts.texts[line]).casefold()
        for name in names:
            words = vocabulary.loras[name].words
            if words and prompt and not any(word.casefold() in prompt for word in words):
                message = (
                    f"The LoRA {name} was trained with the words {', '.join(words)}, and the"
                    " prompt has none of them: it may have little effect."
                )
                offered = () if finals[line] else (f"{prompts.texts[line]}, {words[0]}",)
                warning = Finding(Severity.WARNING, message, offered)
                found[line].append(At(prompts.at, prompts.name, warning))
        label = labels[line]
        if label is None:
            continue
        if not vocabulary.models[label].takes_loras:
            others = f" Models that can: {', '.join(able)}." if able else ""
            why = f"The model {label} cannot use LoRAs.{others}"
        else:
            whys = (vocabulary.loras[name].why_not(label) for name in names)
            why = next(filter(None, whys), "")
        if why:
            found[line].append(At(loras.at, loras.name, Finding(Severity.ERROR, why)))


def check_sources(columns: Mapping[str, Judged], vocabulary: Vocabulary, found: ProblemsAt) -> None:
    """Find what rows ask of a picture that their models cannot do with one, or that is not there.

    Args:
        columns: judged.
        vocabulary: the models.
        found: where findings go.
    """
    if not columns.keys() & {"image", "strength", "mask"}:
        return
    count = len(columns["prompt"].texts)
    texts = {
        name: columns[name].texts if name in columns else [""] * count
        for name in ("image", "strength", "mask")
    }
    labels = values_of(columns, "model", vocabulary.default_model, count)
    strengths = values_of(columns, "strength", None, count)
    renderings = values_of(columns, "rendering", COLUMN["rendering"].default, count)
    steps = values_of(columns, "steps", None, count)
    factors = values_of(columns, "upscale", "", count)

    def add(line: int, name: str, severity: Severity, message: str, *offered: str) -> None:
        finding = Finding(severity, message, offered)
        found[line].append(At(columns[name].at, name, finding))

    draw_on = {label: model.draws_on for label, model in vocabulary.models.items()}
    able = [label for label, how in draw_on.items() if how in ("strength", "words")]
    for line, label in enumerate(labels):
        model = vocabulary.models[label]
        image, strength, mask = (texts[name][line] for name in ("image", "strength", "mask"))
        if not image:
            if strength:
                message = "This has no effect without a picture in the column image."
                add(line, "strength", Severity.WARNING, message)
            if mask:
                message = "A mask needs a picture: name one in the column image."
                add(line, "mask", Severity.ERROR, message)
            continue
        if not model.draws_on and factors[line]:
            continue  # `check_enlarged` says it
        if not model.draws_on:
            others = f" Models that can: {', '.join(able)}." if able else ""
            message = f"The model {label} cannot use a source picture.{others}"
            add(line, "image", Severity.ERROR, message)
            continue
        if mask and not model.masks:
            add(line, "mask", Severity.ERROR, f"The model {label} ignores masks.")
        if model.draws_on != "strength":
            if strength:
                message = (
                    f"The model {label} decides from the prompt what to change and ignores this."
                )
                if model.draws_on == "size":
                    message = f"The model {label} only enlarges pictures, so this has no effect."
                add(line, "strength", Severity.WARNING, message)
            continue
        least = model.least_strength(renderings[line], steps[line])
        usual = ENLARGED_STRENGTH if factors[line] else DEFAULT_STRENGTH
        asked = usual if strengths[line] is None else strengths[line]
        bad = line in columns["strength"].found if strength else False
        if asked < least and not bad:
            message = (
                f"{asked:g} of so few steps is less than one step, so nothing would change. Use a"
                f" strength of at least {least:g}, or more steps."
            )
            name = "strength" if strength else "image"
            add(line, name, Severity.ERROR, message, *([f"{least:g}"] if strength else []))


def _too_wide(label: str | None, shape: tuple[int, int], vocabulary: Vocabulary) -> Finding | None:
    """What is wrong with a shape for a model; for None, where the model is not known, for all."""
    width, height = shape
    limits = [vocabulary.models[label]] if label else vocabulary.models.values()
    most = max(model.max_ratio for model in limits)
    if max(shape) <= min(shape) * most * (1 + 1e-9):
        return None
    way, limit = ("wider", f"{most:g}:1") if width > height else ("taller", f"1:{most:g}")
    return Finding(
        Severity.ERROR,
        f"{width}:{height} is {way} than {f'the model {label}' if label else 'any model'} can draw"
        f" (up to {limit}).",
        (limit,) if most == int(most) else nearest_ratios(width / height, most),
    )


def check_visibility(
    columns: Mapping[str, Judged], vocabulary: Vocabulary, found: ProblemsAt
) -> None:
    """Find rows for others that these would not find."""
    column = columns.get("visibility")
    for line, visibility in enumerate(column.values if column and vocabulary.unshared else ()):
        if column and visibility == "public":
            message = (
                f"Others cannot read these images: {vocabulary.unshared}. Public images need a"
                " shared folder: set share.folder in the settings before starting."
            )
            found[line].append(At(column.at, column.name, Finding(Severity.WARNING, message)))


def check_widths(table: Table, found: ProblemsAt) -> None:
    """Find lines of a text file with more cells than there are columns."""
    width = len(table.header)
    for line, (_, cells) in enumerate(table.lines):
        if len(cells) > width and any(cell_text(cell).strip() for cell in cells[width:]):
            message = (
                f"This row has {len(cells)} cells for {width} columns, so some may be in the"
                " wrong one. Put quote marks around a cell that contains a comma (or whatever"
                ' separates the cells): "a red boat, at sunset".'
            )
            found[line].append(At(width, None, Finding(Severity.ERROR, message)))


def check_doubles(
    table: Table,
    columns: Mapping[str, Judged],
    bad: Container[int],
    found: ProblemsAt,
    spans: Sequence[range] | None = None,
) -> None:
    """Find rows with a seed that make the same images as an earlier row.

    Args:
        table: the sheet.
        columns: judged.
        bad: lines with an error.
        found: where findings go.
        spans: of each line, those that its combinations have in `columns`; None: all are plain.
    """
    seeds = columns.get("seed_number")
    if not seeds:
        return
    alike = [judged.values for name, judged in columns.items() if name != "num_images"]
    first: dict[tuple[object, ...], int] = {}
    keys: Sequence[tuple[object, ...]] = list(zip(*alike, strict=True))
    starts: Sequence[int] = range(len(keys))
    if spans is not None:
        starts = [span.start for span in spans]
        keys = [keys[s.start] if len(s) == 1 else tuple(keys[s.start : s.stop]) for s in spans]
    for line, (start, key) in enumerate(zip(starts, keys, strict=True)):
        if seeds.values[start] is None or line in bad:
            continue
        earlier = first.setdefault(key, line)
        if earlier != line:
            place = At(len(table.header), None, doubled(table.lines[earlier].number))
            found[line].append(place)


_DOUBLED = "Prompt, settings and seed are the same as in row "


def doubled(earlier: int) -> Finding:
    """What is found of a row that makes the same images as the row with the number `earlier`."""
    return Finding(
        Severity.WARNING,
        (
            f"{_DOUBLED}{earlier}, so it would make the same image. Change the seed, or delete the"
            " row."
        ),
    )


def is_double(problem: Problem) -> bool:
    """Whether a problem is one that `doubled` gave."""
    return problem.column is None and problem.message.startswith(_DOUBLED)


_NO_PROMPT = Finding(
    Severity.ERROR,
    "The prompt is missing. Write what the image should show, or delete the row.",
)
