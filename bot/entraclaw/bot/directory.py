"""Find out at home in which tenant a sender is; what is not proved is not known.

Teams often does not say it, and where it does, a guest may be given the tenant they visit.
Only our own directory can say that somebody is ours, and it is asked each time that
matters, with an answer kept for a while.
"""

from collections.abc import Awaitable, Callable

from entraclaw.bot.activity import Json
from entraclaw.errors import CallRefused
from entraclaw.tools import Person

KEPT_S = 300.0
KEPT_LIMIT = 1024

_MEMBER = "member"
# Entra marks so the address of an account that signs in elsewhere, guest or not:
# https://learn.microsoft.com/entra/external-id/user-properties
_ELSEWHERE = "#ext#"
# No such object, or no permission to look; any other refusal may be another one tomorrow.
_NO_ANSWER = frozenset({400, 403})


class Directory:
    """Our tenant's directory, asked about one person at a time."""

    def __init__(
        self,
        ask: Callable[[str, Json], Awaitable[Person | None]],
        home: str,
        clock: Callable[[], float],
    ) -> None:
        """Ask by *ask* who an object id is in tenant *home*; *clock* gives monotonic seconds.

        *ask* is given the activity as well, whose conversation may be where that is known.
        """
        self._ask, self._home, self._clock = ask, home, clock
        self._kept: dict[str, tuple[float, str]] = {}

    async def home_of(self, oid: str, claimed_tenant: str, document: Json) -> str:
        """Name the home tenant of *oid*; empty when nothing proves one.

        Args:
            oid: Object id, lower case; empty when the activity names none.
            claimed_tenant: What the activity says, lower case; empty when it says nothing.
                Another tenant than ours is believed, since it only takes rights away
                or asks for an entry that names it.
            document: The activity.

        Raises:
            EntraclawError: The directory cannot be asked now.
        """
        if claimed_tenant not in {"", self._home}:
            return claimed_tenant
        if not oid:
            return ""
        kept = self._kept.get(oid)
        now = self._clock()
        if kept is not None and now - kept[0] < KEPT_S:
            return kept[1]
        tenant = self._home if await self._is_ours(oid, document) else ""
        self._kept.pop(oid, None)
        if len(self._kept) >= KEPT_LIMIT:
            del self._kept[next(iter(self._kept))]
        self._kept[oid] = now, tenant
        return tenant

    async def _is_ours(self, oid: str, document: Json) -> bool:
        try:
            person = await self._ask(oid, document)
        except CallRefused as refusal:
            if refusal.status in _NO_ANSWER:
                return False
            raise
        return person is not None and person.oid == oid and _lives_here(person)


def _lives_here(person: Person) -> bool:
    """Tell a member who signs in here from guests and from members of other tenants.

    ``userType`` is beyond the basic profile; where Graph holds it back, the address decides.
    """
    kind, upn = person.user_type.lower(), person.upn.lower()
    return kind in {"", _MEMBER} and bool(upn) and _ELSEWHERE not in upn
