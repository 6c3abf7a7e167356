"""Fetching: bounded, looked at, and no token to anybody but whom it is for."""

import asyncio
import gzip
import struct
from collections.abc import Callable
from dataclasses import replace

import aiohttp
import pytest
from aiohttp import web

from entraclaw.errors import AttachmentRefused, CallRefused, HopRefused, Unreachable
from entraclaw.identity import Token
from entraclaw.tools import Fetched, Places, Source, Wanted, fetch
from entraclaw.tools.attachments import FILE_LIMIT, IMAGE_LIMIT, picture_type
from identity.stranger import Answer, Strange
from identity.tenant import closed_port
from tools.world import World, giving, refusing, saying

PNG = b"\x89PNG\r\n\x1a\n" + b"pixels"
JPEG = b"\xff\xd8\xff\xe0" + b"pixels"
PICTURE = "/amer/v3/attachments/0-abc/views/original"
HOSTED = "/v1.0/chats/19%3Aa%40thread.v2/messages/1/hostedContents/aWQ%3D/$value"
FILE = "/personal/ada/Documents/q3.docx"


@pytest.fixture
def world(session: aiohttp.ClientSession, strange: Strange) -> World:
    return World(session, strange)


async def test_picture_comes_from_the_connector_with_the_token_of_the_channel(
    world: World,
) -> None:
    source = await world.open(connector=saying(PNG))
    found = await fetch(source, world.connector.url + PICTURE, wanted=Wanted.IMAGE, name="a")

    assert found == Fetched(PNG, "image/png", "a")
    assert "pixels" not in repr(found)
    assert world.connector.asked == [f"GET {PICTURE}"]
    assert world.connector.bearers == ["Bearer channel"]


async def test_hosted_content_comes_from_graph_with_its_own_token(world: World) -> None:
    source = await world.open(graph=saying(JPEG, "application/octet-stream"))
    found = await fetch(source, world.graph.url + HOSTED, wanted=Wanted.IMAGE)

    assert (found.content, found.content_type) == (JPEG, "image/jpeg")
    assert world.graph.bearers == ["Bearer graph"]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_file_is_asked_of_graph_and_downloaded_without_any_token(
    world: World, status: int
) -> None:
    source = await world.open(
        graph=world.redirecting(status=status), files=saying(b"words", "application/msword; x=y")
    )
    found = await fetch(source, world.files.url + FILE, wanted=Wanted.FILE, name="q3.docx")

    assert found == Fetched(b"words", "application/msword", "q3.docx")
    assert world.graph.bearers == ["Bearer graph"]
    assert world.files.asked == [f"GET {World.DOWNLOAD}"]
    assert world.files.bearers == [""]


async def test_file_that_graph_gives_itself_is_taken(world: World) -> None:
    source = await world.open(graph=saying(b"words", "text/plain"))
    found = await fetch(source, world.files.url + FILE, wanted=Wanted.FILE)

    assert (found.content, found.content_type) == (b"words", "text/plain")
    assert world.files.asked == []


async def test_redirect_to_a_foreign_host_is_refused_and_not_followed(world: World) -> None:
    source = await world.open(graph=world.redirecting(to="elsewhere"))

    with pytest.raises(AttachmentRefused, match="not in OneDrive or SharePoint"):
        await fetch(source, world.files.url + FILE, wanted=Wanted.FILE)
    assert world.elsewhere.asked == []


@pytest.mark.parametrize("to", ["elsewhere", "files"])
async def test_connector_and_hosted_content_do_not_redirect(world: World, to: str) -> None:
    source = await world.open(connector=world.redirecting(to=to), graph=world.redirecting(to=to))

    for url in (world.connector.url + PICTURE, world.graph.url + HOSTED):
        with pytest.raises(AttachmentRefused, match="sends us elsewhere"):
            await fetch(source, url, wanted=Wanted.IMAGE)
    assert world.elsewhere.asked == world.files.asked == []


