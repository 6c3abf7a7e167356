"""The chain against the emulated tenant: what it asks, and how it names each refusal."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace

import jwt
import pytest
from aiohttp import web

from entraclaw.errors import HopRefused, KeyMisused, KeyUnavailable, Unreachable
from entraclaw.identity import AgentIds, Cloud, Hop, HopTiming, Token
from entraclaw.identity.keys import Binding, Key
from entraclaw.identity.keys.memory import MemoryKeyStore
from identity.stranger import Authority, Strange, Stranger
from identity.tenant import Tenant, closed_port

UNKNOWN_TENANT = "00000000-1111-4222-8333-444444444444"
WALK = ["blueprint", "agent", "user"]


@pytest.fixture(scope="module")
def stranger_key(tenant: Tenant) -> Key:
    """A key for the right place, whose certificate no blueprint knows."""
    return MemoryKeyStore().create("default", Binding(tenant.cloud.login, tenant.id))


def refused(tenant: Tenant, ids: AgentIds) -> HopRefused:
    with pytest.raises(HopRefused) as refusal:
        tenant.chain(ids).token(tenant.cloud.graph_scope)
    return refusal.value


def test_token_speaks_for_the_agent_user_and_names_who_acts(tenant: Tenant, ids: AgentIds) -> None:
    """Microsoft's: facet 13 is an agent user, 11 an agent identity, in no order."""
    token = tenant.chain(ids).token(tenant.cloud.graph_scope)

    claims = jwt.decode(token.secret, options={"verify_signature": False})
    assert (claims["tid"], claims["oid"], claims["appid"]) == (ids.tenant, ids.user, ids.agent)
    assert claims["idtyp"] == "user"
    assert claims["xms_par_app_azp"] == ids.blueprint
    assert "13" in claims["xms_sub_fct"].split()
    assert "11" in claims["xms_act_fct"].split()
    assert tenant.asked(ids) == WALK


def test_token_lives_as_long_as_entra_said(tenant: Tenant, ids: AgentIds) -> None:
    before = time.time()
    with tenant.turned(token_lifetime_s=3700):
        token = tenant.chain(ids).token(tenant.cloud.graph_scope)

    assert before <= token.acquired_at <= time.time()
    assert token.expires_at - token.acquired_at == 3700
    assert token.scope == tenant.cloud.graph_scope


def test_printing_a_token_shows_no_secret(tenant: Tenant, ids: AgentIds) -> None:
    token = tenant.chain(ids).token(tenant.cloud.graph_scope)

    assert token.secret not in f"{token!r} {token} {[token]}"
    assert token.scope in repr(token)


def test_hops_are_observed_in_their_order(tenant: Tenant, ids: AgentIds) -> None:
    observed: list[HopTiming] = []

    tenant.chain(ids, observe=observed.append).token(tenant.cloud.graph_scope)

    assert [timing.hop for timing in observed] == [Hop.BLUEPRINT, Hop.AGENT, Hop.USER]
    assert all(timing.ms > 0 for timing in observed)


def test_second_scope_asks_only_the_user_hop_again(tenant: Tenant, ids: AgentIds) -> None:
    observed: list[HopTiming] = []
    chain = tenant.chain(ids, observe=observed.append)
    chain.token(tenant.cloud.graph_scope)

    token = chain.token(tenant.cloud.answer_scope)

    assert tenant.asked(ids) == [*WALK, "user"]
    assert [timing.ms > 0 for timing in observed[3:]] == [False, False, True]
    claims = jwt.decode(token.secret, options={"verify_signature": False})
    assert claims["aud"] == tenant.cloud.agent_channel


def test_nothing_is_asked_before_a_token_is(tenant: Tenant, ids: AgentIds) -> None:
    def never() -> Key:
        raise AssertionError("nobody asked for a token")

    tenant.chain(ids, key=never)

    assert tenant.asked(ids) == []


