"""What was typed, understood; if it cannot be, what is amiss and what to write instead."""

import argparse
import re
import textwrap
from collections.abc import Iterator, Sequence
from typing import Any, NoReturn

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


class Parser(argparse.ArgumentParser):
    """Says in plain words what is amiss; nothing raw: it may be a file name with escape sequences.

    `examples` are command lines that its help shows.
    """

    examples: tuple[str, ...] = ()

    def __init__(self, **options: Any) -> None:
        options.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        if about := options.get("description"):  # wrapped here: the examples below it must not be
            options["description"] = textwrap.fill(about, _WIDTH)
        super().__init__(**options)

    def add_argument(self, *names: str, **how: Any) -> argparse.Action:
        """As argparse's; what stands without a name of its own is called in capitals."""
        if len(names) == 1 and not names[0].startswith("-") and "choices" not in how:
            how.setdefault("metavar", names[0].upper())
        return super().add_argument(*names, **how)

    def show_examples(self, examples: Sequence[str]) -> None:
        """Have the help end with these command lines."""
        self.examples = tuple(examples)
        lines = "\n".join(f"  {line}" for line in examples)
        self.epilog = f"examples:\n{lines}" if examples else None

    def actions(self) -> Sequence[argparse.Action]:
        """Its options and arguments, in the order of declaration."""
        return self._actions

    def subparsers(self) -> dict[str, "Parser"]:
        """The subcommands it has, by name."""
        for action in self._actions:
            if isinstance(action, argparse._SubParsersAction):
                return action.choices
        return {}

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
        for action in self._actions:
            if action.option_strings or action.nargs not in ("?", "*"):
                continue
            if getattr(found, action.dest, None) not in (action.default, []):
                continue
            many = action.nargs == "*"
            taken: list[Any] = []
            while left and not left[0].startswith("-") and (many or not taken):
                try:
                    value = self._get_value(action, left.pop(0))
                    self._check_value(action, value)
                except argparse.ArgumentError as error:
                    self.error(str(error))
                taken.append(value)
            if taken:
                setattr(found, action.dest, taken if many else taken[0])
        return left

    def _unknown_words(self, word: str) -> str:
        if not word.startswith("-"):
            return f"“{word}” is one word too many. Put quotes around words that belong together."
        name = word.partition("=")[0]
        return f"Unknown option {name}.{did_you_mean(name, self._option_names())}"

    def _option_names(self) -> Iterator[str]:
        return (name for action in self._actions for name in action.option_strings if "--" in name)

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is None or value in action.choices:
            return
        choices = list(map(str, action.choices))
        near = did_you_mean(str(value), choices)
        if isinstance(action, argparse._SubParsersAction):
            self.error(f"Unknown command {value}.{near}{'' if near else _one_of(choices)}")
        raise argparse.ArgumentError(action, f"“{value}” is not a choice.{near}{_one_of(choices)}")

    def error(self, message: str) -> NoReturn:
        """End with what is amiss, and where help is."""
        lines = [f"{self.prog}: {clean(self._in_words(message))}"]
        if self.examples and "Did you mean" not in message:
            lines.append(f"For example: {self.examples[0]}")
        lines.append(f"See `{self.prog} --help`.")
        self.exit(2, "\n".join(lines) + "\n")

    def _in_words(self, message: str) -> str:
        """A complaint of argparse's, as we say it."""
        missing = message.removeprefix("the following arguments are required: ")
        if missing != message:
            names = list(self.subparsers())
            if names and missing == "COMMAND":
                return f"Name a command.{_one_of(names)}"
            return f"{missing.replace(', ', ' and ')} {'are' if ',' in missing else 'is'} missing."
        if found := re.match(r"ambiguous option: (\S+) could match (.+)", message):
            return f"{found[1]} can be {found[2].replace(', ', ' or ')}: write it in full."
        if found := _OF_ARGUMENT.match(message):
            name, fault = found["name"].rpartition("/")[2], found["fault"]
            for pattern, words in _FAULTS:
                fault = re.sub(rf"^{pattern}$", words, fault)
            return f"{name}: {fault}"
        return message


def _one_of(choices: Sequence[str]) -> str:
    *first, last = choices
    return f" It can be {', '.join(first)} or {last}." if first else f" It can be {last}."
