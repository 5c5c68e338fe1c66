"""Commands that other hosts give through files in the library, and which of them can be had so."""

from collections.abc import Mapping
from typing import Any

import msgspec

from engine import __version__
from engine.protocol.answers import PROTOCOL
from engine.protocol.commands import AskStatus, Command, Follow, RenderHere
from engine.schema import SCHEMA_VERSION

ONLY_ON_ITS_HOST: Mapping[type[Command[Any]], str] = {
    RenderHere: (
        "an engine process renders on its own host; to render on yours, stop it with `promptsheet"
        " engine stop`, which works from here, and start your own"
    ),
    AskStatus: "its status is in the library, where it is read without asking",
    Follow: "previews and steps are sent on its own host alone",
}
"""What cannot be asked from another host, and why."""


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A command from another host, as it lies in the library."""

    protocol: int
    schema: int
    version: str
    """Of the code."""
    host: str
    """Whose it is."""
    command: msgspec.Raw
    """Any of `commands.AnyCommand`, read once all else is understood."""

    @classmethod
    def of(cls, command: Command[Any], host: str) -> "Request":
        """A command as a request of this version."""
        body = msgspec.Raw(msgspec.json.encode(command))
        return cls(PROTOCOL, SCHEMA_VERSION, __version__, host, body)

    def mismatch(self, host: str) -> str | None:
        """Why an engine process of this version, on `host`, cannot take it; None: it can."""
        if (self.protocol, self.schema, self.version) == (PROTOCOL, SCHEMA_VERSION, __version__):
            return None
        return other_version(host, __version__, self.version)


def other_version(host: str, there: str, here: str) -> str:
    """That an engine process on another host cannot be asked by this version, in words."""
    return (
        f"The engine process on {host} runs Promptsheet {there}; this is {here}. Use the same"
        f" version here, or stop it on {host} with `promptsheet engine stop`: its work is kept."
    )