async def test_download_that_redirects_again_is_refused(world: World) -> None:
    source = await world.open(graph=world.redirecting(), files=world.redirecting(to="elsewhere"))

    with pytest.raises(CallRefused, match="SharePoint refused the call"):
        await fetch(source, world.files.url + FILE, wanted=Wanted.FILE)
    assert world.elsewhere.asked == []


async def test_redirect_without_an_address_is_refused(world: World) -> None:
    source = await world.open(graph=refusing(302))

    with pytest.raises(AttachmentRefused, match="no plain https address"):
        await fetch(source, world.files.url + FILE, wanted=Wanted.FILE)


async def test_other_host_is_refused_before_a_token_is_asked_for(world: World) -> None:
    async def never() -> Token:
        raise NotImplementedError

    source = await world.open()
    mute = Source(source.session, source.places, never, never)

    for path in (PICTURE, HOSTED, FILE):
        with pytest.raises(AttachmentRefused, match="not in Teams, OneDrive or SharePoint"):
            await fetch(mute, world.elsewhere.url + path, wanted=Wanted.FILE)
    assert world.elsewhere.asked == []


async def test_nothing_is_asked_without_a_token(world: World) -> None:
    async def refuse() -> Token:
        raise HopRefused("user", "AADSTS65001", hint="")

    source = await world.open()
    with pytest.raises(HopRefused):
        await fetch(
            Source(source.session, source.places, refuse, refuse),
            world.connector.url + PICTURE,
            wanted=Wanted.IMAGE,
        )
    assert world.connector.asked == []


async def test_token_that_is_refused_is_replaced_once(world: World) -> None:
    """Ours: the second 401 is the answer, whatever the token."""
    source = await world.open(graph=refusing(401))
    told: list[str] = []

    async def give() -> Token:
        return Token(f"token {len(told)}", "graph", acquired_at=0.0, expires_at=1.0)

    def refused(token: Token, claims: str) -> None:
        told.append(token.secret + claims)

    with pytest.raises(CallRefused, match="401"):
        await fetch(
            replace(source, graph_token=give, refused=refused),
            world.files.url + FILE,
            wanted=Wanted.FILE,
        )

    assert told == ["token 0"]
    assert world.graph.bearers == ["Bearer token 0", "Bearer token 1"]


def large(limit: int) -> Answer:
    """More than *limit* bytes, their length told at the start."""
    return saying(PNG + bytes(limit))


def flowing(limit: int) -> Answer:
    """More than *limit* bytes, their length never told."""

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "image/png"})
        await response.prepare(request)
        for _ in range(2 * limit // 65_536):
            await response.write(bytes(65_536))
        return response

    return answer


def packed(limit: int) -> Answer:
    """A few bytes that unpack to more than *limit*."""
    return saying(gzip.compress(bytes(4 * limit)), **{"Content-Encoding": "gzip"})


@pytest.mark.parametrize("too_much", [large, flowing, packed])
async def test_picture_over_the_limit_is_cut_off(
    world: World, too_much: Callable[[int], Answer]
) -> None:
    source = await world.open(connector=too_much(IMAGE_LIMIT))

    with pytest.raises(AttachmentRefused, match="it is larger than 4 MiB"):
        await fetch(source, world.connector.url + PICTURE, wanted=Wanted.IMAGE)


@pytest.mark.parametrize("too_much", [large, flowing])
async def test_file_over_the_limit_is_cut_off(
    world: World, too_much: Callable[[int], Answer]
) -> None:
    source = await world.open(graph=world.redirecting(), files=too_much(FILE_LIMIT))

    with pytest.raises(AttachmentRefused, match="it is larger than 20 MiB"):
        await fetch(source, world.files.url + FILE, wanted=Wanted.FILE)


async def test_picture_at_the_limit_is_taken(world: World) -> None:
    body = PNG + bytes(IMAGE_LIMIT - len(PNG))
    source = await world.open(connector=saying(body))

    found = await fetch(source, world.connector.url + PICTURE, wanted=Wanted.IMAGE)
    assert len(found.content) == IMAGE_LIMIT


async def test_body_shorter_than_announced_is_no_attachment(world: World) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "100"})
        await response.prepare(request)
        await response.write(PNG)
        if request.transport:
            request.transport.close()
        return response

    source = await world.open(connector=answer)
    with pytest.raises(Unreachable, match="Teams cannot be reached"):
        await fetch(source, world.connector.url + PICTURE, wanted=Wanted.IMAGE)


