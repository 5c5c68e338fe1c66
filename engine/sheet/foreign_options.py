"""Options of other tools in a prompt, `--ar 16:9`: what they mean here. Pure."""

import re
from dataclasses import dataclass

_COLUMN = {
    **dict.fromkeys(("ar", "aspect", "aspect-ratio"), "aspect_ratio"),
    **dict.fromkeys(("seed", "sameseed"), "seed_number"),
    **dict.fromkeys(("no", "neg", "negative", "negative-prompt"), "negative_prompt"),
    **dict.fromkeys(("steps", "ddim-steps"), "steps"),
    **dict.fromkeys(("cfg", "cfg-scale", "guidance", "guidance-scale", "scale"), "guidance"),
    **dict.fromkeys(("w", "width"), "width"),
    **dict.fromkeys(("h", "height"), "height"),
    **dict.fromkeys(("sampler", "sampler-name", "sampler-index"), "scheduler"),
    **dict.fromkeys(("repeat", "r", "n", "n-iter", "n-samples"), "num_images"),
}
"""Names of options that Midjourney, A1111, InvokeAI and others have → our columns."""
_OTHERS = frozenset(
    (
        *("v", "version", "niji", "s", "stylize", "q", "quality", "c", "chaos", "weird", "tile"),
        *("iw", "sref", "sw", "cref", "cw", "oref", "ow", "style", "raw", "stop", "video", "turbo"),
        *("fast", "relax", "hd", "test", "testp", "upbeta", "uplight", "p", "profile", "exp"),
        *("draft", "batch-size", "sd-model", "restore-faces", "tiling", "hires-fix"),
    )
)
_OPTION = re.compile(r"(?:^|(?<=\s))(?:--|—|–)(?P<name>[A-Za-z][\w-]{0,30})(?=[\s=]|$)[ =]*")
_VALUE = re.compile(r'"(?P<quoted>[^"]*)"|(?P<plain>[^\s"]+)')


@dataclass(frozen=True, slots=True)
class ForeignOptions:
    """What options a prompt has."""

    prompt: str
    """Without those that a column stands for."""
    cells: dict[str, str]
    """What they mean, by column."""
    written: tuple[str, ...]
    """All of them as they are written."""
    others: tuple[str, ...]
    """The names of those that no column stands for."""


def foreign_options(text: str) -> ForeignOptions | None:
    """The options of other tools that stand in a prompt; None: there are none that we know."""
    found = [each for each in _OPTION.finditer(text) if _known(each)]
    if not found:
        return None
    kept, cells, written, others = [text[: found[0].start()]], dict[str, str](), [], []
    for option, following in zip(found, [*found[1:], None], strict=True):
        end = following.start() if following else len(text)
        name = _name(option)
        body = text[option.end() : end]
        column = _COLUMN.get(name, "prompt" if name == "prompt" else None)
        value = _VALUE.match(body)
        plain = "" if value is None else str(value["quoted"] or value["plain"] or "")
        if column == "negative_prompt" and not (value and value["quoted"]):
            plain, rest = body.strip(), ""  # words up to the next option
        else:
            rest = body[value.end() :] if value else body
        as_written = text[option.start() : end].removesuffix(rest).strip()
        if name == "prompt":
            kept.append(f"{plain} {rest}")
        elif column and plain and column not in cells:
            cells[column] = plain
            written.append(as_written)
            kept.append(rest)
        else:
            others.append(as_written)
            written.append(as_written)
            kept.append(text[option.start() : end])
    prompt = " ".join("".join(f"{part.rstrip()} " for part in kept).split(" ")).strip(" ,")
    prompt = re.sub(r" {2,}", " ", prompt)
    return ForeignOptions(prompt, cells, tuple(written), tuple(others))


def _name(option: re.Match[str]) -> str:
    return option["name"].casefold().replace("_", "-")


def _known(option: re.Match[str]) -> bool:
    name = _name(option)
    return name in _COLUMN or name in _OTHERS or name == "prompt"
