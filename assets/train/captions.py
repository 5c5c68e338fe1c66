"""What one may say about a picture: captions in many wordings, each with the facts it states.

A caption says part of what is drawn. `Facts` holds that part, as choices of fixed questions, so
that the text encoder can be taught to read before the denoiser is taught to draw.
"""

import random
import re
from dataclasses import dataclass, field

from assets.train.glyphs import COLOURS, KINDS
from assets.train.world import FLYING, GROUNDS, LIGHTS, SKIES, USUAL_COLOUR, Group, Picture

_PLACES = ("", "left", "center", "right", "top", "bottom")
_SOME = ("", "some", "1", "2", "3")
_GROUP: dict[str, tuple[str, ...]] = {
    "kind": ("", *KINDS),
    "colour": ("", *COLOURS),
    "count": ("", "1", "2", "3", "4"),
    "size": ("", "small", "large"),
    "place": _PLACES,
}
QUESTIONS: dict[str, tuple[str, ...]] = {
    "background": ("", *COLOURS),
    "sky": ("", *SKIES),
    "light": ("", "moon", *LIGHTS),
    "light place": _PLACES,
    "clouds": _SOME,
    "lightning": ("", "some"),
    "ground": ("", *GROUNDS),
    "mountains": _SOME,
    "arrangement": ("", "beside", "above"),
    **{f"first {name}": choices for name, choices in _GROUP.items()},
    **{f"second {name}": choices for name, choices in _GROUP.items()},
}
"""Question → its answers; the first answer of each, "", means that the caption does not say."""

_NUMBERS = {
    1: ("a", "a", "a", "one", "a single"),
    2: ("two", "two", "2"),
    3: ("three", "three", "3"),
    4: ("four", "four", "4"),
}
_SIZES = {"small": ("small", "small", "tiny", "little"), "large": ("large", "large", "big", "huge")}
_NAMES: dict[str, tuple[str, ...]] = {
    "house": ("house", "house", "house", "cottage", "cabin"),
    "boat": ("boat", "boat", "sailboat", "ship"),
    "balloon": ("balloon", "balloon", "hot air balloon"),
    "cat": ("cat", "cat", "kitten"),
    "rabbit": ("rabbit", "rabbit", "bunny"),
    "pine tree": ("pine tree", "pine tree", "fir tree"),
    "mushroom": ("mushroom", "mushroom", "toadstool"),
    "circle": ("circle", "circle", "disc"),
}
_PLURALS = {
    "cross": "crosses",
    "fish": "fish",
    "cactus": "cacti",
    "snowman": "snowmen",
    "bunny": "bunnies",
}
_BEFORE = (
    *[""] * 8,
    "a picture of ",
    "an illustration of ",
    "a drawing of ",
    "a painting of ",
    "flat illustration, ",
    "a poster of ",
    "minimal art, ",
)
_AFTER = (
    *[""] * 12,
    ", flat colors",
    ", simple",
    ", minimal",
    ", vector art",
    ", high quality",
    ", detailed",
    ", beautiful",
)
_SKY_WORDS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "day": (
        ("in the daytime", "on a sunny day", "under a blue sky", "by day", "on a clear day"),
        ("day", "daytime", "blue sky", "sunny"),
    ),
    "sunset": (
        ("at sunset", "at sunset", "at dusk", "in the evening", "under an orange sky"),
        ("sunset", "dusk", "evening", "orange sky"),
    ),
    "night": (
        ("at night", "at night", "by night", "under the stars", "at midnight", "under a night sky"),
        ("night", "night sky", "starry sky", "stars", "dark"),
    ),
    "storm": (
        ("in a storm", "under a stormy sky", "on a rainy day", "under a gray sky"),
        ("storm", "stormy", "gray sky", "rain"),
    ),
    "dawn": (
        ("at dawn", "at sunrise", "in the morning", "under a pink sky"),
        ("dawn", "sunrise", "pink sky", "morning"),
    ),
}
_GROUND_WORDS: dict[str, tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]] = {
    "hills": (
        ("on", "on"),
        ("green hills", "rolling hills", "the hills", "a hill"),
        ("hills", "green hills"),
    ),
    "desert": (("in", "in"), ("a desert", "the desert", "sand dunes"), ("desert", "dunes")),
    "sea": (("on", "by"), ("the sea", "the ocean", "the water"), ("sea", "ocean")),
    "snow": (("in", "on"), ("the snow", "a snowy field", "snowy hills"), ("snow", "winter")),
    "meadow": (
        ("in", "in"),
        ("a meadow", "a field", "the grass", "a flower meadow"),
        ("meadow", "grass", "field"),
    ),
    "city": (
        ("in", "in"),
        ("a city", "the city", "a street"),
        ("city", "city skyline", "buildings"),
    ),
}
_PLACE_WORDS = {
    "left": (" on the left", " at the left"),
    "right": (" on the right", " at the right"),
    "center": (" in the center", " in the middle"),
    "top": (" at the top", " at the top"),
    "bottom": (" at the bottom", " at the bottom"),
}


