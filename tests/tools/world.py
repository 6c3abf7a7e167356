"""Where attachments may be, played by servers: a connector, a Graph, a SharePoint."""

from collections.abc import Awaitable, Callable

import aiohttp
from aiohttp import web

from entraclaw.identity import Token
from entraclaw.tools import Places, Source
from identity.stranger import Answer, Strange, Stranger


def giving(secret: str) -> Callable[[], Awaitable[Token]]:
    async def give() -> Token:
        return Token(secret, "scope", acquired_at=0.0, expires_at=1e12)

    return give


def saying(body: bytes, content_type: str = "image/png", **more: str) -> Answer:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(body=body, headers={"Content-Type": content_type, **more})

    return answer


def refusing(status: int, body: str = "", **headers: str) -> Answer:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(status=status, text=body, headers=headers)

    return answer


def host(stranger: Stranger) -> str:
    return stranger.url.removeprefix("https://")


class World:
    """A connector, a Graph, a SharePoint and somebody else, each as it is told to be."""

    DOWNLOAD = "/_layouts/15/download.aspx?tempauth=v1.a%2Fb"

    def __init__(self, session: aiohttp.ClientSession, strange: Strange) -> None:
        self._session, self._strange = session, strange

    async def open(
        self,
        *,
        connector: Answer | None = None,
        graph: Answer | None = None,
        files: Answer | None = None,
        patience_s: float = 20.0,
    ) -> Source:
        lost = refusing(404)
        self.connector = await self._strange(connector or lost)
        self.graph = await self._strange(graph or lost)
        self.files = await self._strange(files or lost)
        self.elsewhere = await self._strange(saying(b"secrets"))
        return Source(
            self._session,
            Places((host(self.connector),), self.graph.url, (host(self.files),)),
            giving("channel"),
            giving("graph"),
            patience_s,
        )

    def redirecting(self, path: str = DOWNLOAD, *, to: str = "files", status: int = 302) -> Answer:
        async def answer(_request: web.Request) -> web.Response:
            where: Stranger = getattr(self, to)
            return web.Response(status=status, headers={"Location": f"{where.url}{path}"})

        return answer
