"""What people attach: pictures in a message, files that it links to.

A picture is kept at the connector and in Graph beside its message. A file is
kept on its sender's drive, is known by the address a person would open, and
leaves it through a download address that needs no token and dies soon.

Download addresses: https://learn.microsoft.com/graph/api/driveitem-get-content
"""

import secrets
import time
import uuid
from dataclasses import dataclass, field
from urllib.parse import quote

from entraclaw.sandbox.directory import Person

_TICKET_S = 300.0


@dataclass(frozen=True, slots=True)
class Holding:
    """One picture or file; *url* is a file's address on its sender's drive, else None."""

    id: str
    name: str
    content_type: str
    content: bytes = field(repr=False)
    url: str | None = None


class Holdings:
    """Everything attached so far, by each of the names that it goes by."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[str, Holding]] = {}
        self._tickets: dict[str, tuple[float, Holding]] = {}

    def keep(
        self, place: str, owner: Person, *, name: str, kind: str, content: bytes, is_file: bool
    ) -> Holding:
        """Keep something that *owner* attached in the conversation *place*."""
        made = str(uuid.uuid4())
        # Two files of one name are two files, as on a drive that renames the second.
        url = _address(owner, made, name) if is_file else None
        holding = Holding(made, name, kind, content, url)
        self._known[made] = (place, holding)
        if url:
            self._known[url] = (place, holding)
        return holding

    def find(self, name: str) -> tuple[str, Holding] | None:
        """Find a picture by its id, or a file by its address, with the conversation it is in."""
        return self._known.get(name)

    def ticket(self, holding: Holding) -> str:
        """Make the secret of a download address, good for some minutes."""
        made = secrets.token_urlsafe(32)
        self._tickets[made] = (time.monotonic() + _TICKET_S, holding)
        return made

    def redeem(self, ticket: str) -> Holding | None:
        """What a download address stands for, while it is good."""
        ends, holding = self._tickets.get(ticket, (0.0, None))
        return holding if time.monotonic() < ends else None


def drive_host(domain: str) -> str:
    """Name the host, which is nowhere, of the drives of everybody in *domain*."""
    return f"{domain.partition('.')[0]}-my.sharepoint.example"


def _address(owner: Person, made: str, name: str) -> str:
    user, _, domain = owner.upn.partition("@")
    folder = f"personal/{user}_{domain.replace('.', '_')}/Documents/Microsoft Teams Chat Files"
    path = quote(f"{folder}/{made[:8]} {name}")
    return f"https://{drive_host(domain)}/{path}"
