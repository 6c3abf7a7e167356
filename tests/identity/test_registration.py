"""An application's own view of its certificates, in the sandbox's Graph and beside it."""

import asyncio
import json
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from types import MappingProxyType

import pytest
from aiohttp import web

from entraclaw.errors import CallRefused, HopRefused, KeyMisused, Unreachable
from entraclaw.identity import AgentIds, Cloud
from entraclaw.identity.assertion import thumbprint
from entraclaw.identity.keys import Key
from entraclaw.identity.keys.memory import MemoryKeyStore
from entraclaw.identity.registration import Registration
from entraclaw.identity.rotation_orders import Credential
from identity.stranger import Answer, Authority, Strange
from identity.tenant import Tenant, closed_port
from sandbox.scene import Json


@contextmanager
def registered(
    tenant: Tenant, ids: AgentIds, cloud: Cloud | None = None
) -> Generator[Registration]:
    registration = Registration(cloud or tenant.cloud, tenant.id, ids.blueprint, time.time)
    yield registration
    registration.close()


@pytest.fixture
def registration(tenant: Tenant, ids: AgentIds) -> Generator[Registration]:
    with registered(tenant, ids) as registration:
        yield registration


def fresh(tenant: Tenant) -> Key:
    return MemoryKeyStore().create("fresh", tenant.key.binding)


def test_certificate_is_added_and_removed_and_known_by_its_thumbprint(
    tenant: Tenant, ids: AgentIds, registration: Registration
) -> None:
    new = fresh(tenant)

    registration.add(ids.blueprint, new.certificate, tenant.key)

    before, added = registration.read(ids.blueprint, tenant.key)
    assert before.thumbprint == thumbprint(tenant.key.certificate)
    assert added.thumbprint == thumbprint(new.certificate)
    registration.ask(ids.blueprint, new)
    registration.remove(ids.blueprint, before.key_id, new)
    assert [*registration.read(ids.blueprint, new)] == [added]


def test_bot_is_an_application_without_a_type_in_its_path(tenant: Tenant, ids: AgentIds) -> None:
    """The room is the same; what differs is the address, and whose token it is."""
    other = replace(ids, blueprint=ids.agent)
    with registered(tenant, other) as registration:
        registration.add(ids.blueprint, fresh(tenant).certificate, tenant.key)

        assert len(registration.read(ids.blueprint, tenant.key)) == 2


def test_token_for_graph_is_asked_for_once(
    tenant: Tenant, ids: AgentIds, registration: Registration
) -> None:
    for _ in range(3):
        registration.read(ids.blueprint, tenant.key)

    assert tenant.asked(ids) == ["app"]


def test_key_that_is_not_registered_gets_no_token(
    tenant: Tenant, ids: AgentIds, registration: Registration
) -> None:
    with pytest.raises(HopRefused) as refusal:
        registration.ask(ids.blueprint, fresh(tenant))

    assert (refusal.value.code, refusal.value.is_passing) == ("AADSTS700027", False)
    assert "is not registered" in refusal.value.hint


def test_entra_that_is_busy_says_for_how_long(
    tenant: Tenant, ids: AgentIds, registration: Registration
) -> None:
    tenant.spoil(ids, hop="blueprint", status=429, retry_after=7)
    with pytest.raises(HopRefused) as refusal:
        registration.ask(ids.blueprint, tenant.key)
    tenant.heal()

    assert (refusal.value.retry_after, refusal.value.is_passing) == (7.0, True)


def test_page_in_entras_place_is_no_token(
    tenant: Tenant, ids: AgentIds, registration: Registration
) -> None:
    tenant.spoil(ids, hop="blueprint", html=True)
    with pytest.raises(Unreachable) as refusal:
        registration.ask(ids.blueprint, tenant.key)
    tenant.heal()

    assert "a proxy" in refusal.value.hint


def test_application_of_nobody_is_told_with_what_to_look_at(
    tenant: Tenant, ids: AgentIds, registration: Registration
) -> None:
    with pytest.raises(HopRefused, match="AADSTS700016"):
        registration.read(ids.user, tenant.key)


def test_key_of_another_tenant_is_shown_to_nobody(
    tenant: Tenant, ids: AgentIds, registration: Registration
) -> None:
    binding = replace(tenant.key.binding, tenant=ids.user)

    with pytest.raises(KeyMisused):
        registration.ask(ids.blueprint, MemoryKeyStore().create("foreign", binding))
    assert tenant.asked(ids) == []


def granting(graph: Answer) -> Answer:
    """Be Entra and Graph in one: give a token, and answer as *graph* does."""

    async def answer(request: web.Request) -> web.StreamResponse:
        if request.path.endswith("/token"):
            return web.json_response({"access_token": "t", "expires_in": 3600})
        return await graph(request)

    return answer


