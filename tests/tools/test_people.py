"""The agent itself and its sponsors; paging that a server may not lead astray."""

import aiohttp
import pytest
from aiohttp import web

from entraclaw.errors import CallRefused
from entraclaw.identity import AgentIds
from entraclaw.tools import Graph, Person, me, person, sponsors
from identity.stranger import Answer, Strange
from identity.tenant import Tenant
from tools.speaking import speaking

USER = "3F1D5C1E-0b7a-4c55-9a41-3c0f5a2b7d10"
BEARER = "Bearer not a token"


@pytest.fixture
def ids(tenant: Tenant) -> AgentIds:
    return tenant.hire()


def speaking_as(tenant: Tenant, ids: AgentIds, session: aiohttp.ClientSession) -> Graph:
    token = tenant.chain(ids).token(tenant.cloud.graph_scope)
    return speaking(session, tenant.cloud.graph, token.secret)


async def test_colleague_is_found_with_name_address_and_type(
    tenant: Tenant, ids: AgentIds, session: aiohttp.ClientSession
) -> None:
    people = {one["key"]: one for one in tenant.scene.ask("GET", "people")["people"]}
    grace = people["grace"]

    found = await person(speaking_as(tenant, ids, session), grace["oid"])

    assert found == Person(grace["oid"], grace["displayName"], grace["upn"], "Member")


async def test_somebody_of_another_tenant_is_not_found(
    tenant: Tenant, ids: AgentIds, session: aiohttp.ClientSession
) -> None:
    people = {one["key"]: one for one in tenant.scene.ask("GET", "people")["people"]}

    assert await person(speaking_as(tenant, ids, session), people["mallory"]["oid"]) is None


async def test_people_who_may_not_be_read_are_refused_not_missing(
    tenant: Tenant, ids: AgentIds, session: aiohttp.ClientSession
) -> None:
    tenant.change(ids, grants={"https://graph.microsoft.com": ["User.Read"]})

    with pytest.raises(CallRefused, match="403 Authorization_RequestDenied"):
        await person(speaking_as(tenant, ids, session), USER)


async def test_only_what_is_needed_of_a_person_is_asked_for(
    session: aiohttp.ClientSession, strange: Strange
) -> None:
    graph = await strange(pages({"id": "../Grace"}))

    assert await person(speaking(session, graph.url), "../Grace") == Person("../grace", "", "")
    assert graph.asked == [
        "GET /v1.0/users/..%2FGrace?$select=id,displayName,userPrincipalName,userType"
    ]


async def test_agent_finds_itself(
    tenant: Tenant, ids: AgentIds, session: aiohttp.ClientSession
) -> None:
    person = await me(speaking_as(tenant, ids, session))

    assert (person.oid, person.name) == (ids.user, "Claw")
    assert person.upn.startswith("claw-")


async def test_sponsors_are_found_by_object_id(
    tenant: Tenant, ids: AgentIds, session: aiohttp.ClientSession
) -> None:
    people = {one["key"]: one for one in tenant.scene.ask("GET", "people")["people"]}
    tenant.change(ids, sponsors=["ada", "grace"])

    found = await sponsors(speaking_as(tenant, ids, session), ids.user)

    assert found == tuple(
        Person(people[key]["oid"], people[key]["displayName"], people[key]["upn"])
        for key in ("ada", "grace")
    )


async def test_agent_without_sponsors_has_none(
    tenant: Tenant, ids: AgentIds, session: aiohttp.ClientSession
) -> None:
    tenant.change(ids, sponsors=[])

    assert await sponsors(speaking_as(tenant, ids, session), ids.user) == ()


async def test_sponsors_that_may_not_be_read_are_refused_not_empty(
    tenant: Tenant, ids: AgentIds, session: aiohttp.ClientSession
) -> None:
    tenant.change(ids, grants={"https://graph.microsoft.com": ["Chat.ReadWrite"]})

    with pytest.raises(CallRefused, match="403 Authorization_RequestDenied"):
        await sponsors(speaking_as(tenant, ids, session), ids.user)


async def test_user_id_cannot_reach_another_resource(
    tenant: Tenant, ids: AgentIds, session: aiohttp.ClientSession
) -> None:
    with pytest.raises(CallRefused, match="404"):
        await sponsors(speaking_as(tenant, ids, session), f"{ids.user}/../{ids.user}")


def user(oid: str) -> dict[str, str]:
    return {"@odata.type": "#microsoft.graph.user", "id": oid, "displayName": oid}


def pages(*documents: object) -> Answer:
    """Give *documents* in turn, the last one for ever."""
    left = list(documents)

    async def answer(_request: web.Request) -> web.Response:
        return web.json_response(left.pop(0) if len(left) > 1 else left[0])

    return answer


async def test_next_page_is_read_from_the_same_host_whatever_the_link_says(
    session: aiohttp.ClientSession, strange: Strange
) -> None:
    """Ours: a token is for the host it was asked for, and a link is only text."""
    elsewhere = await strange(pages({"value": [user("mallory")]}))
    link = f"{elsewhere.url}/v1.0/users/x/sponsors?$skiptoken=a%2Bb"
    graph = await strange(
        pages({"value": [user("ADA")], "@odata.nextLink": link}, {"value": [user("grace")]})
    )

    found = await sponsors(speaking(session, graph.url), USER)

    assert [person.oid for person in found] == ["ada", "grace"]
    assert elsewhere.asked == []
    assert graph.bearers == [BEARER, BEARER]
    assert graph.asked == [
        f"GET /v1.0/users/{USER}/sponsors",
        "GET /v1.0/users/x/sponsors?$skiptoken=a%2Bb",
    ]


@pytest.mark.parametrize("link", [None, "", 7, "https://evil.example/beta/x", {"a": "b"}])
async def test_link_that_leads_nowhere_ends_the_reading(
    session: aiohttp.ClientSession, strange: Strange, link: object
) -> None:
    graph = await strange(pages({"value": [user("ada")], "@odata.nextLink": link}))

    found = await sponsors(speaking(session, graph.url), USER)

    assert [person.oid for person in found] == ["ada"]
    assert len(graph.asked) == 1


async def test_pages_without_end_are_given_up(
    session: aiohttp.ClientSession, strange: Strange
) -> None:
    graph = await strange(pages({"value": [], "@odata.nextLink": "https://x/v1.0/again"}))

    assert await sponsors(speaking(session, graph.url), USER) == ()
    assert len(graph.asked) == 20


async def test_groups_among_the_sponsors_are_left_out(
    session: aiohttp.ClientSession, strange: Strange
) -> None:
    """Ours, for now: who is in a group is not read, so a group lets nobody speak."""
    group = {"@odata.type": "#microsoft.graph.group", "id": "group", "displayName": "Everybody"}
    graph = await strange(pages({"value": [group, user("ada")]}))

    assert [person.oid for person in await sponsors(speaking(session, graph.url), USER)] == ["ada"]


@pytest.mark.parametrize("value", [None, "ada", 7, {}, [None, "ada", 7, []]])
async def test_list_that_is_none_holds_nobody(
    session: aiohttp.ClientSession, strange: Strange, value: object
) -> None:
    graph = await strange(pages({"value": value}))

    assert await sponsors(speaking(session, graph.url), USER) == ()
