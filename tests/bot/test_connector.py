"""What goes out: quoted ids, allowed hosts, one token, no redirects, no swallowed refusal."""

import asyncio
import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from urllib.parse import unquote

import aiohttp
import pytest
import trustme
from aiohttp import web
from hypothesis import example, given
from hypothesis import strategies as st
from microsoft_agents.activity import Activity, ActivityTypes
from yarl import URL

from entraclaw.bot.connector import Conversations, Line, activity_path
from entraclaw.bot.pace import Pace
from entraclaw.errors import CallRefused, Uncertain, Unreachable
from entraclaw.identity import Token

AUTHORITY = trustme.CA()
# Lone surrogates cannot be in a request that was UTF-8.
IDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
HELLO = Activity(type=ActivityTypes.message, text="hello")


@dataclass(slots=True)
class Teams:
    """A connector that notes what it was asked, and answers as it is told."""

    status: int = 201
    body: str = '{"id": "42"}'
    headers: dict[str, str] = field(default_factory=dict[str, str])
    delay_s: float = 0.0
    asked: list[tuple[str, str, str]] = field(default_factory=list[tuple[str, str, str]])

    async def take(self, request: web.Request) -> web.Response:
        self.asked.append(
            (request.method, request.raw_path, request.headers.get("Authorization", ""))
        )
        await asyncio.sleep(self.delay_s)
        return web.Response(status=self.status, text=self.body, headers=self.headers)


@asynccontextmanager
async def line(teams: Teams) -> AsyncGenerator[tuple[Line, str]]:
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    client_side = ssl.create_default_context()
    AUTHORITY.issue_cert("localhost").configure_cert(server_side)  # pyright: ignore[reportUnknownMemberType]  # trustme also takes pyOpenSSL's
    AUTHORITY.configure_trust(client_side)  # pyright: ignore[reportUnknownMemberType]  # as above
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", teams.take)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "localhost", 0, ssl_context=server_side).start()
        host = f"localhost:{runner.addresses[0][1]}"
        connector = aiohttp.TCPConnector(ssl=client_side)
        async with aiohttp.ClientSession(connector=connector) as session:
            yield Line(session, _token, (host,)), f"https://{host}"
    finally:
        await runner.cleanup()


async def _token() -> Token:
    return Token("bearer-secret", "scope", 0.0, 1.0)


async def test_reply_carries_the_token_and_gives_the_id() -> None:
    teams = Teams()
    async with line(teams) as (out, base):
        answer = await Conversations(out, f"{base}/amer/").reply_to_activity("a:1", "7", HELLO)

    assert getattr(answer, "id", None) == "42"
    assert teams.asked == [
        ("POST", "/amer/v3/conversations/a%3A1/activities/7", "Bearer bearer-secret")
    ]


async def test_every_call_has_its_method_and_path() -> None:
    teams = Teams(status=200)
    async with line(teams) as (out, base):
        talk = Conversations(out, base)
        await talk.send_to_conversation("c", HELLO)
        await talk.update_activity("c", "1", HELLO)
        await talk.delete_activity("c", "1")

    assert [(method, path) for method, path, _ in teams.asked] == [
        ("POST", "/v3/conversations/c/activities"),
        ("PUT", "/v3/conversations/c/activities/1"),
        ("DELETE", "/v3/conversations/c/activities/1"),
    ]


@given(IDS, IDS)
@example("..", ".")
@example("../../v3/attachments", "a/b?c#d")
@example("a\r\nHost: evil", "%2F")
def test_no_id_leaves_its_place_in_the_path(conversation: str, activity: str) -> None:
    """Bot Framework ids are opaque: whatever they hold, each is one segment."""
    url = URL(f"https://host/amer/{activity_path(conversation, activity)}", encoded=True)

    segments = url.raw_path.split("/")
    assert segments[:4] == ["", "amer", "v3", "conversations"]
    assert (len(segments), segments[5]) == (7, "activities")
    assert [unquote(segments[4]), unquote(segments[6])] == [conversation, activity]
    assert url.raw_path.isascii()
    assert not {".", ".."} & set(segments)
    assert (url.raw_query_string, url.raw_fragment) == ("", "")


@pytest.mark.parametrize(
    "base", ["https://evil.example", "http://localhost", "https://localhost.evil", ""]
)
async def test_answer_to_another_host_is_refused_before_a_token_is_asked_for(base: str) -> None:
    async with line(Teams()) as (out, _):

        async def never() -> Token:
            raise NotImplementedError

        with pytest.raises(CallRefused, match="not allowed"):
            await Conversations(Line(out.session, never, out.hosts), base).send_to_conversation(
                "c", HELLO
            )


async def test_redirect_is_not_followed() -> None:
    teams = Teams(status=307, headers={"Location": "https://evil.example/"})
    async with line(teams) as (out, base):
        with pytest.raises(CallRefused, match="307"):
            await Conversations(out, base).send_to_conversation("c", HELLO)
    assert len(teams.asked) == 1


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (403, '{"error":{"code":"Forbidden","message":"no"}}', "403 Forbidden"),
        (413, '{"error":{"code":"MessageSizeTooBig"}}', "413 MessageSizeTooBig"),
        (429, "<html>", "429 no reason given"),
    ],
)
async def test_refusal_names_status_and_code(status: int, body: str, said: str) -> None:
    async with line(Teams(status=status, body=body)) as (out, base):
        with pytest.raises(CallRefused, match=said):
            await Conversations(out, base).send_to_conversation("c", HELLO)


@pytest.mark.parametrize("status", [500, 502, 503, 504])
async def test_fault_of_the_service_says_nothing_about_the_message(status: int) -> None:
    """Ours: a gateway that gave up may have passed it on."""
    async with line(Teams(status=status, body="[]")) as (out, base):
        with pytest.raises(Uncertain, match=str(status)):
            await Conversations(out, base).send_to_conversation("c", HELLO)


async def test_refusal_for_a_while_says_when_to_call_again() -> None:
    async with line(Teams(status=429, headers={"Retry-After": "3"})) as (out, base):
        with pytest.raises(CallRefused) as told:
            await Conversations(out, base).send_to_conversation("c", HELLO)
    assert told.value.hint == "call again in 3 s"


@pytest.mark.parametrize("body", ["", "{}", '{"id": ""}', '{"id": null}', "[]", "<html>"])
async def test_success_without_an_id_is_a_success(body: str) -> None:
    """A reaction has none, and the SDK's own type takes no empty one."""
    async with line(Teams(status=200, body=body)) as (out, base):
        await Conversations(out, base).react("c", "1", "like")
        answer = await Conversations(out, base).send_to_conversation("c", HELLO)
    assert getattr(answer, "id", "") is None


async def test_request_that_takes_too_long_may_have_arrived() -> None:
    teams = Teams(delay_s=0.3)
    async with line(teams) as (out, base):
        hasty = replace(out, pace=Pace(request_s=0.1))
        with pytest.raises(Uncertain):
            await Conversations(hasty, base).send_to_conversation("c", HELLO)
    assert len(teams.asked) == 1


async def test_teams_that_is_not_there_is_unreachable() -> None:
    async with line(Teams()) as (out, _):
        gone = Line(out.session, out.token, ("localhost:1",))
        with pytest.raises(Unreachable):
            await Conversations(gone, "https://localhost:1").send_to_conversation("c", HELLO)
