"""What Graph says to an agent user about its own account."""

import aiohttp
import pytest
from aiohttp import web

from entraclaw.errors import CallRefused
from entraclaw.identity import AgentIds
from entraclaw.tools import Graph, Licence, Own, licences_of, mailbox, own
from identity.stranger import Strange
from identity.tenant import Tenant
from tools.speaking import speaking


@pytest.fixture
def ids(tenant: Tenant) -> AgentIds:
    return tenant.hire()


@pytest.fixture
def graph(tenant: Tenant, ids: AgentIds, session: aiohttp.ClientSession) -> Graph:
    token = tenant.chain(ids).token(tenant.cloud.graph_scope)
    return speaking(session, tenant.cloud.graph, token.secret)


async def test_agent_user_knows_its_name_and_its_parent(graph: Graph, ids: AgentIds) -> None:
    found = await own(graph)

    assert (found.parent, found.upn.partition("@")[2]) == (ids.agent, "contoso.example")


async def test_cloud_that_knows_no_parents_names_none(
    session: aiohttp.ClientSession, strange: Strange
) -> None:
    async def answer(request: web.Request) -> web.Response:
        if "identityParentId" in request.query["$select"]:
            return web.json_response({"error": {"code": "BadRequest"}}, status=400)
        return web.json_response({"displayName": "Claw", "userPrincipalName": None})

    there = await strange(answer)

    assert await own(speaking(session, there.url, "x")) == Own("Claw", "", "")


async def test_own_account_that_is_refused_is_refused(
    session: aiohttp.ClientSession, strange: Strange
) -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.json_response({"error": {"code": "Forbidden"}}, status=403)

    there = await strange(answer)

    with pytest.raises(CallRefused, match="403 Forbidden"):
        await own(speaking(session, there.url, "x"))


async def test_licence_is_told_with_its_plans(graph: Graph) -> None:
    [licence] = await licences_of(graph)

    assert licence.name == "SPE_E5"
    assert licence.plans["TEAMS1"] == "Success"


async def test_licence_without_a_shape_is_still_one(
    session: aiohttp.ClientSession, strange: Strange
) -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.json_response({"value": [{"servicePlans": [{}, 7]}, None]})

    there = await strange(answer)

    assert await licences_of(speaking(session, there.url, "x")) == (Licence("", {"None": "None"}),)


async def test_mailbox_is_asked_for_by_whatever_permission_there_is(
    tenant: Tenant, ids: AgentIds, session: aiohttp.ClientSession, graph: Graph
) -> None:
    assert await mailbox(graph, frozenset({"Mail.ReadWrite"})) is True
    assert await mailbox(graph, frozenset({"Chat.Read"})) is None

    tenant.change(ids, grants={"https://graph.microsoft.com": ["MailboxSettings.Read"]})
    token = tenant.chain(ids).token(tenant.cloud.graph_scope)
    settings = speaking(session, tenant.cloud.graph, token.secret)
    assert await mailbox(settings, frozenset({"MailboxSettings.Read"})) is True


async def test_mailbox_that_is_not_there_is_a_refusal(
    tenant: Tenant, ids: AgentIds, graph: Graph
) -> None:
    tenant.scene.ask("PUT", f"agents/{ids.user}/account", {"mailbox_in_s": 60})

    with pytest.raises(CallRefused, match="404 MailboxNotEnabledForRESTAPI"):
        await mailbox(graph, frozenset({"Mail.Read"}))
