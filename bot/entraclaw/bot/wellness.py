"""Judge a daemon by its own status: what is not well, and the first step without one. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from entraclaw.bot.lifecycle import State

NO_DAEMON = "no daemon runs"


def unwell(document: Mapping[str, Any]) -> tuple[str, ...]:
    """Name what is not as it should be in the status *document*, one word or two each."""
    return tuple(_unwell(document))


def _unwell(document: Mapping[str, Any]) -> Iterator[str]:
    inbox, key = document["inbox"], document["key"]
    signs: Mapping[str, object] = {
        "profile locked": document["locked"],
        "trouble": document["trouble"],
        "no agent": document["principal"] is None,
        "key": key and key["trouble"],
        "tokens": document["tokens"],
        "warnings": document["warnings"],
        "ambiguous entries": inbox[State.AMBIGUOUS],
        "dead entries": inbox[State.DEAD],
        "no host attached": inbox[State.WAITING] and not document["sessions"],
    }
    return (name for name, is_so in signs.items() if is_so)


@dataclass(frozen=True, slots=True)
class Resting:
    """A profile that no daemon serves.

    Attributes:
        problems: What is wrong with its settings; empty if nothing is.
        has_agent: Its settings name one.
        has_key: A store holds its key; None if that could not be found out.
    """

    problems: str
    has_agent: bool
    has_key: bool | None

    @property
    def step(self) -> str:
        """The one thing that a person should do now."""
        if self.problems:
            return "correct config.toml: docs/settings.md"
        if not self.has_agent:
            return "entraclaw setup"
        return "entraclaw key new" if self.has_key is False else "entraclaw serve"
