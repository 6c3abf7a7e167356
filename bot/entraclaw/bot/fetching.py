"""Fetch what is attached to a message of a turn, for the session that holds the turn.

The model names an attachment by the id it was shown; its address is read from the stored
message, never taken from the model. Pictures are handed on as they are; files are written
below the profile's folder, for the host to read, and go when their message is erased.
"""

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from entraclaw.bot.activity import parse
from entraclaw.bot.content import Attachment, AttachmentKind
from entraclaw.bot.inbox import Entry, Inbox
from entraclaw.bot.reading import read
from entraclaw.errors import AttachmentRefused, EntraclawError, TurnRefused
from entraclaw.identity import AgentIds
from entraclaw.tools import Fetched, Source, Wanted, fetch

PICTURES = 4  # of one reading; more are fetched when asked for
PATIENCE_S = 10.0  # for all of them together: who reads messages waits for this

_UNSAFE = re.compile(r"[^\w.()+ -]+")
_NAME_LIMIT = 160  # bytes; file systems allow 255, our own id included
_AT_ONCE = 16_384  # bytes of a body that are read beside others' work
_log = logging.getLogger(__name__)

Use = Callable[[str, str], Awaitable[Entry]]


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture of a message: the id it was shown under, and its bytes or why there are none."""

    id: str
    fetched: Fetched | None
    problem: str


class Fetching:
    """Fetches attachments."""

    def __init__(
        self, inbox: Inbox, use: Use, source: Source, agent: AgentIds, folder: Path
    ) -> None:
        """Fetch from *source* for messages of *inbox*; write files below *folder*.

        *use* finds a turn that a session holds.
        """
        self._inbox, self._use, self._source, self._agent = inbox, use, source, agent
        self._folder = folder / "state" / "files"

    async def pictures(self, entries: Sequence[Entry]) -> Sequence[Picture]:
        """Fetch the first pictures of *entries*, each or a word why not; never raises."""
        wanted = [
            (f"{entry.seq}-{one.id}", one)
            for entry in entries
            for one in await self._attachments(entry)
            if one.kind is AttachmentKind.IMAGE
        ][:PICTURES]
        return await asyncio.gather(*(self._picture(name, one) for name, one in wanted))

    async def file(self, session: str, turn: str, name: str) -> tuple[Attachment, Fetched, str]:
        """Fetch the attachment shown as *name* in *turn*; gives where it was written, too.

        A picture is not written; its place is empty then.

        Raises:
            TurnRefused: The turn is not this session's, or has no such attachment.
            EntraclawError: As `entraclaw.tools.fetch` does.
        """
        attachment = await self._find(session, turn, name)
        is_picture = attachment.kind is AttachmentKind.IMAGE
        wanted = Wanted.IMAGE if is_picture else Wanted.FILE
        fetched = await fetch(self._source, attachment.url, wanted=wanted, name=attachment.name)
        if is_picture:
            return attachment, fetched, ""
        try:
            place = await asyncio.to_thread(self._write, name, fetched)
        except OSError as error:
            raise AttachmentRefused(f"it cannot be written here ({error.strerror})") from error
        return attachment, fetched, str(place)

    async def _picture(self, name: str, one: Attachment) -> Picture:
        try:
            async with asyncio.timeout(PATIENCE_S):
                return Picture(name, await fetch(self._source, one.url, wanted=Wanted.IMAGE), "")
        except EntraclawError as error:
            problem = str(error)
        except TimeoutError:
            problem = "it took too long"
        _log.warning("picture not fetched id=%s reason=%s", name, problem)
        return Picture(name, None, problem)

    async def _find(self, session: str, turn: str, name: str) -> Attachment:
        await self._use(session, turn)
        number, _, attachment = name.partition("-")
        entry = await self._inbox.entry(int(number)) if number.isdecimal() else None
        if entry is None or turn not in {entry.turn, entry.joined}:
            raise TurnRefused("this turn has no such attachment")
        for one in await self._attachments(entry):
            if one.id == attachment:
                return one
        raise TurnRefused("this turn has no such attachment")

    async def _attachments(self, entry: Entry) -> tuple[Attachment, ...]:
        body = entry.arrival.body
        if len(body) <= _AT_ONCE:
            return _read(body, self._agent)
        return await asyncio.to_thread(_read, body, self._agent)

    def forget(self, before: float) -> int:
        """Remove the files that were fetched before then, epoch seconds; tells how many."""
        old = [place for place in self._folder.glob("*") if place.stat().st_mtime < before]
        for place in old:
            place.unlink(missing_ok=True)
        return len(old)

    def _write(self, name: str, fetched: Fetched) -> Path:
        # The sender's name for it is a wish: one plain segment of it, behind our own id.
        plain = _UNSAFE.sub("_", fetched.name).strip(". ").encode()[-_NAME_LIMIT:]
        wish = plain.decode(errors="ignore").strip(". ")
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        place = self._folder / f"{name}-{wish or 'file'}"
        place.touch(mode=0o600)
        place.write_bytes(fetched.content)
        return place


def _read(body: bytes, agent: AgentIds) -> tuple[Attachment, ...]:
    return read(parse(body), agent).attachments if body else ()
