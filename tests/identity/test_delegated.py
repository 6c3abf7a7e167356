"""Tokens of a person who signed in, with stock msal against the sandbox's Entra."""

import asyncio
import json
import logging
import threading
import time
from collections.abc import AsyncGenerator, Callable, Generator
from dataclasses import dataclass, replace
from pathlib import Path

import jwt
import pytest
import requests
from aiohttp import web

from entraclaw.errors import (
    HopRefused,
    KeyMisused,
    KeyUnavailable,
    SignedOut,
    SignInRefused,
    SignInUnreadable,
)
from entraclaw.identity import Minter, Token
from entraclaw.identity.delegated import Delegated
from entraclaw.identity.refusals import Standing
from entraclaw.identity.sealing import UnsafeFileSeal
from entraclaw.identity.sign_in_file import Account, Purpose, SignInFile
from entraclaw.identity.signing_in import SigningIn
from entraclaw.identity.values import HopTiming
from identity.stranger import Authority, Strange
from identity.tenant import Tenant, TenantClock
from sandbox.person import Person

BOUND_S = 30.0


@dataclass(slots=True)
class Desk:
    """One profile that acts for a person, and that person's browser."""

    tenant: Tenant
    client: str
    folder: Path
    clock: TenantClock
    browser: Person

    @property
    def file(self) -> SignInFile:
        seals = UnsafeFileSeal(self.folder / "keys" / "default.sign-in")
        purpose = Purpose("default", self.tenant.cloud.login, self.tenant.id, self.client)
        return SignInFile(self.folder / "state" / "delegated.bin", purpose, seals)

    @property
    def signing_in(self) -> SigningIn:
        place = (self.tenant.id, self.client)
        return SigningIn(self.file, self.tenant.cloud, place, self.clock)

    def by_browser(self, person: str = "ada") -> Account:
        signing_in = self.signing_in  # before anything is shown: it may be refused
        with self.browser.showing(person) as show:
            return signing_in.by_browser(show, BOUND_S)

    def by_code(self, person: str = "ada") -> Account:
        """Type the code at once, in the page; empty declines."""
        return self.signing_in.by_code(lambda address, code: self.typed(address, code, person))

    def typed(self, address: str, code: str, person: str) -> None:
        assert self.browser.type_code(address, code, person).status_code == 200

    def source(self, observe: Callable[[HopTiming], None] = lambda _timing: None) -> Delegated:
        place = (self.tenant.id, self.client)
        return Delegated(self.file, self.tenant.cloud, place, self.clock, observe)

    def token(self, claims: str = "") -> Token:
        return self.source().token(self.tenant.cloud.graph_scope, claims)

    def change(self, **changes: object) -> None:
        self.tenant.scene.ask("PUT", f"clients/{self.client}", changes)

    def revoke(self) -> None:
        self.tenant.scene.ask("POST", "signins/revocations", {"person": "ada"})


def claims_of(token: Token) -> dict[str, object]:
    return dict(jwt.decode(token.secret, options={"verify_signature": False}))


@pytest.fixture
def desk(tenant: Tenant, tmp_path: Path) -> Generator[Desk]:
    client = tenant.scene.ask("POST", "clients", {"name": "Claw"})["id"]
    tenant.scene.ask("PUT", f"clients/{client}", {"device_interval_s": 1})
    browser = Person(tenant.scene.ca)
    yield Desk(tenant, client, tmp_path, TenantClock(tenant), browser)
    browser.close()
    tenant.heal()


@pytest.fixture
async def minter(desk: Desk) -> AsyncGenerator[Minter]:
    minter = Minter(desk.source(), desk.clock.time)
    yield minter
    await minter.close()


def test_page_in_a_browser_signs_a_person_in(desk: Desk) -> None:
    account = desk.by_browser()

    assert (account.name, account.upn) == ("Ada Lovelace", "ada@contoso.example")
    claims = claims_of(desk.token())
    assert (claims["idtyp"], claims["oid"], claims["appid"]) == ("user", account.oid, desk.client)
    assert claims["scp"] == "Chat.ReadWrite ChatMessage.Send User.Read"


