"""What was typed, understood; if it cannot be, what is amiss and what to write instead."""

import argparse
import re
import textwrap
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NoReturn, Protocol

from engine.api import did_you_mean
from tui.text import clean

_OF_ARGUMENT = re.compile(r"^argument (?P<name>[^:]+): (?P<fault>.*)$", re.DOTALL)
_WIDTH = 78
_FAULTS = (
    (r"expected one argument", "a value is missing after it."),
    (r"expected at least one argument", "a value is missing after it."),
    (r"ignored explicit argument (.+)", r"it takes no value, but \1 was given."),
    (r"not allowed with argument (\S+)", r"it cannot be combined with \1."),
)
"""What argparse says of an argument, and how we do."""
_NO_COMMAND = re.compile(r"""invalid choice: ('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")""")
"""Of a subcommand alone: other choices are looked at before argparse does."""


class Parser(argparse.ArgumentParser):
    """Says in plain words what is amiss; nothing raw: it may be a file name with escape sequences.

    `examples` are command lines that its help shows.
    """

    examples: tuple[str, ...] = ()

    def __init__(self, **options: Any) -> None:
        self.declared: list[argparse.Action] = []
        """Its options and arguments, in the order of declaration."""
        self.inner: dict[str, Parser] = {}
        """The subcommands it has, by name."""
        options.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        if about := options.get("description"):  # wrapped here: the examples below it must not be
            options["description"] = textwrap.fill(about, _WIDTH)
        super().__init__(**options)

    def add_argument(self, *names: str, **how: Any) -> argparse.Action:
        """As argparse's; what stands without a name of its own is called in capitals."""
        if len(names) == 1 and not names[0].startswith("-") and "choices" not in how:
            how.setdefault("metavar", names[0].upper())
        return self._noted(super().add_argument(*names, **_with_own_choices(how)))

    def add_one_of(self) -> "OneOf":
        """Options of which one is given at most."""
        return OneOf(super().add_mutually_exclusive_group(), self._noted)

    def add_subparsers(self, **how: Any) -> Any:
        """As argparse's; `inner` is for whoever adds them."""
        commands = super().add_subparsers(**how)
        self._noted(commands)
        return commands

    def _noted(self, action: argparse.Action) -> argparse.Action:
        self.declared.append(action)
        return action

    def show_examples(self, examples: Sequence[str]) -> None:
        """Have the help end with these command lines."""
        self.examples = tuple(examples)
        lines = "\n".join(f"  {line}" for line in examples)
        self.epilog = f"examples:\n{lines}" if examples else None

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: Any = None
    ) -> tuple[Any, list[str]]:
        """As argparse's; what is not known is complained of here, where the options are known."""
        found, unknown = super().parse_known_args(args, namespace)
        unknown = self._without_late_words(found, unknown)
        if unknown:
            self.error(self._unknown_words(unknown[0]))
        return found, unknown

    def _without_late_words(self, found: Any, unknown: list[str]) -> list[str]:
        """What is left of `unknown` once arguments that may be left out have taken their words.

        Argparse takes such an argument as left out where an option stands before its word, as in
        `trash add --rows 4 last`.
        """
        left = list(unknown)
        for action in self.declared:
            if action.option_strings or action.nargs not in ("?", "*"):
                continue
            if getattr(found, action.dest, None) not in (action.default, []):
                continue
            many = action.nargs == "*"
            taken: list[Any] = []
            while left and not left[0].startswith("-") and (many or not taken):
                taken.append(self._read(action, left.pop(0)))
            if taken:
                setattr(found, action.dest, taken if many else taken[0])
        return left

    def _read(self, action: argparse.Action, word: str) -> Any:
        """What a word is to an argument."""
        if not callable(action.type):
            return word
        try:
            return action.type(word)
        except argparse.ArgumentTypeError as error:
            self.error(str(argparse.ArgumentError(action, str(error))))

    def _unknown_words(self, word: str) -> str:
        if not word.startswith("-"):
            return f"“{word}” is one word too many. Put quotes around words that belong together."
        name = word.partition("=")[0]
        return f"Unknown option {name}.{did_you_mean(name, self._option_names())}"

    def _option_names(self) -> Iterator[str]:
        return (name for action in self.declared for name in action.option_strings if "--" in name)

    def error(self, message: str) -> NoReturn:
        """End with what is amiss, and where help is."""
        words = self._in_words(message)
        lines = [f"{self.prog}: {clean(words)}"]
        if self.examples and "Did you mean" not in words:
            lines.append(f"For example: {self.examples[0]}")
        lines.append(f"See `{self.prog} --help`.")
        self.exit(2, "\n".join(lines) + "\n")

    def _in_words(self, message: str) -> str:
        """A complaint of argparse's, as we say it."""
        missing = message.removeprefix("the following arguments are required: ")
        if missing != message:
            if self.inner and missing == "COMMAND":
                return f"Name a command.{_one_of(list(self.inner))}"
            return f"{missing.replace(', ', ' and ')} {'are' if ',' in missing else 'is'} missing."
        if found := re.match(r"ambiguous option: (\S+) could match (.+)", message):
            return f"{found[1]} can be {found[2].replace(', ', ' or ')}: write it in full."
        if self.inner and (found := _NO_COMMAND.search(message)):
            from ast import literal_eval  # of a slip alone

            word = literal_eval(found[1])
            near = did_you_mean(word, self.inner)
            return f"Unknown command {word}.{near}{'' if near else _one_of(list(self.inner))}"
        if found := _OF_ARGUMENT.match(message):
            name, fault = found["name"].rpartition("/")[2], found["fault"]
            for pattern, words in _FAULTS:
                fault = re.sub(rf"^{pattern}$", words, fault)
            return f"{name}: {fault}"
        return message


class OneOf:
    """Options of a parser of which one is given at most."""

    def __init__(
        self,
        group: "_Declares",
        noted: Callable[[argparse.Action], argparse.Action],
    ) -> None:
        self._group = group
        self._noted = noted

    def add_argument(self, *names: str, **how: Any) -> argparse.Action:
        """As `Parser.add_argument`."""
        return self._noted(self._group.add_argument(*names, **_with_own_choices(how)))


class _Declares(Protocol):
    def add_argument(self, *names: str, **how: Any) -> argparse.Action: ...


def _with_own_choices(how: dict[str, Any]) -> dict[str, Any]:
    """How an argument is declared; that a word is none of its choices is said in our words."""
    choices, read = how.get("choices"), how.get("type", str)
    if choices is None:
        return how

    def choice(word: str) -> Any:
        try:
            value = read(word)
        except ValueError:
            value = word
        if value in choices:
            return value
        names = list(map(str, choices))
        near = did_you_mean(word, names)
        raise argparse.ArgumentTypeError(f"“{word}” is not a choice.{near}{_one_of(names)}")

    return how | {"type": choice}


def _one_of(choices: Sequence[str]) -> str:
    *first, last = choices
    return f" It can be {', '.join(first)} or {last}." if first else f" It can be {last}."
