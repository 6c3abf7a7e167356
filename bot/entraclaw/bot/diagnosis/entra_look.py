"""Ask Entra what it tells everybody: that it is there, what time it is, which keys sign."""

import json
import time
from email.utils import parsedate_to_datetime
from typing import Any, cast

import aiohttp

from entraclaw.bot.principal import Inbound
from entraclaw.bot.settings import Settings
from entraclaw.errors import HopRefused, Unreachable
from entraclaw.identity import AgentIds, Hop
from entraclaw.identity.refusals import code_of, hint_for

_TIMEOUT = aiohttp.ClientTimeout(total=7, connect=5)
_BAD_REQUEST = 400


async def skew(session: aiohttp.ClientSession, settings: Settings, agent: AgentIds) -> float:
    """Say by how many seconds Entra's clock is ahead of ours.

    Raises:
        HopRefused: It knows no such tenant.
        Unreachable: It does not answer, or something else answers in its place.
    """
    url = f"{settings.cloud.login}/{agent.tenant}/v2.0/.well-known/openid-configuration"
    began = time.time()
    status, document, date = await _get(session, url, "Entra")
    if status == _BAD_REQUEST:
        code = code_of(document)
        raise HopRefused(Hop.BLUEPRINT, code, hint=hint_for(Hop.BLUEPRINT, code))
    if not isinstance(document.get("token_endpoint"), str):
        raise Unreachable("Entra", f"status {status}, and no metadata")
    try:
        theirs = parsedate_to_datetime(date).timestamp()
    except ValueError:
        return 0.0  # a proxy took the date away: what cannot be compared is not off
    return theirs - (began + time.time()) / 2


async def signing_keys(session: aiohttp.ClientSession, settings: Settings, agent: AgentIds) -> int:
    """Count the keys that what comes to the webhook is signed with.

    Raises:
        Unreachable: They cannot be fetched.
    """
    host = "the signing keys' host"
    url = f"{settings.cloud.login}/{agent.tenant}/discovery/v2.0/keys"
    if settings.inbound is Inbound.BOT:
        _, metadata, _ = await _get(session, settings.cloud.bot_openid, host)
        url = str(metadata.get("jwks_uri") or "")
    status, document, _ = await _get(session, url, host)
    keys = document.get("keys")
    if not isinstance(keys, list) or not keys:
        raise Unreachable(host, f"status {status}, and no keys")
    return len(cast("list[object]", keys))


async def _get(
    session: aiohttp.ClientSession, url: str, service: str
) -> tuple[int, dict[str, Any], str]:
    try:
        async with session.get(url, timeout=_TIMEOUT, allow_redirects=False) as response:
            body, date = await response.read(), response.headers.get("Date", "")
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        raise Unreachable(service, type(error).__name__) from error
    try:
        document: object = json.loads(body)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise Unreachable(service, f"status {response.status}, and no JSON") from None
    return response.status, cast("dict[str, Any]", document), date