def test_unregistered_certificate_is_refused_at_the_blueprint_hop(
    tenant: Tenant, stranger_key: Key
) -> None:
    ids = tenant.hire(stranger_key.certificate)

    refusal = refused(tenant, ids)

    assert (refusal.hop, refusal.code) == (Hop.BLUEPRINT, "AADSTS700027")
    assert str(refusal) == "the blueprint hop was refused (AADSTS700027)"
    assert "certificate is not registered" in refusal.hint
    assert tenant.asked(ids) == ["700027"]


def test_agent_of_another_blueprint_is_refused_at_the_agent_hop(tenant: Tenant) -> None:
    ids, other = tenant.hire(), tenant.hire()

    refusal = refused(tenant, replace(ids, agent=other.agent))

    assert (refusal.hop, refusal.code) == (Hop.AGENT, "AADSTS700211")
    assert tenant.asked(ids) == ["blueprint"]
    assert tenant.asked(other) == ["700211"]


def test_missing_consent_is_refused_at_the_user_hop(tenant: Tenant, ids: AgentIds) -> None:
    tenant.change(ids, grants={"https://graph.microsoft.com": []})

    refusal = refused(tenant, ids)

    assert (refusal.hop, refusal.code) == (Hop.USER, "AADSTS65001")
    assert "consent is missing" in refusal.hint
    assert tenant.asked(ids) == ["blueprint", "agent", "65001"]


def test_disabled_agent_user_is_refused_at_the_user_hop(tenant: Tenant, ids: AgentIds) -> None:
    tenant.change(ids, enabled=False)

    refusal = refused(tenant, ids)

    assert (refusal.hop, refusal.code) == (Hop.USER, "AADSTS50057")


def test_user_of_another_agent_is_refused_at_the_user_hop(tenant: Tenant) -> None:
    """Never somebody else's token: the user must be the agent's own."""
    ids, other = tenant.hire(), tenant.hire()

    refusal = refused(tenant, replace(ids, user=other.user))

    assert (refusal.hop, refusal.code) == (Hop.USER, "AADSTS50034")


def test_unknown_tenant_is_refused_at_the_blueprint_hop(tenant: Tenant, ids: AgentIds) -> None:
    refusal = refused(tenant, replace(ids, tenant=UNKNOWN_TENANT))

    assert (refusal.hop, refusal.code) == (Hop.BLUEPRINT, "AADSTS90002")
    assert tenant.asked(ids) == []


def test_proofs_that_live_minutes_are_used_while_they_live(tenant: Tenant, ids: AgentIds) -> None:
    chain = tenant.chain(ids)

    with tenant.turned(token_lifetime_s=300):
        chain.token(tenant.cloud.graph_scope)
        chain.token(tenant.cloud.answer_scope)

    assert tenant.asked(ids) == [*WALK, "user"]


def test_proofs_of_a_withdrawn_key_are_fetched_anew(tenant: Tenant, ids: AgentIds) -> None:
    chain = tenant.chain(ids)
    chain.token(tenant.cloud.graph_scope)
    tenant.scene.ask("POST", "keys", {"withdraw": True})

    token = chain.token(tenant.cloud.graph_scope)

    assert token.secret
    assert tenant.asked(ids) == [*WALK, "50013", *WALK]


def test_wrong_ids_are_asked_for_once(tenant: Tenant) -> None:
    """Proofs that were made just now are not to blame."""
    ids, other = tenant.hire(), tenant.hire()

    refused(tenant, replace(ids, agent=other.agent))

    assert tenant.asked(other) == ["700211"]


@pytest.mark.parametrize(("ahead", "way"), [(600, "behind"), (-600, "ahead of")])
def test_clock_that_is_off_is_named_with_the_minutes(
    tenant: Tenant, ids: AgentIds, ahead: float, way: str
) -> None:
    tenant.move(ahead)
    refusal = refused(tenant, ids)
    tenant.heal()

    assert refusal.code == "AADSTS700024"
    assert f"this machine's clock is 10 min {way} Entra's; set it" in refusal.hint


def test_page_in_place_of_entra_is_named(tenant: Tenant, ids: AgentIds) -> None:
    tenant.spoil(ids, html=True)
    with pytest.raises(Unreachable, match="makes no sense") as refusal:
        tenant.chain(ids).token(tenant.cloud.graph_scope)
    tenant.heal()

    assert "a proxy" in refusal.value.hint


