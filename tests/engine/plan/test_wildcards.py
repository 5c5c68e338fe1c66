import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.plan.wildcards import Wildcards, expand
from engine.sheet.wildcards import MOST_OPTIONS, WildcardError, escaped, split_wildcards

pytestmark = pytest.mark.slow


KNOWN = Wildcards(
    {
        "color": ("red", "blue", "green"),
        "boat": ("a __color__ boat", "a {small|large} ship"),
        "set/one": ("#1 {of|in} $5",),
        "loop": ("x __loop__",),
        "grow": ("__grow__ __grow__ __grow__ __grow__",),
    }
)


def all_of(text: str, seeds: int = 60) -> set[str]:
    return {expand(text, seed, KNOWN) for seed in range(seeds)}


def test_alternatives_are_all_drawn_and_the_same_seed_draws_the_same() -> None:
    assert all_of("a {red|blue} cat, {by day|at night}") == {
        "a red cat, by day",
        "a blue cat, by day",
        "a red cat, at night",
        "a blue cat, at night",
    }
    assert expand("{a|b|c|d}{a|b|c|d}", 7, KNOWN) == expand("{a|b|c|d}{a|b|c|d}", 7, KNOWN)


def test_several_alternatives_are_joined_each_at_most_once() -> None:
    found = all_of("{2$$ and $$a|b|c}")
    assert found == {"a and b", "b and a", "a and c", "c and a", "b and c", "c and b"}
    assert all_of("{1-2$$, $$a|b}") == {"a", "b", "a, b", "b, a"}
    assert all(
        set(text.split(",")) <= {"red", "blue", "green"} for text in all_of("{2$$__color__}")
    )


def test_weights_count() -> None:
    drawn = [expand("{9::a|1::b}", seed, KNOWN) for seed in range(300)]
    assert 220 < drawn.count("a") < 300


def test_named_wildcards_nest() -> None:
    assert all_of("__boat__ at sea") == {
        *(f"a {color} boat at sea" for color in ("red", "blue", "green")),
        "a small ship at sea",
        "a large ship at sea",
    }
    assert all_of("__set/one__") == {"#1 of $5", "#1 in $5"}


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("a plain prompt, #5 for $3 (100%) @home!", None),
        (r"a \{b\} and \__color__", "a {b} and __color__"),
        (r"{x \{y\}|x \{y\}}", "x {y}"),
        ("{#ff0000|#ff0000} and # $$ {$5|$5}", "#ff0000 and # $$ $5"),
        ("{!a|!a} {@b|@b} {~c|~c} 50%{d|d}", "!a @b ~c 50%d"),
        ("____ and snake_case", None),
        ("  spaces {kept|kept}  here ", "  spaces kept  here "),
        ("{|}", ""),
        ("{}", None),
        ("{{masterpiece}}, {prompt}, ink", None),
        ('{"text": "SALE | 50%", "sign": "__color__ {a|b}"}', None),
        ("{a {b} c|a {b} c}", "a {b} c"),
        ("{snake__case|snake__case} {fill ____ in|fill ____ in}", "snake__case fill ____ in"),
        ("{$$a|$$a}", "$$a"),
        ("__so loud__ and {__so loud__|__so loud__}", "__so loud__ and __so loud__"),
    ],
)
def test_what_is_no_wildcard_stays_as_it_is(text: str, same: str | None) -> None:
    assert all_of(text, 3) == {text if same is None else same}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a {red|blue cat", "A { without a }"),
        ("a red} cat", "A } without a {"),
        ("__colour__", "There is no wildcard"),
        ("__loop__", "never end"),
        ("__grow__", "never end"),
        ("{" * 30 + "a|b" + "|}" * 30, "levels of braces"),
        ("{" + "|".join("a" * 500) + "}", f"More than {MOST_OPTIONS}"),
    ],
)
def test_what_cannot_be_expanded_says_why(text: str, says: str) -> None:
    with pytest.raises(WildcardError, match=says):
        expand(text, 1, KNOWN)


def test_names_may_touch_one_another_and_underscores() -> None:
    lists = Wildcards({"a": ("x",), "b": ("1",)})
    for text, drawn in [
        ("__a____b__", "x1"),
        ("{__a____b__|__a____b__}", "x1"),
        ("__a___ {__a___|__a___}", "x_ x_"),
        ("_a___a__ {pre___a__|pre___a__}", "_a_x pre_x"),
    ]:
        assert expand(text, 1, lists) == drawn


