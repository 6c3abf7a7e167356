"""Chats as Graph tells them: every page once, no filter believed, nothing odd too odd."""

import json
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from entraclaw.errors import CallRefused, Uncertain
from entraclaw.tools import Graph, chats, latest, messages, post
from identity.stranger import Answer, Strange
from tools.speaking import speaking

CHAT = "19:a_b@unq.gbl.spaces"


def message(n: int, **changes: object) -> dict[str, Any]:
    """One that was made *n* seconds after the epoch."""
    at = f"1970-01-01T00:{n // 60:02}:{n % 60:02}.1234567Z"
    return {
        "id": str(n),
        "messageType": "message",
        "createdDateTime": at,
        "lastModifiedDateTime": at,
        "from": {"user": {"id": "ADA", "displayName": "Ada", "tenantId": "T"}},
        "body": {"contentType": "text", "content": f"said {n}"},
        **changes,
    }


def paged(*pages: list[dict[str, Any]]) -> Answer:
    """Give *pages* one after the other, each with the address of the next."""
    asked = iter(enumerate(pages, 1))

    async def answer(request: web.Request) -> web.Response:
        number, value = next(asked)
        body: dict[str, object] = {"value": value}
        if number < len(pages):
            body["@odata.nextLink"] = f"{request.url.origin()}{request.path}?$skiptoken={number}"
        return web.json_response(body)

    return answer


async def graph(session: aiohttp.ClientSession, strange: Strange, answer: Answer) -> Graph:
    return speaking(session, (await strange(answer)).url)


async def test_pages_are_read_until_the_moment_and_repeats_are_left_out(
    session: aiohttp.ClientSession, strange: Strange
) -> None:
    pages = paged(
        [message(9), message(8)],
        [message(8), message(7)],
        [message(7), message(6), message(5), message(4)],
        [message(3)],
    )
    found = await messages(await graph(session, strange, pages), CHAT, 5.5)

    assert [one.id for one in found] == ["9", "8", "7", "6"]


async def test_read_back_goes_by_when_a_message_was_made(
    session: aiohttp.ClientSession, strange: Strange
) -> None:
    edited = message(7, lastModifiedDateTime="2026-01-01T00:00:00Z")
    pages = paged([message(8), edited], [message(6), message(2), message(1)])
    stranger = await strange(pages)
    found = await latest(speaking(session, stranger.url), CHAT, 2.5)

    assert [one.id for one in found] == ["8", "7", "6"]
    assert "orderby=createdDateTime%20desc" in stranger.asked[0]


async def test_chat_that_goes_on_for_ever_is_given_up(
    session: aiohttp.ClientSession, strange: Strange
) -> None:
    async def answer(request: web.Request) -> web.Response:
        link = f"{request.url.origin()}{request.path}?$skiptoken=same"
        return web.json_response({"value": [message(9)], "@odata.nextLink": link})

    assert len(await latest(await graph(session, strange, answer), CHAT, 1.0)) == 1


async def test_message_is_read_whatever_it_lacks(
    session: aiohttp.ClientSession, strange: Strange
) -> None:
    odd: list[Any] = [
        None,
        {},
        message(9, **{"from": None, "body": None}),
        message(8, **{"from": {"application": {"id": "app"}, "user": None}}),
        message(7, messageType="unknownFutureValue", deletedDateTime="x", lastEditedDateTime="y"),
    ]
    found = await latest(await graph(session, strange, paged(odd)), CHAT, -1.0)

    assert [(one.sender, one.application, one.is_event) for one in found] == [
        ("", False, True),
        ("", False, False),
        ("", True, False),
        ("ada", False, True),
    ]
    assert (found[3].is_deleted, found[3].edited) == (True, 0.0)


async def test_chat_tells_when_it_was_last_spoken_in_and_by_whom_it_is_shared(
    session: aiohttp.ClientSession, strange: Strange
) -> None:
    told = {
        "id": CHAT,
        "chatType": "oneOnOne",
        "topic": None,
        "lastUpdatedDateTime": "1970-01-01T00:00:01Z",
        "lastMessagePreview": {"createdDateTime": "1970-01-01T00:00:09Z"},
        "members": [{"userId": "ADA", "tenantId": "T", "displayName": "Ada"}, None],
    }
    silent = {"id": "19:meeting", "chatType": "meeting", "lastMessagePreview": None}
    known, meeting = await chats(await graph(session, strange, paged([told], [silent])))

    assert (known.kind, known.spoken, known.members[0].oid) == ("personal", 9.0, "ada")
    assert (meeting.kind, meeting.spoken, meeting.members) == ("groupChat", 0.0, ())


async def test_text_is_posted_as_text_to_one_chat_whatever_its_name(
    session: aiohttp.ClientSession, strange: Strange
) -> None:
    bodies: list[object] = []

    async def answer(request: web.Request) -> web.Response:
        bodies.append(await request.json())
        return web.json_response({"id": "42"}, status=201)

    stranger = await strange(answer)
    assert await post(speaking(session, stranger.url), "19:a/../b?c", "<b>hi</b>") == "42"
    assert bodies == [{"body": {"contentType": "text", "content": "<b>hi</b>"}}]
    assert stranger.asked == ["POST /v1.0/chats/19:a%2F..%2Fb%3Fc/messages"]


@pytest.mark.parametrize("status", [500, 502, 503, 504])
async def test_post_that_a_gateway_gave_up_may_have_arrived(
    session: aiohttp.ClientSession, strange: Strange, status: int
) -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(status=status)

    with pytest.raises(Uncertain, match=str(status)):
        await post(await graph(session, strange, answer), CHAT, "hi")


async def test_post_that_is_cut_off_may_have_arrived(
    session: aiohttp.ClientSession, strange: Strange
) -> None:
    async def answer(request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    with pytest.raises(Uncertain, match=r"Disconnected|OSError|Reset"):
        await post(await graph(session, strange, answer), CHAT, "hi")


@pytest.mark.parametrize(
    ("told", "hint"), [("9", "call again in 9 s"), ("soon", "call again in 60 s")]
)
async def test_refusal_for_a_while_says_when_to_call_again(
    session: aiohttp.ClientSession, strange: Strange, told: str, hint: str
) -> None:
    async def answer(_request: web.Request) -> web.Response:
        body = json.dumps({"error": {"code": "TooManyRequests"}})
        return web.Response(status=429, text=body, headers={"Retry-After": told})

    with pytest.raises(CallRefused, match="429 TooManyRequests") as refusal:
        await chats(await graph(session, strange, answer))
    assert refusal.value.hint == hint
    assert refusal.value.is_passing
