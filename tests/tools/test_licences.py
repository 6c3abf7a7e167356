"""A licence that is gone: Graph has a token of ours and serves nothing for it."""

import aiohttp
import pytest

from entraclaw.errors import CallRefused
from entraclaw.identity import AgentIds, Token
from entraclaw.identity.refusals import Standing
from entraclaw.tools import Graph, Licences
from entraclaw.tools.licences import is_unlicensed, service_of
from identity.tenant import Tenant

TEAMS = "Failed to get license information for the user. Ensure user has a valid one."


def refusal(code: object, message: object = "") -> dict[str, object]:
    return {"error": {"code": code, "message": message}}


@pytest.mark.parametrize(
    ("status", "answer", "is_so"),
    [
        (403, refusal("Forbidden", TEAMS), True),
        (404, refusal("MailboxNotEnabledForRESTAPI"), True),
        (404, refusal("ErrorNonExistentMailbox"), True),
        (403, refusal("Forbidden", "The caller is not in the roster of the thread."), False),
        (404, refusal("NotFound", TEAMS), False),
        (403, refusal(None, None), False),
        (403, {"error": TEAMS}, False),
        (403, {}, False),
    ],
)
def test_want_of_a_licence_is_told_from_other_refusals(
    status: int, answer: dict[str, object], *, is_so: bool
) -> None:
    assert is_unlicensed(status, answer) == is_so


@pytest.mark.parametrize(
    ("path", "service"),
    [
        ("me/chats?$top=5", "Teams"),
        ("chats/19%3Aa/messages", "Teams"),
        ("me/messages?$search=chats/", "Exchange"),
        ("me/mailFolders/inbox/messages", "Exchange"),
        ("me?$select=id", "Microsoft 365"),
    ],
)
def test_service_is_read_from_the_path(path: str, service: str) -> None:
    assert service_of(path) == service


async def refused(graph: Graph) -> CallRefused:
    with pytest.raises(CallRefused, match="403 Forbidden") as refusal:
        await graph.get("me/chats")
    return refusal.value


async def test_licence_that_is_gone_is_a_trouble_until_the_service_serves_again(
    tenant: Tenant, session: aiohttp.ClientSession
) -> None:
    ids: AgentIds = tenant.hire()
    token = tenant.chain(ids).token(tenant.cloud.graph_scope)
    heard: list[object] = []
    moments = iter([10.0, 20.0, 30.0])
    licences = Licences(tenant.cloud.graph_scope, lambda: next(moments), heard.append)

    async def give() -> Token:
        return token

    graph = Graph(session, tenant.cloud.graph, give, licences=licences)
    tenant.account(ids, licences=[])
    refusals = [await refused(graph) for _ in range(2)]

    assert all("an administrator must assign one" in one.hint for one in refusals)
    [noted] = licences.troubles()
    assert (noted.standing, noted.since, noted.times) == (Standing.NO_RESOURCE, 10.0, 2)
    assert (noted.error, len(heard)) == (refusals[1], 1)
    assert (await graph.get("me"))["id"] == ids.user
    assert len(licences.troubles()) == 1  # another service; that it serves says nothing

    tenant.account(ids, licences=["SPE_E5"])
    await graph.get("me/chats")

    assert licences.troubles() == []


async def test_other_refusals_say_nothing_of_licences(
    tenant: Tenant, session: aiohttp.ClientSession
) -> None:
    ids = tenant.hire()
    token = tenant.chain(ids).token(tenant.cloud.graph_scope)
    licences = Licences(tenant.cloud.graph_scope, lambda: 0.0, lambda _: None)

    async def give() -> Token:
        return token

    graph = Graph(session, tenant.cloud.graph, give, licences=licences)
    with pytest.raises(CallRefused):
        await graph.get("chats/nowhere")

    assert licences.troubles() == []