async def test_server_that_trickles_is_given_up_in_time(world: World) -> None:
    gone = asyncio.Event()

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "image/png"})
        await response.prepare(request)
        try:
            while True:
                await response.write(b"x")
                await asyncio.sleep(0.02)  # the fault itself: a byte now and then
        finally:
            gone.set()

    source = await world.open(connector=answer, patience_s=0.3)
    async with asyncio.timeout(30):
        with pytest.raises(Unreachable, match="TimeoutError"):
            await fetch(source, world.connector.url + PICTURE, wanted=Wanted.IMAGE)
        await gone.wait()


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"<html>obey</html>", "image/png"),
        (b"<svg onload='x'/>", "image/svg+xml"),
        (b"", "image/png"),
        (b"RIFF1234WAVE", "image/webp"),
        (b"GIF88a", "image/gif"),
    ],
)
async def test_picture_that_is_none_is_refused(world: World, body: bytes, told: str) -> None:
    source = await world.open(connector=saying(body, told))

    with pytest.raises(AttachmentRefused, match="not the picture it claims to be"):
        await fetch(source, world.connector.url + PICTURE, wanted=Wanted.IMAGE)


@pytest.mark.parametrize(
    ("body", "told", "content_type"),
    [
        (PNG, "text/html", "image/png"),
        (b"words", "TEXT/Plain; charset=utf-8", "text/plain"),
        (b"words", "not a type", "application/octet-stream"),
        (b"<svg/>", "image/svg+xml", "image/svg+xml"),
    ],
)
async def test_file_has_the_type_its_server_says_unless_it_is_a_picture(
    world: World, body: bytes, told: str, content_type: str
) -> None:
    source = await world.open(graph=saying(body, told))
    found = await fetch(source, world.files.url + FILE, wanted=Wanted.FILE)

    assert found.content_type == content_type


async def test_file_that_only_claims_to_be_a_picture_is_refused(world: World) -> None:
    source = await world.open(graph=saying(b"MZ", "image/jpeg"))

    with pytest.raises(AttachmentRefused, match="claims"):
        await fetch(source, world.files.url + FILE, wanted=Wanted.FILE)


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (PNG, "image/png"),
        (JPEG, "image/jpeg"),
        (b"GIF87a", "image/gif"),
        (b"GIF89a...", "image/gif"),
        (b"RIFF" + struct.pack("<I", 4) + b"WEBP", "image/webp"),
        (b"\x89PNG", ""),
    ],
)
def test_picture_is_known_by_how_it_begins(content: bytes, kind: str) -> None:
    assert picture_type(content) == kind


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (403, '{"error": {"code": "accessDenied"}}', "403 accessDenied"),
        (404, "<html>", "404 no reason given"),
        (204, "", "204 no reason given"),
    ],
)
async def test_refusal_names_service_status_and_code(
    world: World, status: int, body: str, said: str
) -> None:
    source = await world.open(graph=refusing(status, body))

    with pytest.raises(CallRefused, match=f"Graph refused the call \\({said}\\)") as refusal:
        await fetch(source, world.files.url + FILE, wanted=Wanted.FILE)
    assert bool(refusal.value.hint) is (status == 403)


async def test_service_that_is_not_there_is_unreachable(session: aiohttp.ClientSession) -> None:
    gone = f"localhost:{closed_port()}"
    source = Source(session, Places((gone,), "", ()), giving("a"), giving("b"))

    with pytest.raises(Unreachable, match="Teams cannot be reached"):
        await fetch(source, f"https://{gone}{PICTURE}", wanted=Wanted.IMAGE)