@dataclass(slots=True)
class Facts:
    """The answers that a caption gives; what it does not say is missing."""

    said: dict[str, str] = field(default_factory=dict)

    def answers(self) -> list[int]:
        """For each question, the index of its answer."""
        return [choices.index(self.said.get(name, "")) for name, choices in QUESTIONS.items()]


def plural(name: str, n: int) -> str:
    """The name of n things."""
    return name if n == 1 else _PLURALS.get(name, name + "s")


def _phrase(
    group: Group, which: str, facts: Facts, rng: random.Random, article: bool = True
) -> str:
    """`three small red stars`, and the facts of it."""
    words = []
    facts.said[f"{which} kind"] = group.kind
    if group.count > 1 or article:
        facts.said[f"{which} count"] = str(group.count)
        words.append(rng.choice(_NUMBERS[group.count]))
    if group.size:
        facts.said[f"{which} size"] = group.size
        words.append(rng.choice(_SIZES[group.size]))
    usual = USUAL_COLOUR.get(group.kind) == group.colour
    if rng.random() > (0.45 if usual else 0.05):
        facts.said[f"{which} colour"] = group.colour
        words.append(group.colour)
    words.append(plural(rng.choice(_NAMES.get(group.kind, (group.kind,))), group.count))
    return " ".join(words)


def _plain(picture: Picture, facts: Facts, rng: random.Random) -> str:
    keywords = rng.random() < 0.25
    if len(picture.groups) == 2:
        text = _pair(picture, facts, rng, keywords)
    else:
        (group,) = picture.groups
        text = _phrase(group, "first", facts, rng, article=not keywords or rng.random() < 0.3)
        if group.place and rng.random() < 0.9:
            facts.said["first place"] = group.place
            text += f", {group.place}" if keywords else rng.choice(_PLACE_WORDS[group.place])
        elif not group.place and group.count == 1 and rng.random() < 0.15:
            facts.said["first place"] = "center"
            text += rng.choice((" in the center", " in the middle", ", centered"))
    if rng.random() < 0.94:
        colour = picture.background
        facts.said["background"] = colour
        text += rng.choice(
            (f", {colour} background",)
            if keywords
            else (
                f" on a {colour} background",
                f" on a {colour} background",
                f" on {colour}",
                f", {colour} background",
                f" against a {colour} background",
                f" in front of a {colour} background",
            )
        )
    return text


def _pair(picture: Picture, facts: Facts, rng: random.Random, keywords: bool) -> str:
    first, second = picture.groups
    above = picture.above
    # Named in reading order, unless the words say which is where.
    if not above and rng.random() < 0.5:
        facts.said["arrangement"] = "beside"
        one = _phrase(first, "first", facts, rng, not keywords)
        other = _phrase(second, "second", facts, rng, not keywords)
        return f"{one}, {other}" if keywords else f"{one} and {other}"
    facts.said["arrangement"] = "above" if above else "beside"
    one, other = _phrase(first, "first", facts, rng), _phrase(second, "second", facts, rng)
    if rng.random() < 0.5:
        links: tuple[str, ...] = (
            ("above", "over", "on top of") if above else ("to the left of", "left of", "next to")
        )
        return f"{one} {rng.choice(links)} {other}"
    links = ("below", "under", "beneath") if above else ("to the right of", "right of")
    return f"{other} {rng.choice(links)} {one}"


def _amount(name: str, count: int, facts: Facts, rng: random.Random) -> str:
    """`two clouds`, or just `clouds`."""
    if rng.random() < 0.5:
        facts.said[f"{name}s"] = str(count)
        return f"{rng.choice(_NUMBERS[count])} {plural(name, count)}"
    facts.said[f"{name}s"] = "some"
    return plural(name, count)