def test_code_typed_elsewhere_signs_a_person_in(desk: Desk) -> None:
    told: list[tuple[str, str]] = []

    def show(address: str, code: str) -> None:
        told.append((address, code))
        threading.Timer(0.2, desk.typed, (address, code, "grace")).start()

    account = desk.signing_in.by_code(show)

    assert account.upn == "grace@contoso.example"
    assert told[0][0] == f"{desk.tenant.cloud.login}/devicelogin"
    assert claims_of(desk.token())["oid"] == account.oid


def test_token_comes_with_a_new_refresh_token_and_only_that_is_kept(desk: Desk) -> None:
    desk.by_browser()
    before = desk.file.read()
    token = desk.token()
    after = desk.file.read()

    assert before is not None
    assert after is not None
    assert after.account == before.account
    kept, kept_before = json.loads(after.cache), json.loads(before.cache)
    assert "AccessToken" not in kept
    assert token.secret not in after.cache
    [fresh], [old] = kept["RefreshToken"].values(), kept_before["RefreshToken"].values()
    assert fresh["secret"] != old["secret"]


def test_each_request_is_timed_and_asks_entra(desk: Desk) -> None:
    desk.by_browser()
    seen: list[HopTiming] = []
    source = desk.source(seen.append)
    first, second = (source.token(desk.tenant.cloud.graph_scope) for _ in range(2))

    assert first.secret != second.secret
    assert [one.hop for one in seen] == ["person", "person"]


def test_claims_of_a_challenge_reach_entra(desk: Desk) -> None:
    desk.by_browser()
    nbf = int(time.time()) + 5
    demand = json.dumps({"access_token": {"nbf": {"essential": True, "value": str(nbf)}}})

    assert claims_of(desk.token(demand))["nbf"] == nbf


def test_nobody_signed_in_is_said_and_entra_is_not_asked(desk: Desk) -> None:
    with pytest.raises(SignedOut, match="nobody is signed in") as error:
        desk.token()

    assert error.value.hint == "`entraclaw sign-in`"
    assert desk.source().account() is None
    assert not desk.source().is_good


def test_resource_that_nobody_agreed_to_is_refused(desk: Desk) -> None:
    desk.by_browser()

    with pytest.raises(SignedOut, match="nobody signed in for this resource"):
        desk.source().token(desk.tenant.cloud.storage_scope)


def test_revoked_sign_in_is_over_until_there_is_another(desk: Desk) -> None:
    desk.by_browser()
    source = desk.source()
    desk.revoke()
    asked = len(desk.tenant.scene.ask("GET", "tokens")["requests"])
    for _ in range(3):
        with pytest.raises(SignedOut, match="has ended"):
            source.token(desk.tenant.cloud.graph_scope)
    assert len(desk.tenant.scene.ask("GET", "tokens")["requests"]) == asked + 1
    assert not source.is_good
    assert source.account() is not None  # it is still Ada's to sign in again

    desk.by_browser()

    assert source.token(desk.tenant.cloud.graph_scope).secret
    assert source.is_good


def test_sign_in_that_was_not_used_for_months_has_ended(desk: Desk) -> None:
    desk.by_browser()
    desk.clock.move(91 * 86_400)

    with pytest.raises(SignedOut, match="AADSTS700082"):
        desk.token()


def test_refresh_tokens_last_as_long_as_they_are_used(desk: Desk) -> None:
    desk.by_browser()
    for _ in range(3):
        desk.clock.move(60 * 86_400)
        assert desk.token()


@pytest.mark.parametrize(
    ("code", "standing", "cure"),
    [
        (53003, Standing.BLOCKED, "Conditional Access"),
        (65001, Standing.NO_CONSENT, "consent is missing: sign in again"),
        (50057, Standing.DISABLED, "the person's account is disabled"),
    ],
)
async def test_other_refusals_are_states_of_their_own(
    desk: Desk, minter: Minter, code: int, standing: Standing, cure: str
) -> None:
    await asyncio.to_thread(desk.by_browser)
    await asyncio.to_thread(desk.change, blocked=code)
    with pytest.raises(HopRefused) as error:
        await minter.token(desk.tenant.cloud.graph_scope)

    assert cure in error.value.hint
    assert "docs/identity/delegated.md" in error.value.hint
    [trouble] = await minter.troubles()
    assert trouble.standing is standing