def test_files_may_be_called_anything() -> None:
    odd = Wildcards({"hair color": ("red",), "Größe": ("{tall|tall}",), "v1.5/x-y": ("z",)})
    text = "__hair color__ {__Größe__|__Größe__} {2$$ $$__v1.5/x-y__|__hair color__}"
    assert set(expand(text, 3, odd).split()) == {"red", "tall", "z"}


def test_names_that_cannot_be_used_say_why_and_so_do_those_that_name_them() -> None:
    faults = Wildcards(
        {
            "sound": ("__color__ cat", "a dog"),
            "color": ("red", "{blue|green}"),
            "torn": ("fine", "a {red cat"),
            "missing": ("__fur__ cat",),
            "over": ("__torn__ mat",),
            "ring": ("a __round__", "end"),
            "round": ("b __ring__",),
            "to ring": ("__ring__",),
        }
    ).faults
    assert faults.keys() == {"torn", "missing", "over", "ring", "round", "to ring"}
    assert "a {red cat" in faults["torn"] and "__torn__" in faults["over"]
    assert "__fur__" in faults["missing"]
    assert "itself" in faults["ring"] and "itself" in faults["to ring"]


def test_a_near_miss_is_suggested() -> None:
    with pytest.raises(WildcardError) as raised:
        expand("a __colour__ cat", 1, KNOWN)
    assert raised.value.suggestions == ("a __color__ cat",)


PIECES = st.sampled_from(
    [
        *"{}|$\\_-:#%!@~ ",
        "$$",
        "::",
        "__",
        "__color__",
        "__boat__",
        "2$$",
        "1-3$$",
        "ab",
        "0.5::",
        "日",
    ]
)


@settings(max_examples=400)
@given(st.lists(PIECES, max_size=25).map("".join), st.integers(0, 2**31 - 1))
def test_any_text_expands_or_says_why_and_never_differently(text: str, seed: int) -> None:
    try:
        first = expand(text, seed, KNOWN)
    except WildcardError:
        return
    assert first == expand(text, seed, KNOWN)
    assert not any("\ue100" <= letter <= "\ue12f" for letter in first)


@given(st.text("{}_|\\\\ab$", max_size=20))
def test_an_escaped_text_means_its_very_letters(text: str) -> None:
    assert expand(escaped(text), 1, KNOWN) == text


def fault(text: str, known: Wildcards = KNOWN) -> str:
    """What the checker says of a prompt."""
    try:
        parts = split_wildcards(text, known.choices, known.faults)
    except WildcardError as error:
        return str(error)
    return next((why for p in parts if p.is_wildcard and (why := known.fault_of(p.text))), "")


@pytest.mark.parametrize(
    "text",
    [
        "{// day|night}",
        "{a|// b}",
        "{a /* b | c}",
        "{2$$$$a|b}",
        "{0::a|0::b}",
        "{a|{0::b|0::c}|d|e|f|g|h}",
        "{2$$__color__$$x|y}",
    ],
)
def test_what_cannot_be_drawn_is_a_fault_before_the_start(text: str) -> None:
    assert fault(text)


@settings(max_examples=300)
@given(st.lists(PIECES, max_size=25).map("".join), st.integers(0, 2**31 - 1))
def test_what_the_checker_passes_is_drawn(text: str, seed: int) -> None:
    if not fault(text):
        try:
            expand(text, seed, KNOWN)
        except WildcardError as error:
            assert "never end" in str(error)


def test_a_bar_can_join_alternatives() -> None:
    assert all_of("{2$$|$$A|B}") == {"A|B", "B|A"}


def test_a_pattern_of_names_draws_from_all_that_fit() -> None:
    known = Wildcards({"colors/warm": ("red",), "colors/cold": ("blue", "grey"), "torn": ("{a",)})
    drawn = {expand("a __colors/*__ cat", seed, known) for seed in range(60)}
    assert drawn == {"a red cat", "a blue cat", "a grey cat"}
    assert {expand("{__colors*__|__*__}", seed, known) for seed in range(60)} == {
        *("red", "blue", "grey")
    }
    assert "no wildcard __x*__" in fault("__x*__", known)