async def read(
    tenant: Tenant,
    ids: AgentIds,
    strange: Strange,
    authority: Authority,
    graph: Answer,
    elsewhere: Mapping[str, str] = MappingProxyType({}),
) -> Sequence[Credential]:
    """Read from a server that is Entra and Graph; *elsewhere* says where one of them is not."""
    server = await strange(granting(graph))
    both = {"login": server.url, "graph": server.url, **elsewhere}
    cloud = replace(
        tenant.cloud, login=both["login"], graph=both["graph"], tls_ca=str(authority.bundle)
    )
    key = MemoryKeyStore().create("own", replace(tenant.key.binding, login=cloud.login))
    with registered(tenant, ids, cloud) as registration:
        return await asyncio.to_thread(registration.read, ids.blueprint, key)


async def empty(_request: web.Request) -> web.StreamResponse:
    return web.Response()


@pytest.mark.parametrize(("name", "service"), [("login", "Entra"), ("graph", "Microsoft Graph")])
async def test_host_that_is_not_there_is_named(
    tenant: Tenant,
    ids: AgentIds,
    strange: Strange,
    authority: Authority,
    name: str,
    service: str,
) -> None:
    nowhere = f"https://localhost:{closed_port()}"

    with pytest.raises(Unreachable, match=f"{service} cannot be reached"):
        await read(tenant, ids, strange, authority, empty, {name: nowhere})


@pytest.mark.parametrize("granted", [{}, {"access_token": "t"}, {"expires_in": 1}])
async def test_grant_without_a_token_is_none(
    tenant: Tenant, ids: AgentIds, strange: Strange, authority: Authority, granted: Json
) -> None:
    async def entra(_request: web.Request) -> web.StreamResponse:
        return web.json_response(granted)

    server = await strange(entra)
    with pytest.raises(Unreachable, match=r"Entra cannot be reached .its answer makes no sense"):
        await read(tenant, ids, strange, authority, empty, {"login": server.url})


@pytest.mark.parametrize(
    "body",
    [
        "<html>Sign in</html>",
        "",
        "[]",
        "{}",
        '{"id": 7, "keyCredentials": []}',
        '{"id": "i", "keyCredentials": {}}',
        '{"id": "i", "keyCredentials": ["hello"]}',
    ],
)
async def test_answer_that_makes_no_sense_is_no_list(
    tenant: Tenant, ids: AgentIds, strange: Strange, authority: Authority, body: str
) -> None:
    async def graph(_request: web.Request) -> web.StreamResponse:
        return web.Response(text=body)

    with pytest.raises(Unreachable, match="makes no sense"):
        await read(tenant, ids, strange, authority, graph)


async def test_credential_that_is_no_certificate_has_no_thumbprint(
    tenant: Tenant, ids: AgentIds, strange: Strange, authority: Authority
) -> None:
    async def graph(_request: web.Request) -> web.StreamResponse:
        listed = [{"keyId": "a", "key": None}, {"keyId": "b", "key": "%%%"}, {"keyId": "c"}]
        return web.json_response({"id": "i", "keyCredentials": listed})

    found = await read(tenant, ids, strange, authority, graph)

    assert [(one.key_id, one.thumbprint) for one in found] == [("a", ""), ("b", ""), ("c", "")]


@pytest.mark.parametrize(
    ("status", "body", "code", "cure"),
    [
        (403, {"error": {"code": "Authorization_RequestDenied"}}, "Authorization_", "by hand"),
        (401, {"error": {"code": "Authentication_MissingOrMalformed"}}, "Authentication", "clock"),
        (404, {"error": "gone"}, "no reason given", "tenant"),
        (400, ["odd"], "no reason given", ""),
    ],
)
async def test_refusal_of_graph_is_told_with_its_code_and_a_cure(
    tenant: Tenant,
    ids: AgentIds,
    strange: Strange,
    authority: Authority,
    status: int,
    body: object,
    code: str,
    cure: str,
) -> None:
    async def graph(_request: web.Request) -> web.StreamResponse:
        return web.Response(text=json.dumps(body), status=status)

    with pytest.raises(CallRefused) as refusal:
        await read(tenant, ids, strange, authority, graph)

    assert refusal.value.status == status
    assert refusal.value.code.startswith(code)
    assert cure in refusal.value.hint


async def test_graph_that_is_busy_passes(
    tenant: Tenant, ids: AgentIds, strange: Strange, authority: Authority
) -> None:
    async def graph(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=429, headers={"Retry-After": "9"})

    with pytest.raises(Unreachable) as refusal:
        await read(tenant, ids, strange, authority, graph)

    assert (refusal.value.retry_after, refusal.value.is_passing) == (9.0, True)


async def test_graph_that_leads_elsewhere_is_not_followed(
    tenant: Tenant, ids: AgentIds, strange: Strange, authority: Authority
) -> None:
    other = await strange(empty)

    async def graph(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=307, headers={"Location": f"{other.url}/elsewhere"})

    with pytest.raises(CallRefused):
        await read(tenant, ids, strange, authority, graph)
    assert other.asked == []