async def test_minter_waits_for_nobody_who_signed_out_and_sees_who_signs_in(
    desk: Desk, minter: Minter
) -> None:
    scope = desk.tenant.cloud.graph_scope
    with pytest.raises(SignedOut):
        await minter.token(scope)
    [trouble] = await minter.troubles()
    assert trouble.standing is Standing.SIGNED_OUT

    await asyncio.to_thread(desk.by_browser)

    assert await minter.token(scope)
    assert await minter.troubles() == []


async def test_fifty_callers_at_once_share_one_renewal(desk: Desk, minter: Minter) -> None:
    await asyncio.to_thread(desk.by_browser)
    asked = len(desk.tenant.scene.ask("GET", "tokens")["requests"])
    tokens = await asyncio.gather(*(minter.token(desk.tenant.cloud.graph_scope) for _ in range(50)))

    assert len({token.secret for token in tokens}) == 1
    assert len(desk.tenant.scene.ask("GET", "tokens")["requests"]) == asked + 1


async def test_what_the_minter_was_told_to_forget_is_fetched_anew(
    desk: Desk, minter: Minter
) -> None:
    await asyncio.to_thread(desk.by_browser)
    held = await minter.token(desk.tenant.cloud.graph_scope)
    minter.forget()

    assert (await minter.token(desk.tenant.cloud.graph_scope)).secret != held.secret


async def test_busy_entra_is_asked_again(desk: Desk, minter: Minter) -> None:
    await asyncio.to_thread(desk.by_browser)
    fault = {"hop": "person", "status": 429, "times": 1}
    await asyncio.to_thread(desk.tenant.scene.ask, "PUT", "entra-faults", {"faults": [fault]})

    assert await minter.token(desk.tenant.cloud.graph_scope)


def test_another_person_is_refused_until_the_first_signs_out(desk: Desk) -> None:
    ada = desk.by_browser()
    with pytest.raises(SignInRefused, match=r"somebody else \(ada@") as error:
        desk.by_browser("grace")
    assert "sign-out" in error.value.hint
    assert desk.source().account() == ada

    with desk.file.changing():
        desk.file.forget()

    assert desk.by_browser("grace").upn == "grace@contoso.example"


def test_same_person_may_sign_in_again(desk: Desk) -> None:
    first = desk.by_browser()
    again = desk.by_browser()

    assert (again.oid, again.since >= first.since) == (first.oid, True)


def test_guest_of_the_tenant_is_refused(desk: Desk) -> None:
    with pytest.raises(SignInRefused, match="own tenant"):
        desk.by_browser("mallory")

    assert desk.file.read() is None


def test_person_who_cancels_is_told_so(desk: Desk) -> None:
    with pytest.raises(SignInRefused, match="AADSTS65004") as error:
        desk.by_browser("")

    assert "declined" in error.value.hint


def test_administrators_consent_is_asked_for(desk: Desk) -> None:
    desk.change(may_consent=False)
    with pytest.raises(SignInRefused, match="AADSTS90094") as browser:
        desk.signing_in.by_browser(
            lambda address: send_back(desk.browser, desk.browser.open(address)), BOUND_S
        )
    with pytest.raises(SignInRefused, match="AADSTS90094") as code:
        desk.by_code()

    for error in (browser, code):
        assert "an administrator must consent" in error.value.hint


def send_back(browser: Person, page: requests.Response) -> None:
    browser.submit(page)


def test_registration_that_is_no_public_client_is_named_with_its_cure(desk: Desk) -> None:
    desk.change(is_public=False)
    for way in (desk.by_browser, desk.by_code):
        with pytest.raises(SignInRefused, match="AADSTS7000218") as error:
            way()
        assert "allow public client flows" in error.value.hint


@pytest.mark.parametrize("code", [53003, 50097])
def test_blocked_device_code_says_that_a_browser_may_do(desk: Desk, code: int) -> None:
    desk.change(device_blocked=code)
    with pytest.raises(SignInRefused, match=f"AADSTS{code}") as error:
        desk.by_code()
    assert "without --device-code" in error.value.hint

    assert desk.by_browser()


def test_declined_device_code_is_told(desk: Desk) -> None:
    with pytest.raises(SignInRefused, match="AADSTS70019") as error:
        desk.by_code("")

    assert "declined" in error.value.hint


