"""Bind what an administrator wants done at Microsoft: the words a sponsor is shown of it.

The doing is the command's, with the sign-in of the administrator: the daemon never holds
that. So what is proved here is that a person who may wants it, and nothing is changed.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, cast

from entraclaw.bot.plain import plain_name
from entraclaw.bot.wish import Request, Result, Wish
from entraclaw.errors import EntraclawError, ProofRefused

if TYPE_CHECKING:
    from entraclaw.tools import Person

CHANGE = "administrator"
SPONSOR, PERMISSIONS = "sponsor", "permissions"

_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9._ -]{0,79}")
_MOST = 60
_KINDS: Mapping[str, str] = {
    "user": "of mine, who may tell me what to do",
    "identity": "of my agent identity",
    "blueprint": "of my blueprint",
}

Ask = Callable[[str], Awaitable["Person | None"]]


class AdministratorDesk:
    """What an administrator may want of a tenant that widens what the agent can do."""

    def __init__(self, ask: Ask | None = None) -> None:
        """Have *ask* tell who an object id of our tenant is, where it can."""
        self._ask = ask

    async def bind(self, request: Request) -> Wish:
        """Bind a change at Microsoft.

        Raises:
            ProofRefused: It is none that we know.
        """
        match request.get("do"):
            case "sponsor":
                what = await self._sponsor(request)
            case "permissions":
                what = _permissions(request)
            case _:
                raise _unknown()
        return Wish(what, needs_proof=True, do=_proved)

    async def _sponsor(self, request: Request) -> str:
        oid, kinds = str(request.get("person")), request.get("on")
        if not _GUID.fullmatch(oid) or not isinstance(kinds, list):
            raise _unknown()
        named = [_KINDS.get(str(kind), "") for kind in cast("list[object]", kinds)]
        if not all(named):
            raise _unknown()
        return f"make {oid} ({await self._known_as(oid)}) a sponsor {' and '.join(named)}"

    async def _known_as(self, oid: str) -> str:
        try:
            person = await self._ask(oid) if self._ask is not None else None
        except EntraclawError:
            return "whom the directory cannot be asked about now"
        if person is None:
            return "whom the directory does not know"
        return f"the directory says: {plain_name(person.name)}, {plain_name(person.upn, 128)}"


def _permissions(request: Request) -> str:
    asked = request.get("scopes")
    if not isinstance(asked, dict) or not asked:
        raise _unknown()
    named: list[str] = []
    for resource, scopes in cast("dict[object, object]", asked).items():
        if not isinstance(scopes, list) or not scopes:
            raise _unknown()
        words = [str(resource), *(str(scope) for scope in cast("list[object]", scopes))]
        if len(words) > _MOST or not all(_WORD.fullmatch(word) for word in words):
            raise _unknown()
        named.append(f"{words[0]}: {', '.join(words[1:])}")
    return f"get these permissions at Microsoft: {'; '.join(named)}"


async def _proved(by: str) -> Result:
    del by
    return {"did": "it may be done now, by the administrator who signed in"}


def _unknown() -> ProofRefused:
    return ProofRefused("this daemon does not know that change", hint="restart it")
