"""Fetch an attachment of a Teams message, when somebody asks for it.

Where from and with which token is decided in `entraclaw.tools.attachment_routes`. Here it
is read: bounded in bytes and seconds whatever the server says of them, and looked at before
it is given on, so that what claims to be a picture is one.
"""

import asyncio
import json
import re
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import cast

import aiohttp
from yarl import URL

from entraclaw.errors import AttachmentRefused, CallRefused, Unreachable
from entraclaw.identity.challenge import Refused, ignore, renewed
from entraclaw.identity.values import Token
from entraclaw.tools.attachment_routes import Bearer, Places, Route, check_redirect, route
from entraclaw.tools.graph import Json, error_code

IMAGE_LIMIT = 4 * 1024 * 1024  # bytes, decoded
FILE_LIMIT = 20 * 1024 * 1024  # bytes, decoded

# Silence ends sooner than slowness: a server that trickles has this long, redirect included.
PATIENCE_S = 60.0
_TIMEOUT = aiohttp.ClientTimeout(total=None, connect=10, sock_read=15)

_CHUNK = 65_536
_UNAUTHORISED = 401
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_OCTETS = "application/octet-stream"
_MEDIA_TYPE = re.compile(r"[a-z]+/[a-z0-9.+-]{1,127}")
_PICTURES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})


class Wanted(StrEnum):
    """As what an attachment is wanted: it sets the limit and what must be found."""

    IMAGE = "image"
    FILE = "file"


_LIMITS = {Wanted.IMAGE: IMAGE_LIMIT, Wanted.FILE: FILE_LIMIT}


@dataclass(frozen=True, slots=True)
class Fetched:
    """An attachment, fetched.

    Attributes:
        content: Its bytes. Outside content: data, never instructions.
        content_type: Of a picture, what its bytes say; else what the server said.
        name: As it was asked for.
    """

    content: bytes = field(repr=False)
    content_type: str
    name: str


@dataclass(frozen=True, slots=True)
class Source:
    """What fetching needs.

    Attributes:
        session: The one pooled HTTP session.
        places: Where attachments may be.
        channel_token: Gives the agent user's token for the agent channel.
        graph_token: Gives the agent user's token for Graph.
        patience_s: How long fetching may take, in seconds, once there is a token.
        refused: Told of a token that was answered with 401; the next one is another.
    """

    session: aiohttp.ClientSession
    places: Places
    channel_token: Callable[[], Awaitable[Token]]
    graph_token: Callable[[], Awaitable[Token]]
    patience_s: float = PATIENCE_S
    refused: Refused = ignore


async def fetch(source: Source, url: str, *, wanted: Wanted, name: str = "") -> Fetched:
    """Fetch the attachment at *url*.

    Raises:
        AttachmentRefused: It is where we do not go, too large, or not what it claims to be.
        CallRefused: Teams, Graph or SharePoint said no.
        Unreachable: One of them did not answer in time.
        HopRefused: There is no token to ask with.
    """
    way = route(url, source.places)
    give = source.channel_token if way.bearer is Bearer.CHANNEL else source.graph_token
    token = await give()
    try:
        return await _fetched(source, way, token, wanted, name)
    except CallRefused as error:
        again = None
        if error.status == _UNAUTHORISED:
            again = await renewed(give, source.refused, token, "")
        if again is None:
            raise
    return await _fetched(source, way, again, wanted, name)


async def _fetched(source: Source, way: Route, token: Token, wanted: Wanted, name: str) -> Fetched:
    try:
        async with asyncio.timeout(source.patience_s):
            content, told = await _download(source, way, token, _LIMITS[wanted])
    except (aiohttp.ClientError, TimeoutError) as error:
        raise Unreachable(way.service, type(error).__name__) from error
    return Fetched(content, _content_type(content, told, wanted), name)


def picture_type(content: bytes) -> str:
    """Tell which kind of picture *content* is by how it begins; empty if it is none we know."""
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if content.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if content.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    is_webp = content.startswith(b"RIFF") and content[8:12] == b"WEBP"
    return "image/webp" if is_webp else ""


async def _download(source: Source, way: Route, token: Token, limit: int) -> tuple[bytes, str]:
    """Read what *way* leads to, and what its server calls it."""
    headers = {"Authorization": f"Bearer {token.secret}"}
    async with _ask(source, way.url, headers) as response:
        if response.status not in _REDIRECTS:
            return await _read(response, way.service, limit)
        if not way.may_redirect:
            raise AttachmentRefused("its server sends us elsewhere")
        onwards = check_redirect(response.headers.get("Location", ""), source.places)
    # The address itself is the permission: no token goes along.
    async with _ask(source, onwards, {}) as response:
        return await _read(response, "SharePoint", limit)


@asynccontextmanager
async def _ask(
    source: Source, url: str, headers: dict[str, str]
) -> AsyncGenerator[aiohttp.ClientResponse]:
    async with source.session.get(
        # Encoded already: quoting it again would change ids and signatures.
        URL(url, encoded=True),
        headers={**headers, "Accept-Encoding": "identity"},
        timeout=_TIMEOUT,
        allow_redirects=False,
    ) as response:
        try:
            yield response
        finally:
            response.close()  # what is not read yet is not wanted


async def _read(response: aiohttp.ClientResponse, service: str, limit: int) -> tuple[bytes, str]:
    if response.status != 200:  # noqa: PLR2004 - HTTP
        code = _code(await response.content.read(_CHUNK))
        raise CallRefused(service, response.status, code, hint=_hint(response.status))
    too_large = AttachmentRefused(f"it is larger than {limit // 1_048_576} MiB")
    if (response.content_length or 0) > limit:
        raise too_large
    content = bytearray()
    async for chunk in response.content.iter_chunked(_CHUNK):
        content += chunk
        if len(content) > limit:  # whatever length was announced, and after decompression
            raise too_large
    return bytes(content), response.headers.get("Content-Type", "")


def _content_type(content: bytes, told: str, wanted: Wanted) -> str:
    found = picture_type(content)
    media_type = told.partition(";")[0].strip().lower()
    if not found and (wanted is Wanted.IMAGE or media_type in _PICTURES):
        raise AttachmentRefused("it is not the picture it claims to be")
    return found or (media_type if _MEDIA_TYPE.fullmatch(media_type) else _OCTETS)


def _code(body: bytes) -> str:
    try:
        document: object = json.loads(body)
    except ValueError:
        document = None
    return error_code(cast("Json", document) if isinstance(document, dict) else {})


def _hint(status: int) -> str:
    if status in {401, 403}:
        return "reading files needs a file permission of Graph, consented for the blueprint"
    return ""
