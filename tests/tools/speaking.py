"""Short ways to a Graph client, for whoever's token it is."""

import aiohttp

from entraclaw.identity import Token
from entraclaw.tools import Graph

NO_TOKEN = "not a token"


def speaking(session: aiohttp.ClientSession, base: str, secret: str = NO_TOKEN) -> Graph:
    """A client that shows *secret* to *base*."""

    async def give() -> Token:
        return Token(secret, f"{base}/.default", acquired_at=0.0, expires_at=1e12)

    return Graph(session, base, give)