def test_consent_that_was_granted_just_now_does_not_wait(tenant: Tenant, ids: AgentIds) -> None:
    """Ours: msal alone would give the same refusal from memory for a minute."""
    chain = tenant.chain(ids)
    tenant.change(ids, grants={"https://graph.microsoft.com": []})
    with pytest.raises(HopRefused):
        chain.token(tenant.cloud.graph_scope)

    tenant.change(ids, grants={"https://graph.microsoft.com": ["User.Read"]})

    assert chain.token(tenant.cloud.graph_scope).secret


def test_key_of_another_tenant_signs_nothing(tenant: Tenant, ids: AgentIds) -> None:
    key = MemoryKeyStore().create("default", Binding(tenant.cloud.login, UNKNOWN_TENANT))

    with pytest.raises(KeyMisused):
        tenant.chain(ids, key=lambda: key).token(tenant.cloud.graph_scope)

    assert tenant.asked(ids) == []


def test_locked_keystore_is_reported_and_found_unlocked_later(
    tenant: Tenant, ids: AgentIds
) -> None:
    opened: list[Key] = []

    def key() -> Key:
        if not opened:
            raise KeyUnavailable("the system keystore refused (KeyringLocked)")
        return opened[0]

    chain = tenant.chain(ids, key=key)
    with pytest.raises(KeyUnavailable):
        chain.token(tenant.cloud.graph_scope)
    assert tenant.asked(ids) == []

    opened.append(tenant.key)
    assert chain.token(tenant.cloud.graph_scope).secret


def test_entra_that_is_not_there_is_unreachable(tenant: Tenant, ids: AgentIds) -> None:
    nowhere = replace(tenant.cloud, login=f"https://localhost:{closed_port()}")

    with pytest.raises(Unreachable, match=r"Entra cannot be reached \(ConnectionError\)"):
        tenant.chain(ids, cloud=nowhere).token("graph")


def test_entra_of_an_untrusted_authority_is_unreachable(
    tenant: Tenant, ids: AgentIds, authority: Authority
) -> None:
    distrusting = replace(tenant.cloud, tls_ca=str(authority.bundle))

    with pytest.raises(Unreachable, match="SSLError"):
        tenant.chain(ids, cloud=distrusting).token("graph")
    assert tenant.asked(ids) == []


def test_authority_file_that_is_gone_leaves_entra_unreachable(
    tenant: Tenant, ids: AgentIds
) -> None:
    """Ours: it is never a reason to trust whoever the system trusts."""
    without = replace(tenant.cloud, tls_ca="/nowhere/ca.pem")

    with pytest.raises(Unreachable, match="OSError"):
        tenant.chain(ids, cloud=without).token("graph")


METADATA = "/v2.0/.well-known/openid-configuration"


class Impostor:
    """An Entra whose metadata is honest, save for *changes*, and whose tokens are *answer*."""

    def __init__(
        self, ids: AgentIds, answer: Callable[[], web.Response], changes: dict[str, object]
    ) -> None:
        self._tenant, self._answer, self._changes = ids.tenant, answer, changes

    async def __call__(self, request: web.Request) -> web.Response:
        if not request.path.endswith(METADATA):
            return self._answer()
        base = f"https://{request.host}/{self._tenant}"
        metadata: dict[str, object] = {
            "issuer": f"{base}/v2.0",
            "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
            "token_endpoint": f"{base}/oauth2/v2.0/token",
        }
        return web.json_response({**metadata, **self._changes})


@pytest.fixture
def walk(tenant: Tenant, ids: AgentIds, authority: Authority) -> Callable[[str], Awaitable[Token]]:
    """Walk the chain against another login host, with a key that is bound to it."""

    def ask(login: str) -> Token:
        key = MemoryKeyStore().create("default", Binding(login, ids.tenant))
        cloud: Cloud = replace(tenant.cloud, login=login, tls_ca=str(authority.bundle))
        return tenant.chain(ids, cloud=cloud, key=lambda: key).token("graph")

    return lambda login: asyncio.to_thread(ask, login)


Walk = Callable[[str], Awaitable[Token]]


