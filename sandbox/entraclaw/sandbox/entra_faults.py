"""What goes wrong at the token endpoint, apart from the rules: slow, busy, closed, or not it.

Each fault is for one hop or all, for one agent or all, for a number of requests
or until it is taken away. The first that fits answers; delays add up.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import cast

from aiohttp import web

from entraclaw.sandbox.documents import DocumentError, Json, flag, load, number, text
from entraclaw.sandbox.grants import PERSONAL, Hop
from entraclaw.sandbox.refusals import BUSY, DOWN, is_known

_TOO_MANY = 429


@dataclass(frozen=True, slots=True)
class EntraFault:
    """What goes wrong.

    *code* is the AADSTS number of the refusal, *status* its HTTP status where
    it is not the usual one, *retry_after* the seconds it asks for. *html*
    answers a page in place of JSON. *delay_ms* comes first, and alone is
    latency. *hop* and *agent* (its user's object id) say whose requests;
    *times* how many of them, None for all that come.
    """

    hop: str | None = None
    agent: str | None = None
    code: int | None = None
    status: int | None = None
    retry_after: int | None = None
    html: bool = False
    delay_ms: float = 0.0
    times: int | None = None

    @property
    def refuses(self) -> bool:
        """Whether it answers in the place of the rules."""
        return self.html or self.code is not None


class EntraFaults:
    """The faults that are switched on, and how many requests each has met."""

    def __init__(self) -> None:
        self._on: list[EntraFault] = []
        self._met: list[int] = []

    def routes(self) -> list[web.RouteDef]:
        """The part of the control API that switches them."""
        return [
            web.put("/control/entra-faults", self._change),
            web.get("/control/entra-faults", self._show),
        ]

    async def _change(self, request: web.Request) -> web.Response:
        self.switch(load(await request.read()))
        return await self._show(request)

    async def _show(self, _request: web.Request) -> web.Response:
        pairs = zip(self._on, self._met, strict=True)
        return web.json_response({"faults": [{**asdict(on), "met": met} for on, met in pairs]})

    def switch(self, body: Json) -> None:
        """Read `PUT /control/entra-faults`: *faults* take the place of all that were on.

        Raises:
            DocumentError: One does not fit; nothing is changed.
        """
        listed = body.get("faults")
        if set(body) != {"faults"} or not isinstance(listed, list):
            raise DocumentError("faults must be a list")
        self._on = [_read(one) for one in cast("list[object]", listed)]
        self._met = [0] * len(self._on)

    def meet(self, hop: Hop, users: frozenset[str]) -> tuple[float, EntraFault | None]:
        """Count one request; gives the delay in seconds, and what answers it if not the rules.

        *users* are the agents' and bots' for whom it was sent.
        """
        delay_ms = 0.0
        for place, fault in enumerate(self._on):
            if not self._fits(place, fault, hop, users):
                continue
            self._met[place] += 1
            delay_ms += fault.delay_ms
            if fault.refuses:
                return delay_ms / 1000, fault
        return delay_ms / 1000, None

    def _fits(self, place: int, fault: EntraFault, hop: Hop, users: frozenset[str]) -> bool:
        if fault.times is not None and self._met[place] >= fault.times:
            return False
        is_agent = fault.agent is None or fault.agent in users
        return is_agent and fault.hop in {None, hop.value}


def hop_of(form: Mapping[str, str], *, is_blueprint: bool, is_bot: bool) -> Hop:
    """Tell what *form* asks for, before any rule has looked at it, by who asks."""
    if form.get("grant_type") == "user_fic":
        return Hop.USER
    if form.get("grant_type") in PERSONAL:
        return Hop.PERSON
    if is_bot:
        return Hop.BOT
    return Hop.BLUEPRINT if is_blueprint else Hop.AGENT


def _read(one: object) -> EntraFault:
    if not isinstance(one, dict):
        raise DocumentError("a fault is an object")
    body = cast("Json", one)
    if unknown := set(body) - set(EntraFault.__dataclass_fields__):
        raise DocumentError(f"there is no fault called {min(unknown)}")
    hop, status, code = text(body, "hop", ""), _whole(body, "status"), _whole(body, "code")
    if hop and hop not in set(Hop):
        raise DocumentError(f"hop must be one of: {', '.join(Hop)}")
    if status is not None and code is None:
        code = BUSY if status == _TOO_MANY else DOWN
    if code is not None and not is_known(code):
        raise DocumentError("code must be an AADSTS number that the sandbox knows")
    return EntraFault(
        hop=hop or None,
        agent=text(body, "agent", "").lower() or None,
        code=code,
        status=status,
        retry_after=_whole(body, "retry_after"),
        html=flag(body, "html", default=False),
        delay_ms=number({"delay_ms": 0, **body}, "delay_ms"),
        times=_whole(body, "times"),
    )


def _whole(body: Json, name: str) -> int | None:
    if body.get(name) is None:
        return None
    value = number(body, name)
    if value < 0 or value != int(value):
        raise DocumentError(f"{name} must be a whole number that is not negative")
    return int(value)
