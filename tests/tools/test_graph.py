"""One authorised request: what Graph's refusals become, and where the token never goes."""

import aiohttp
import pytest
from aiohttp import web

from entraclaw.errors import CallRefused, HopRefused, Unreachable
from entraclaw.identity import AgentIds, Token
from entraclaw.tools import Graph
from identity.stranger import Answer, Strange
from identity.tenant import Tenant, closed_port
from tools.speaking import speaking


@pytest.fixture(scope="module")
def ids(tenant: Tenant) -> AgentIds:
    return tenant.hire()


@pytest.fixture(scope="module")
def token(tenant: Tenant, ids: AgentIds) -> Token:
    return tenant.chain(ids).token(tenant.cloud.graph_scope)


async def test_answer_is_read(
    tenant: Tenant, ids: AgentIds, session: aiohttp.ClientSession, token: Token
) -> None:
    answer = await speaking(session, tenant.cloud.graph, token.secret).get("me")

    assert answer["id"] == ids.user


@pytest.mark.parametrize("secret", ["not a token", "a.b.c"])
async def test_bad_token_is_refused_and_not_repeated(
    tenant: Tenant, session: aiohttp.ClientSession, secret: str
) -> None:
    with pytest.raises(CallRefused) as refusal:
        await speaking(session, tenant.cloud.graph, secret).get("me")

    assert (refusal.value.status, refusal.value.code) == (401, "InvalidAuthenticationToken")
    assert secret not in f"{refusal.value} {refusal.value.hint}"


async def test_token_for_another_resource_is_refused(
    tenant: Tenant, ids: AgentIds, session: aiohttp.ClientSession
) -> None:
    token = tenant.chain(ids).token(tenant.cloud.answer_scope)

    with pytest.raises(CallRefused, match="401"):
        await speaking(session, tenant.cloud.graph, token.secret).get("me")


async def test_what_is_not_there_is_refused_with_graphs_own_code(
    tenant: Tenant, session: aiohttp.ClientSession, token: Token
) -> None:
    with pytest.raises(CallRefused) as refusal:
        await speaking(session, tenant.cloud.graph, token.secret).get("users/nobody")

    assert str(refusal.value) == "Graph refused the call (404 Request_ResourceNotFound)"


async def test_graph_that_is_not_there_is_unreachable(session: aiohttp.ClientSession) -> None:
    with pytest.raises(Unreachable, match="Graph cannot be reached"):
        await speaking(session, f"https://localhost:{closed_port()}").get("me")


async def test_graph_of_an_untrusted_authority_never_sees_the_token(tenant: Tenant) -> None:
    async with aiohttp.ClientSession() as distrusting:
        with pytest.raises(Unreachable, match="Certificate"):
            await speaking(distrusting, tenant.cloud.graph).get("me")


async def test_nothing_is_asked_without_a_token(
    session: aiohttp.ClientSession, strange: Strange
) -> None:
    async def refuse() -> Token:
        raise HopRefused("user", "AADSTS65001", hint="")

    stranger = await strange(saying(web.json_response({})))

    with pytest.raises(HopRefused):
        await Graph(session, stranger.url, refuse).get("me")
    assert stranger.asked == []


def saying(response: web.Response) -> Answer:
    """Give *response* to the one request that comes."""

    async def answer(_request: web.Request) -> web.Response:
        return response

    return answer


async def test_redirect_is_a_refusal_and_is_not_followed(
    session: aiohttp.ClientSession, strange: Strange
) -> None:
    """Ours: a token is for the host it was asked for."""
    elsewhere = await strange(saying(web.json_response({})))
    graph = await strange(saying(web.Response(status=302, headers={"Location": elsewhere.url})))

    with pytest.raises(CallRefused, match="302"):
        await speaking(session, graph.url).get("me")

    assert graph.asked == ["GET /v1.0/me"]
    assert elsewhere.asked == []


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'"text"', b"\xff"])
async def test_success_that_says_nothing_is_not_taken_for_an_empty_answer(
    session: aiohttp.ClientSession, strange: Strange, body: bytes
) -> None:
    graph = await strange(saying(web.Response(body=body)))

    with pytest.raises(Unreachable, match="makes no sense"):
        await speaking(session, graph.url).get("me")


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"[]", b'{"error": "busy"}', b'{"error": {"code": null}}', b'{"error": {}}'],
)
async def test_refusal_that_gives_no_reason_says_so(
    session: aiohttp.ClientSession, strange: Strange, body: bytes
) -> None:
    graph = await strange(saying(web.Response(status=503, body=body)))

    with pytest.raises(CallRefused) as refusal:
        await speaking(session, graph.url).get("me")

    assert str(refusal.value) == "Graph refused the call (503 no reason given)"
