"""The person a profile acts for: who that is, whether still, and what says so.

The sign-in is a file that another process changes (`entraclaw sign-in`, `sign-out`), so it
is looked at whenever it matters. When it is another one, every token of the one before is
dropped. docs/identity/delegated.md
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime

from entraclaw.bot.activity import parse
from entraclaw.bot.fields import text
from entraclaw.bot.places import Places
from entraclaw.bot.settings import Settings, Store
from entraclaw.bot.sponsors import Sponsors
from entraclaw.errors import BadSettings, EntraclawError, Problem, SignedOut
from entraclaw.identity import AgentIds, HopTiming, Minter, Token
from entraclaw.identity.delegated import UNREAD, Delegated
from entraclaw.identity.sealing import KeyringSeal, SealStore, UnsafeFileSeal
from entraclaw.identity.sign_in_file import Account, Purpose, SignInFile
from entraclaw.identity.sign_in_file import Mark as FileMark
from entraclaw.tools import Mark, marked

Marking = Callable[[Mapping[str, object]], Awaitable[Mapping[str, object]]]

_NAMELESS = "an agent"


def sign_in_file(settings: Settings, agent: AgentIds) -> SignInFile:
    """Find where the sign-in of a profile is kept; nothing is read yet."""
    purpose = Purpose(settings.profile, settings.cloud.login, agent.tenant, settings.client)
    seals: SealStore
    if settings.key_store is Store.UNSAFE_FILE:
        seals = UnsafeFileSeal(settings.folder / "keys" / f"{settings.profile}.sign-in")
    else:
        # Whatever keeps the profile's own key: a token of hardware signs, it seals nothing.
        seals = KeyringSeal(f"{settings.profile} sign-in")
    return SignInFile(settings.folder / "state" / "delegated.bin", purpose, seals)


def delegated(
    settings: Settings, agent: AgentIds, observe: Callable[[HopTiming], None]
) -> Delegated:
    """Make the source of the signed-in person's tokens."""
    if not settings.client:
        raise BadSettings([Problem("client", "is missing", "name it: docs/identity/delegated.md")])
    file = sign_in_file(settings, agent)
    return Delegated(file, settings.cloud, (agent.tenant, settings.client), time, observe)


class SignedIn:
    """Whoever is signed in now."""

    def __init__(self, person: Delegated, minter: Minter) -> None:
        """Watch *person*, whose tokens *minter* keeps."""
        self._person, self._minter = person, minter
        self._mark: FileMark | None = UNREAD
        self._account: Account | None = None
        self._trouble = ""

    async def look(self) -> Account | None:
        """See who it is; None if nobody is, or if that cannot be known.

        Tokens of somebody who is not signed in any more are dropped.
        """
        try:
            mark = self._person.mark()
            if mark == self._mark:
                return self._account
            account, trouble = await asyncio.to_thread(self._person.account), ""
        except EntraclawError as error:
            mark, account, trouble = UNREAD, None, str(error)
        self._mark, self._trouble = mark, trouble
        if account != self._account:
            self._account = account
            self._minter.forget()
        return self._account

    async def token(self, scope: str) -> Token:
        """Give a token for *scope*, as `Minter.token` does."""
        await self.look()
        return await self._minter.token(scope)

    async def sponsors(self) -> frozenset[str]:
        """Name the one person who may ask for anything: whoever signed in.

        Raises:
            SignedOut: Nobody is.
        """
        account = await self.look()
        if account is None:
            raise SignedOut(self._trouble or "nobody is signed in to act for")
        return frozenset({account.oid})

    def marking(self, places: Places) -> Marking:
        """Make what marks a message with who sends it for whom; *places* know the bot's name."""

        async def mark(document: Mapping[str, object]) -> Mapping[str, object]:
            account = await self.look()
            if account is None:
                raise SignedOut(self._trouble or "nobody is signed in to act for")
            name = await _bot_name(places, account.oid)
            return marked(document, Mark(name, account.name or account.upn))

        return mark

    def document(self) -> dict[str, object]:
        """Shape it for the wire, as it was at the last look."""
        account = self._account
        return {
            "signed_in": account is not None and self._person.is_good,
            "oid": account.oid if account else None,
            "name": account.name if account else None,
            "upn": account.upn if account else None,
            "since": _moment(account.since) if account else None,
            "trouble": self._trouble or None,
        }


class OneSponsor(Sponsors):
    """The person who signed in, as long as it is the same one."""

    def __init__(
        self,
        signed_in: SignedIn,
        clock: Callable[[], float],
        learn: Callable[[frozenset[str]], Awaitable[None]],
    ) -> None:
        """Take the one of *signed_in*; the others are as for `Sponsors`."""
        super().__init__(signed_in.sponsors, clock, learn)
        self._signed_in = signed_in
        self._last: Account | None = None

    async def current(self) -> frozenset[str]:
        """Give the one id.

        Raises:
            SignedOut: Nobody is signed in.
        """
        account = await self._signed_in.look()
        if account != self._last:
            self._last = account
            self.forget()
        return await super().current()


async def _bot_name(places: Places, oid: str) -> str:
    """Read how the bot is called from the last that *oid* wrote to it; else say what it is."""
    for place in await places.personal({oid}):
        name = text(parse(place.reference), "recipient", "name") if place.reference else ""
        if name:
            return name
    return _NAMELESS


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