def _extras(picture: Picture, facts: Facts, rng: random.Random, keywords: bool) -> list[str]:
    extras = []
    if picture.light and rng.random() < 0.85:
        name = "moon" if picture.light.endswith("moon") and rng.random() < 0.3 else picture.light
        facts.said["light"] = name
        text = name if keywords else f"a {name}"
        if rng.random() < 0.35:
            facts.said["light place"] = picture.light_place
            text += rng.choice(_PLACE_WORDS[picture.light_place])
        extras.append(text)
    if picture.mountains and rng.random() < 0.9:
        extras.append(_amount("mountain", picture.mountains, facts, rng))
    if picture.clouds and rng.random() < 0.8:
        extras.append(_amount("cloud", picture.clouds, facts, rng))
    if picture.lightning and rng.random() < 0.8:
        facts.said["lightning"] = "some"
        extras.append("lightning" if keywords else rng.choice(("lightning", "a lightning bolt")))
    rng.shuffle(extras)
    return extras


def _scene(picture: Picture, facts: Facts, rng: random.Random) -> str:
    keywords = rng.random() < 0.35
    which = iter(("first", "second"))
    things = []
    for group in picture.groups:
        name = next(which)
        if len(picture.groups) == 1 and rng.random() < 0.05:
            break
        text = _phrase(group, name, facts, rng, article=not keywords)
        if group.place and rng.random() < 0.35:
            facts.said[f"{name} place"] = group.place
            text += rng.choice(_PLACE_WORDS[group.place])
        things.append(text)
    extras = _extras(picture, facts, rng, keywords)
    where, when = rng.random() < 0.93, rng.random() < 0.93
    if where:
        facts.said["ground"] = picture.ground
    if when:
        facts.said["sky"] = picture.sky
    sky_phrases, sky_keywords = _SKY_WORDS[picture.sky]
    links, grounds, ground_keywords = _GROUND_WORDS[picture.ground]
    if keywords:
        rest = extras + ([rng.choice(sky_keywords)] if when else [])
        rest += [rng.choice(ground_keywords)] if where else []
        rng.shuffle(rest)
        at = rng.randint(0, len(rest))
        return ", ".join(rest[:at] + things + rest[at:]) or "a landscape"
    ground = rng.choice(grounds)
    text = " and ".join(things)
    if not things and extras and where and rng.random() < 0.5:
        link = "over" if "mountain" not in extras[0] else rng.choice(links)
        text = f"{extras.pop(0)} {link} {ground}"
    elif things and where:
        over = picture.groups[-1].kind in FLYING
        text += f" {'over' if over and rng.random() < 0.8 else rng.choice(links)} {ground}"
    elif where:
        text = rng.choice((ground, ground, f"a landscape with {ground}"))
        if picture.ground == "city":
            text = rng.choice((text, "a city skyline"))
    text = text or "a landscape"
    if when:
        text += f" {rng.choice(sky_phrases)}"
    if extras:
        text += rng.choice((" with ", ", ")) + " and ".join(extras)
    return text


def caption(picture: Picture, rng: random.Random) -> tuple[str, Facts]:
    """One wording for the picture, and what it says."""
    facts = Facts()
    text = (_plain if picture.background else _scene)(picture, facts, rng)
    text = rng.choice(_BEFORE) + text + rng.choice(_AFTER)
    text = re.sub(r"\ba (?=orange)", "an ", text)
    if rng.random() < 0.3:
        text = (
            text.replace("gray", "grey")
            .replace("center", "centre")
            .replace("centreed", "centered")
            .replace("colors", "colours")
        )
    return text, facts


def vocabulary() -> list[str]:
    """Every word a caption can have."""
    rng = random.Random(0)
    tables = [_NUMBERS, _SIZES, _NAMES, _PLURALS, _BEFORE, _AFTER, _SKY_WORDS, _GROUND_WORDS]
    text = " ".join(map(str, [*tables, _PLACE_WORDS, QUESTIONS]))
    text += " to of on top left right next above over below under beneath and with landscape gray"
    text += " grey centre center centered colours lightning bolt mountain mountains cloud clouds an"
    text += " in front against background by"
    words = set(re.findall(r"[a-z0-9]+", text))
    words |= {plural(word, 2) for kind in KINDS for word in _NAMES.get(kind, (kind,))}
    words = {part for word in words for part in word.split()}
    shuffled = sorted(words)
    rng.shuffle(shuffled)
    return sorted(shuffled)