def test_device_code_that_nobody_typed_runs_out(desk: Desk) -> None:
    def show(address: str, code: str) -> None:
        del address, code
        desk.clock.move(16 * 60)

    with pytest.raises(SignInRefused, match="AADSTS70020") as error:
        desk.signing_in.by_code(show)
    assert "not typed in time" in error.value.hint


def test_page_that_nobody_answers_runs_out(desk: Desk) -> None:
    with pytest.raises(SignInRefused, match="in time") as error:
        desk.signing_in.by_browser(lambda _address: None, 0.05)

    assert "--device-code" in error.value.hint


def test_application_that_is_not_there_is_told(desk: Desk) -> None:
    desk.client = "00000000-0000-4000-8000-000000000000"
    with pytest.raises(SignInRefused, match="AADSTS700016") as error:
        desk.by_code()

    assert "check client and tenant" in error.value.hint


def test_damaged_sign_in_is_refused_everywhere_and_forgotten_on_request(desk: Desk) -> None:
    desk.by_browser()
    desk.file.path.write_bytes(b"entraclaw sealed 1\n")
    for use in (desk.by_browser, desk.by_code, desk.token, desk.source().account):
        with pytest.raises(SignInUnreadable, match="cut off"):
            use()
    with desk.file.changing():
        desk.file.forget()

    assert desk.by_browser()


def test_place_that_cannot_keep_it_is_refused_before_anybody_is_asked(desk: Desk) -> None:
    class Nowhere(UnsafeFileSeal):
        def unavailable(self) -> str | None:
            return "there is no keyring here"

    file = desk.file
    refusing = SignInFile(file.path, Purpose("", "", "", ""), Nowhere(desk.folder / "x"))
    signing_in = SigningIn(refusing, desk.tenant.cloud, (desk.tenant.id, desk.client), desk.clock)

    with pytest.raises(KeyUnavailable, match="no keyring here"):
        signing_in.by_browser(lambda _address: pytest.fail("a page was shown"), BOUND_S)


def test_who_signs_out_while_a_token_is_under_way_gets_none(desk: Desk) -> None:
    """The file goes after Entra has answered, and before the answer is kept."""

    def sign_out(_timing: HopTiming) -> None:
        with desk.file.changing():
            desk.file.forget()

    desk.by_browser()
    with pytest.raises(SignedOut, match="a moment ago"):
        desk.source(sign_out).token(desk.tenant.cloud.graph_scope)

    assert desk.file.read() is None


def test_sign_in_that_took_the_place_of_another_meanwhile_stays(desk: Desk) -> None:
    def sign_in(_timing: HopTiming) -> None:
        desk.by_browser()

    desk.by_browser()
    assert desk.source(sign_in).token(desk.tenant.cloud.graph_scope).secret

    assert desk.token()


def test_nothing_of_it_is_logged(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="entraclaw")
    caplog.set_level(logging.DEBUG, logger="msal")
    desk.by_browser()
    token = desk.token()
    held = desk.file.read()

    assert held is not None
    [refresh] = json.loads(held.cache)["RefreshToken"].values()
    for secret in (token.secret, refresh["secret"]):
        assert secret not in caplog.text


@pytest.mark.parametrize("page", ["authorization_endpoint", "device_authorization_endpoint"])
async def test_metadata_that_leads_people_elsewhere_is_not_followed(
    desk: Desk, strange: Strange, authority: Authority, page: str
) -> None:
    tenant = desk.tenant.id

    async def metadata(request: web.Request) -> web.StreamResponse:
        home = f"{request.url.origin()}/{tenant}"
        honest = {
            "issuer": f"{home}/v2.0",
            "authorization_endpoint": f"{home}/oauth2/v2.0/authorize",
            "token_endpoint": f"{home}/oauth2/v2.0/token",
            "device_authorization_endpoint": f"{home}/oauth2/v2.0/devicecode",
        }
        return web.json_response({**honest, page: "https://evil.example/authorize"})

    entra = await strange(metadata)
    cloud = replace(desk.tenant.cloud, login=entra.url, tls_ca=str(authority.bundle))
    signing_in = SigningIn(desk.file, cloud, (tenant, desk.client), desk.clock)

    with pytest.raises(KeyMisused, match="pages of another tenant"):
        await asyncio.to_thread(signing_in.by_browser, pytest.fail, BOUND_S)
    assert len(entra.asked) == 1