async def impostor(
    strange: Strange, ids: AgentIds, answer: Callable[[], web.Response], **changes: object
) -> Stranger:
    return await strange(Impostor(ids, answer, changes))


def nothing() -> web.Response:
    return web.json_response({}, status=404)


async def test_token_that_came_with_a_pause_is_not_given_again(
    tenant: Tenant, strange: Strange, ids: AgentIds, authority: Authority
) -> None:
    granted = {"access_token": "secret", "token_type": "Bearer", "expires_in": 3600}
    entra = await impostor(
        strange, ids, lambda: web.json_response(granted, headers={"Retry-After": "60"})
    )
    key = MemoryKeyStore().create("default", Binding(entra.url, ids.tenant))
    cloud = replace(tenant.cloud, login=entra.url, tls_ca=str(authority.bundle))
    chain = tenant.chain(ids, cloud=cloud, key=lambda: key)

    for _ in range(2):
        await asyncio.to_thread(chain.token, "graph")

    assert sum(line.startswith("POST") for line in entra.asked) == 4


@pytest.mark.parametrize("path", ["/oauth2/v2.0/token", ""])
async def test_metadata_that_names_another_endpoint_gets_no_proof(
    strange: Strange, ids: AgentIds, walk: Walk, path: str
) -> None:
    """Ours: the key is bound to one tenant at one login host, whatever the metadata says."""
    elsewhere = await impostor(strange, ids, nothing)
    endpoint = f"{elsewhere.url}/{ids.tenant}{path}"
    entra = await impostor(strange, ids, nothing, token_endpoint=endpoint)

    with pytest.raises(KeyMisused, match="another tenant or login host"):
        await walk(entra.url)

    assert elsewhere.asked == []
    assert entra.asked == [f"GET /{ids.tenant}{METADATA}"]


async def test_redirect_of_a_proof_is_not_followed(
    strange: Strange, ids: AgentIds, walk: Walk
) -> None:
    """RFC 9110 section 15.4.8: 307 would send the same body, the proof in it, elsewhere."""
    elsewhere = await impostor(strange, ids, nothing)
    entra = await impostor(
        strange, ids, lambda: web.Response(status=307, headers={"Location": elsewhere.url})
    )

    with pytest.raises(Unreachable):
        await walk(entra.url)

    assert elsewhere.asked == []


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (lambda: web.Response(status=503, text="busy"), "503"),
        (lambda: web.Response(text="<html>sign in to the hotel"), "makes no sense"),
        (lambda: web.json_response({"access_token": ""}), "makes no sense"),
        (lambda: web.json_response({"token_type": "Bearer"}), "makes no sense"),
    ],
)
async def test_entra_that_answers_nonsense_is_unreachable(
    strange: Strange,
    ids: AgentIds,
    walk: Walk,
    answer: Callable[[], web.Response],
    reason: str,
) -> None:
    entra = await impostor(strange, ids, answer)

    with pytest.raises(Unreachable, match=reason):
        await walk(entra.url)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (lambda: web.Response(status=502, text="busy"), "HTTPError"),
        (lambda: web.Response(status=404, text="nothing here"), "makes no sense"),
        (lambda: web.Response(text="<html>sign in to the hotel"), "makes no sense"),
        (lambda: web.json_response([]), "makes no sense"),
        (lambda: web.Response(status=302, headers={"Location": "/login"}), "TooManyRedirects"),
    ],
)
async def test_metadata_that_is_none_leaves_entra_unreachable(
    strange: Strange, walk: Walk, answer: Callable[[], web.Response], reason: str
) -> None:
    async def always(_request: web.Request) -> web.Response:
        return answer()

    entra = await strange(always)

    with pytest.raises(Unreachable, match=reason):
        await walk(entra.url)
    assert len(entra.asked) == 1


async def test_metadata_without_what_is_read_from_it_leaves_entra_unreachable(
    strange: Strange, ids: AgentIds, walk: Walk
) -> None:
    entra = await impostor(strange, ids, nothing, authorization_endpoint=None)

    with pytest.raises(Unreachable, match="makes no sense"):
        await walk(entra.url)
