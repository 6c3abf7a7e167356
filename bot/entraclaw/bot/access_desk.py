"""Bind what is asked of the list of who may speak: what it would do, and the doing."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import orjson

from entraclaw.bot import access_change
from entraclaw.bot.access import Access, Account
from entraclaw.bot.access_change import Change, differences, widens
from entraclaw.bot.access_file import AccessFile
from entraclaw.bot.access_format import encode
from entraclaw.bot.plain import plain_name
from entraclaw.bot.wish import Request, Result, Wish
from entraclaw.errors import EntraclawError, ProofRefused

if TYPE_CHECKING:
    from entraclaw.tools import Person

_DIFFERENCES_SHOWN = 5

Ask = Callable[[str], Awaitable["Person | None"]]


class AccessDesk:
    """The list, as the commands change it."""

    def __init__(
        self,
        file: AccessFile,
        now: Callable[[], float],
        home: str = "",
        ask: Ask | None = None,
    ) -> None:
        """Change *file*; *ask* tells who an object id of the tenant *home* is, where it can."""
        self._file, self._now, self._home, self._ask = file, now, home, ask

    async def bind(self, request: Request) -> Wish:
        """Bind a change of the list.

        Raises:
            EntraclawError: It cannot be made, or is none.
        """
        match request.get("do"):
            case "accept":
                return await asyncio.to_thread(self._accept)
            case "restore":
                return Wish("put back what was sealed", needs_proof=False, do=self._restore)
            case "reset":
                return await asyncio.to_thread(self._reset)
            case _:
                return await self._change(request)

    async def _change(self, request: Request) -> Wish:
        await asyncio.to_thread(self._file.open)
        before = await asyncio.to_thread(self._file.load)
        now = self._now()
        change = access_change.read(request, before, now)
        after = change.edit(before, "", now)

        needs_proof = widens(before, after)

        async def do(by: str) -> Result:
            return await asyncio.to_thread(self._make, change, by, is_proved=needs_proof)

        if needs_proof and change.account is not None:
            known_as = await self._known_as(change.account)
            change = replace(change, what=f"{change.what} ({known_as})")
        return Wish(change.what, needs_proof=needs_proof, do=do)

    def _make(self, change: Change, by: str, *, is_proved: bool) -> Result:
        def edit(access: Access) -> tuple[Access, None]:
            after = change.edit(access, by, self._now())
            if widens(access, after) and not is_proved:  # the list was another one when asked
                raise ProofRefused("the list was changed meanwhile", hint="try again")
            return after, None

        return _result(change.done, self._file.change(edit)[0])

    def _accept(self) -> Wish:
        sight = self._file.sight()
        if sight.found is None:
            raise EntraclawError(sight.why, hint="`entraclaw access restore`, or `access reset`")
        if not sight.is_changed:
            raise EntraclawError("the list is as it was sealed: there is nothing to accept")
        found = sight.found
        lines = differences(sight.sealed or Access(), found)
        more = len(lines) - _DIFFERENCES_SHOWN
        said = [*lines[:_DIFFERENCES_SHOWN], *([f"{more} more"] if more > 0 else [])]

        async def do(_by: str) -> Result:
            accepted = await asyncio.to_thread(self._file.accept, found)
            return _result("the list is sealed as it was found", accepted)

        words = "; ".join(said) or "nothing that differs"
        what = f"take the list as it was changed outside the daemon: {words}"
        return Wish(what, needs_proof=True, do=do)

    async def _restore(self, _by: str) -> Result:
        restored = await asyncio.to_thread(self._file.restore)
        return _result("the list is as it was sealed", restored)

    def _reset(self) -> Wish:
        try:
            sealed = self._file.sight().sealed
        except EntraclawError:
            sealed = None

        async def do(_by: str) -> Result:
            aside = await asyncio.to_thread(self._file.set_aside, self._now())
            if aside is None:
                raise EntraclawError("the list can be read, and was left as it is")
            return _result(f"kept aside as {aside}; the list is empty now", Access())

        needs_proof = widens(sealed or Access(), Access())
        return Wish("begin an empty list, without its denials", needs_proof=needs_proof, do=do)

    async def _known_as(self, account: Account) -> str:
        """Say what is known of somebody besides what whoever asks says of them."""
        tenant, oid = account
        if tenant != self._home:
            return "of another tenant"
        try:
            person = await self._ask(oid) if self._ask is not None else None
        except EntraclawError:
            return "whom the directory cannot be asked about now"
        if person is None:
            return "whom the directory does not know"
        return f"the directory says: {plain_name(person.name)}, {plain_name(person.upn, 128)}"


def _result(did: str, access: Access) -> Result:
    document: dict[str, Any] = orjson.loads(encode(access))
    return {"did": did, "access": document}
