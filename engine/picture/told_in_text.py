"""Programs that write what they did as text: A1111's lines, JSON by key, InvokeAI's old command."""

import re
from collections.abc import Mapping
from typing import Any

from engine.picture.told import Foreign, as_json, as_number, as_size, as_text, as_whole

_MOST_CHARS = 4 << 20
_SETTING = re.compile(
    r'\s*([A-Za-z][\w /\-]{0,40}):[ \t]*("(?:\\.|[^\\"])*"|\{[^{}\n]*\}|[^,\n]*)(?:,|\n|$)'
)
_STEPS = re.compile(r"^[ \t]*Steps:[ \t]*\d+[ \t]*(?:,|$)", re.MULTILINE)
_INLINE_STEPS = re.compile(r"[\s.,]Steps:[ \t]*\d+[ \t]*,[ \t]*[A-Z][\w ]{1,30}:")
_NEGATIVE = re.compile(r"(?:^|\n|(?<=[\s.,]))Negative prompt:[ \t]*")
_SIZE = re.compile(r"\(?\s*(\d{1,5})\s*[x×,]\s*(\d{1,5})\s*\)?")
_MOST_SETTINGS = 20_000


# -------------------------------------------------------------------- A1111


def a1111(text: str) -> Foreign | None:
    """Prompt, `Negative prompt: …`, then `Steps: …, Sampler: …, …`, on lines of their own or not.

    Below the settings other lines may follow, of extensions; they are none of the prompt.
    """
    text = text[:_MOST_CHARS].replace("\r\n", "\n").strip()
    found = list(_STEPS.finditer(text)) or list(_INLINE_STEPS.finditer(text))
    settings: dict[str, str] = {}
    if found:
        # The first that has the company it is always in: prompts may have a line like it.
        begun = next((f for f in found if _is_settings(text[f.start() :])), found[-1])
        settings = dict(_settings(text[begun.start() :].lstrip(" .,\n")))
        text = text[: begun.start() + (text[begun.start()] in ".")]
    prompt, between, negative = _parted(text, inline=bool(settings))
    if not settings and not between:
        return None  # somebody's remark, not a recipe
    size = _SIZE.fullmatch(settings.get("Size", "").strip())
    return Foreign(
        program="A1111",
        prompt=_lines(prompt),
        negative_prompt=_lines(negative),
        seed=as_whole(settings.get("Seed")),
        size=as_size(size[1], size[2]) if size else None,
        steps=as_whole(settings.get("Steps")),
        guidance=as_number(settings.get("Distilled CFG Scale", settings.get("CFG scale"))),
        sampler=settings.get("Sampler", "").strip(),
        schedule=settings.get("Schedule type", "").strip(),
        model=settings.get("Model", "").strip(),
    )


def _parted(text: str, *, inline: bool) -> tuple[str, str, str]:
    at_line = re.search(r"(?:^|\n)Negative prompt:", text)
    found = at_line or (_NEGATIVE.search(text) if inline else None)
    if found is None:
        return text, "", ""
    return text[: found.start()], found[0], text[found.end() :]


def _lines(text: str) -> str:
    return "\n".join(line.strip() for line in text.strip().split("\n"))


def _is_settings(text: str) -> bool:
    return len(re.findall(r"(?:Sampler|Seed|Size|CFG scale|Model):", text.partition("\n")[0])) > 1


def _settings(text: str) -> list[tuple[str, str]]:
    named = []
    for name, value in _SETTING.findall(text[:_MOST_SETTINGS]):
        unquoted = as_json(value) if value.startswith('"') else None
        named.append((name.strip(), unquoted if isinstance(unquoted, str) else value))
    # What stands first counts: templates of extensions below have the same names.
    return named[::-1]


# -------------------------------------------------------------------- JSON, by key


def by_keys(body: Mapping[str, Any], program: str) -> Foreign | None:
    """A flat record of settings, whatever its program calls them."""
    given = {re.sub(r"[^a-z0-9]", "", str(key).casefold()): value for key, value in body.items()}

    def get(*names: str) -> object:
        return next((given[name] for name in names if given.get(name) not in (None, "")), None)

    prompt = as_text(get("fullprompt", "positiveprompt", "prompt"))
    prompt = as_text(get("prompt", "positiveprompt")) or prompt
    if not prompt:
        return None
    size = as_size(get("width"), get("height"))
    shape = get("resolution", "size", "aspectratio")
    if size is None and isinstance(shape, str) and (found := _SIZE.fullmatch(shape.strip())):
        size = as_size(found[1], found[2])
    return Foreign(
        program=program,
        prompt=prompt,
        negative_prompt=as_text(get("negativeprompt", "negative", "uc")),
        seed=as_whole(get("seed", "imageseed")),
        size=size,
        steps=as_whole(get("steps")),
        guidance=as_number(get("guidancescale", "cfgscale", "cfg", "scale", "guidance")),
        sampler=as_text(get("sampler", "samplername")),
        schedule=as_text(get("scheduler", "noiseschedule")),
        model=as_text(get("basemodel", "basemodelname", "model", "modelname")),
    )


# -------------------------------------------------------------------- InvokeAI's old command

_FLAG = re.compile(r"\s-(?P<name>[a-zA-Z])\s?(?P<value>[^\s-][^\s]*)")


def dream(text: str) -> Foreign | None:
    """`"a prompt [unwanted]" -s50 -W512 -H512 -C7.5 -Ak_lms -S123`."""
    quoted = re.match(r'\s*"((?:\\.|[^"\\])*)"(?P<rest>.*)', text[:_MOST_CHARS], re.DOTALL)
    if not quoted:
        return None
    flags = {found["name"]: found["value"] for found in _FLAG.finditer(quoted["rest"])}
    if not flags.keys() & {"s", "S", "W"}:
        return None
    words, unwanted = without_brackets(quoted[1].replace('\\"', '"'))
    if not words:
        return None
    return Foreign(
        program="InvokeAI",
        prompt=words,
        negative_prompt=unwanted,
        seed=as_whole(flags.get("S")),
        size=as_size(flags.get("W"), flags.get("H")),
        steps=as_whole(flags.get("s")),
        guidance=as_number(flags.get("C")),
        sampler=flags.get("A", ""),
    )


def without_brackets(prompt: str) -> tuple[str, str]:
    """A prompt, and the words in square brackets in it, which were not to be seen."""
    unwanted = ", ".join(re.findall(r"\[([^\[\]]*)\]", prompt))
    return re.sub(r"\[[^\[\]]*\]", "", prompt).strip(), unwanted.strip()
