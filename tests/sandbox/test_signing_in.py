"""People sign in at the sandbox's Entra: what its pages and its token endpoint insist on."""

import base64
import hashlib
import json
import re
import secrets
import warnings
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import msal
import pytest
import requests

from sandbox.person import Person
from sandbox.scene import BOUND_S, Credential, Json, Scene, claims_of

BACK = "http://localhost:4711"
SCOPES = ["User.Read", "Chat.ReadWrite"]
ADA = "a0a0a0a0-1111-4111-8111-aaaaaaaaaaaa"


@dataclass(slots=True)
class App:
    """A public client, and a person at a browser."""

    scene: Scene
    id: str
    tenant: str
    person: Person
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48))

    @property
    def base(self) -> str:
        return f"{self.scene.cloud['login']}/{self.tenant}/oauth2/v2.0"

    @property
    def challenge(self) -> str:
        digest = hashlib.sha256(self.verifier.encode()).digest()
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")

    def address(self, **changes: str) -> str:
        query = {
            "client_id": self.id,
            "response_type": "code",
            "redirect_uri": BACK,
            "response_mode": "query",
            "scope": "User.Read offline_access openid profile",
            "state": "a-state",
            "nonce": "a-nonce",
            "code_challenge": self.challenge,
            "code_challenge_method": "S256",
            **changes,
        }
        return f"{self.base}/authorize?{urlencode({k: v for k, v in query.items() if v})}"

    def back(self, person: str = "ada", **changes: str) -> dict[str, str]:
        """What comes back to the application."""
        response = self.person.choose(self.person.open(self.address(**changes)), person)
        assert response.status_code == 302, response.text
        return led(response)

    def redeem(self, code: str, **changes: str) -> Json:
        form = {
            "client_id": self.id,
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": BACK,
            "code_verifier": self.verifier,
            **changes,
        }
        return self.post("token", form)

    def refresh(self, token: str, **changes: str) -> Json:
        form = {"client_id": self.id, "grant_type": "refresh_token", "refresh_token": token}
        return self.post("token", {**form, "scope": "User.Read", **changes})

    def device(self) -> Json:
        return self.post("devicecode", {"client_id": self.id, "scope": "User.Read"})

    def poll(self, code: str) -> Json:
        grant = "urn:ietf:params:oauth:grant-type:device_code"
        return self.post("token", {"client_id": self.id, "grant_type": grant, "device_code": code})

    def post(self, path: str, form: dict[str, str]) -> Json:
        answer: Json = self.scene.session.post(
            f"{self.base}/{path}", data=form, timeout=BOUND_S
        ).json()
        return answer

    def change(self, **changes: object) -> None:
        self.scene.ask("PUT", f"clients/{self.id}", changes)

    def msal(self) -> Any:  # noqa: ANN401  # msal ships no types
        return msal.PublicClientApplication(
            self.id,
            authority=f"{self.scene.cloud['login']}/{self.tenant}",
            http_client=self.scene.session,
            instance_discovery=False,
        )


def led(response: requests.Response) -> dict[str, str]:
    address = urlsplit(response.headers["Location"])
    assert f"{address.scheme}://{address.netloc}" == BACK
    return {name: values[0] for name, values in parse_qs(address.query).items()}


def code_of(answer: Json) -> int:
    assert "access_token" not in answer
    return int((answer["error_codes"] or [0])[0])


@pytest.fixture
def app(scene: Scene) -> Generator[App]:
    card = scene.ask("POST", "clients", {"name": "Claw <b>"})
    app = App(scene, card["id"], card["tenant"], Person(scene.ca))
    yield app
    app.person.close()
    scene.ask("PUT", "clock", {"ahead_s": 0})


def test_stock_msal_signs_in_by_browser_and_stays_signed_in(app: App) -> None:
    client = app.msal()
    flow = client.initiate_auth_code_flow(SCOPES, redirect_uri=BACK, response_mode="form_post")
    page = app.person.choose(app.person.open(flow["auth_uri"]), "ada")
    sent = dict(re.findall(r'name="([^"]*)" value="([^"]*)"', page.text))
    granted = client.acquire_token_by_auth_code_flow(flow, sent)

    assert granted["id_token_claims"]["preferred_username"] == "ada@contoso.example"
    claims = claims_of(granted["access_token"])
    assert (claims["idtyp"], claims["oid"], claims["appid"]) == ("user", ADA, app.id)
    [account] = client.get_accounts()
    assert account["home_account_id"] == f"{ADA}.{app.tenant}"
    assert client.acquire_token_silent(SCOPES, account)["token_source"] == "cache"
    again = client.acquire_token_silent(SCOPES, account, force_refresh=True)
    assert again["token_source"] == "identity_provider"


def is_over(flow: object) -> bool:
    """Ask once, and do not wait."""
    del flow
    return True


def test_stock_msal_signs_in_by_device_code_and_slows_down_when_told(app: App) -> None:
    app.change(device_interval_s=1)
    client = app.msal()
    flow = client.initiate_device_flow(SCOPES)
    assert flow["user_code"] in flow["message"]
    once: Json = {"exit_condition": is_over}
    assert client.acquire_token_by_device_flow(flow, **once)["error"] == "authorization_pending"
    app.change(device_interval_s=30)
    quick = client.initiate_device_flow(SCOPES)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # msal warns of what is tried here
        errors = [client.acquire_token_by_device_flow(quick, **once)["error"] for _ in range(2)]
    assert errors == ["authorization_pending", "slow_down"]

    app.scene.ask("POST", "devicecodes", {"user_code": flow["user_code"], "person": "grace"})

    assert client.acquire_token_by_device_flow(flow, **once)["id_token_claims"]["name"] == (
        "Grace Hopper"
    )


def test_page_is_honest_and_strict(app: App) -> None:
    page = app.person.open(app.address())

    assert "This is not Microsoft." in page.text
    assert "no password is asked for" in page.text
    assert 'type="password"' not in page.text
    assert "Claw &lt;b&gt;" in page.text
    assert "<script" not in page.text
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'none'" in policy
    assert f"form-action 'self' {BACK};" in policy
    assert page.headers["Cache-Control"] == "no-store"
    style = app.person.open(f"{app.scene.cloud['login']}/signin.css")
    assert style.headers["Content-Type"].startswith("text/css")


def test_answer_carries_state_and_a_code_that_is_good_once(app: App) -> None:
    back = app.back()
    assert back["state"] == "a-state"
    granted = app.redeem(back["code"])

    assert claims_of(granted["id_token"])["nonce"] == "a-nonce"
    assert granted["scope"] == "User.Read"
    account = json.loads(base64.urlsafe_b64decode(granted["client_info"] + "=="))
    assert account == {"uid": ADA, "utid": app.tenant}
    assert code_of(app.redeem(back["code"])) == 54005


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"code_verifier": "a" * 43}, 501481),
        ({"code_verifier": ""}, 501481),
        ({"redirect_uri": "http://localhost:1"}, 500112),
        ({"code": "made-up"}, 70000),
    ],
)
def test_code_is_redeemed_by_whoever_asked_for_it(
    app: App, changes: dict[str, str], code: int
) -> None:
    assert code_of(app.redeem(**{"code": app.back()["code"], **changes})) == code


def test_code_is_of_one_client_and_of_one_moment(app: App, scene: Scene) -> None:
    other = scene.ask("POST", "clients", {"name": "Another"})["id"]
    code = app.back()["code"]
    assert code_of(app.redeem(code, client_id=other)) == 70000

    scene.ask("PUT", "clock", {"ahead_s": 601})

    assert code_of(app.redeem(code)) == 70008


@pytest.mark.parametrize(
    "redirect",
    [
        "https://evil.example/",
        "http://localhost.evil.example/",
        "http://evil.example/?http://localhost",
        "http://localhost@evil.example/",
        "http://localhost:4711/elsewhere",
        "https://localhost:4711",
        "",
    ],
)
def test_nothing_is_sent_to_an_address_that_is_not_this_machines(app: App, redirect: str) -> None:
    page = app.person.open(app.address(redirect_uri=redirect))

    assert page.status_code == 400
    assert "AADSTS50011" in page.text
    assert "<form" not in page.text


@pytest.mark.parametrize(
    "changes",
    [
        {"code_challenge": ""},
        {"code_challenge": "short"},
        {"code_challenge_method": "plain"},
        {"response_type": "token"},
        {"response_mode": "fragment"},
    ],
)
def test_request_without_proof_or_of_another_kind_comes_back_refused(
    app: App, changes: dict[str, str]
) -> None:
    assert led(app.person.open(app.address(**changes)))["error"] == "invalid_request"


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"prompt": "none"}, "login_required"),
        ({"scope": "openid"}, "invalid_request"),
        ({"scope": "https://nowhere.example/x"}, "invalid_resource"),
    ],
)
def test_what_cannot_be_granted_comes_back_with_the_reason(
    app: App, changes: dict[str, str], error: str
) -> None:
    back = led(app.person.open(app.address(**changes)))

    assert (back["error"], back["state"]) == (error, "a-state")
    assert back["error_description"].startswith("AADSTS")


@pytest.mark.parametrize("path", ["authorize", "elsewhere"])
def test_unknown_client_or_tenant_is_told_on_the_page(app: App, path: str) -> None:
    address = app.address(client_id="nobody")
    if path == "elsewhere":
        address = address.replace(app.tenant, "nowhere.example")
    page = app.person.open(address)

    assert page.status_code == 400
    assert "AADSTS" in page.text


def test_who_cancels_declines_and_a_form_is_good_once(app: App) -> None:
    page = app.person.open(app.address())
    back = led(app.person.choose(page, ""))

    assert back["error"] == "access_denied"
    assert app.person.choose(page, "ada").status_code == 400


def test_hinted_person_comes_first(app: App) -> None:
    page = app.person.open(app.address(login_hint="Grace@contoso.example"))

    assert re.findall(r'name="person" value="(\w+)"', page.text)[0] == "grace"


def test_guest_keeps_the_home_tenant_in_client_info(app: App) -> None:
    granted = app.redeem(app.back("mallory")["code"])

    account = json.loads(base64.urlsafe_b64decode(granted["client_info"] + "=="))
    assert account["utid"] != app.tenant
    assert claims_of(granted["access_token"])["xms_idrel"] == "5"


def test_refresh_token_is_followed_by_another_and_stays_good(app: App) -> None:
    first = app.redeem(app.back()["code"])["refresh_token"]
    second = app.refresh(first)["refresh_token"]

    assert first != second
    assert app.refresh(first)["access_token"]
    assert app.refresh(second)["access_token"]


@pytest.mark.parametrize("token", ["made-up", ""])
def test_refresh_token_must_be_ours(app: App, token: str) -> None:
    assert code_of(app.refresh(token)) == 70000


def test_refresh_token_is_of_one_client(app: App, scene: Scene) -> None:
    other = scene.ask("POST", "clients", {"name": "Another"})["id"]
    token = app.redeem(app.back()["code"])["refresh_token"]

    assert code_of(app.refresh(token, client_id=other)) == 70000


def test_refresh_asks_for_no_more_than_was_agreed_to(app: App) -> None:
    token = app.redeem(app.back()["code"])["refresh_token"]

    assert code_of(app.refresh(token, scope="User.Read Mail.Send")) == 65001
    assert code_of(app.refresh(token, scope="https://nowhere.example/x")) == 500011


def test_revoked_and_long_unused_refresh_tokens_are_refused(app: App, scene: Scene) -> None:
    revoked = app.redeem(app.back()["code"])["refresh_token"]
    assert scene.ask("POST", "signins/revocations", {"person": "ada"})["revoked"] >= 1
    assert code_of(app.refresh(revoked)) == 50173

    old = app.redeem(app.back()["code"])["refresh_token"]
    scene.ask("PUT", "clock", {"ahead_s": 91 * 86_400})
    assert code_of(app.refresh(old)) == 700082


def test_consent_that_is_withdrawn_ends_refreshes_and_sign_ins(app: App) -> None:
    token = app.redeem(app.back()["code"])["refresh_token"]
    app.change(may_consent=False)

    assert code_of(app.refresh(token)) == 65001
    assert led(app.person.open(app.address()))["error"] == "consent_required"
    assert code_of(app.device()) == 90094


def test_client_that_is_not_public_is_refused(app: App) -> None:
    code = app.back()["code"]
    app.change(is_public=False)

    assert code_of(app.redeem(code)) == 7000218
    assert code_of(app.device()) == 7000218


def test_policy_blocks_what_it_is_told_to(app: App) -> None:
    app.change(device_blocked=50097)
    device = app.device()
    app.scene.ask("POST", "devicecodes", {"user_code": device["user_code"], "person": "ada"})
    assert code_of(app.poll(device["device_code"])) == 50097

    app.change(device_blocked=None, blocked=53003)

    assert code_of(app.redeem(app.back()["code"])) == 53003


def test_device_code_is_typed_in_a_page_that_warns(app: App) -> None:
    device = app.device()
    login = app.scene.cloud["login"]
    assert device["verification_uri"] == f"{login}/devicelogin"
    asked = app.person.open(device["verification_uri"])
    typed = device["user_code"].lower()
    page = app.person.submit(asked, user_code=f" {typed[:4]}-{typed[4:]} ")
    assert "started this sign-in yourself" in page.text
    done = app.person.choose(page, "ada")

    assert "signed in as Ada Lovelace" in done.text
    assert app.poll(device["device_code"])["refresh_token"]
    assert code_of(app.poll(device["device_code"])) == 70018


def test_device_code_that_is_unknown_declined_or_old_is_refused(app: App, scene: Scene) -> None:
    again = app.person.submit(app.person.open(f"{scene.cloud['login']}/devicelogin"), user_code="X")
    assert "not known" in again.text
    assert code_of(app.poll("made-up")) == 70018
    declined, old = app.device(), app.device()
    scene.ask("POST", "devicecodes", {"user_code": declined["user_code"], "person": None})
    assert code_of(app.poll(declined["device_code"])) == 70019

    scene.ask("PUT", "clock", {"ahead_s": 901})

    assert code_of(app.poll(old["device_code"])) == 70020


def test_device_code_is_asked_for_by_a_client_there_is(app: App) -> None:
    form = {"client_id": "nobody", "scope": "User.Read"}

    assert code_of(app.post("devicecode", form)) == 700016
    assert code_of(app.post("devicecode", {"client_id": app.id, "scope": ""})) == 900144


def test_person_is_at_graph_as_themselves(app: App, scene: Scene, credential: Credential) -> None:
    agent = scene.hire(credential)
    body = {"from": "ada", "agent": agent.user, "text": "hello", "kind": "groupChat"}
    group = scene.ask("POST", "messages", {**body, "wait": False})["graph_conversation"]
    wanted = {"scope": "User.Read Chat.ReadWrite ChatMessage.Send"}
    token = app.redeem(app.back(**wanted)["code"])["access_token"]
    graph = f"{scene.cloud['graph']}/v1.0"

    assert scene.post(f"{graph}/me", token, None, "GET").json()["userPrincipalName"] == (
        "ada@contoso.example"
    )
    assert scene.post(f"{graph}/me/chats?$expand=members", token, None, "GET").json()["value"]
    assert scene.post(f"{graph}/chats/{group}", token, None, "GET").json()["id"] == group
    said = {"body": {"contentType": "text", "content": "as myself"}}
    sent = scene.post(f"{graph}/chats/{group}/messages", token, said)
    assert sent.status_code == 201
    assert sent.json()["from"]["user"]["id"] == ADA
    assert scene.post(f"{graph}/users/{agent.user}", token, None, "GET").status_code == 403


def test_stranger_to_a_chat_cannot_read_it(app: App, scene: Scene, credential: Credential) -> None:
    agent = scene.hire(credential)
    body = {"from": "ada", "agent": agent.user, "text": "hello", "wait": False}
    chat = scene.ask("POST", "messages", body)["graph_conversation"]
    token = app.redeem(app.back("grace", scope="Chat.ReadWrite")["code"])["access_token"]
    path = f"{scene.cloud['graph']}/v1.0/chats/{chat}/messages"

    assert scene.post(path, token, None, "GET").status_code == 403


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "clients", {"name": " "}),
        ("PUT", "clients/nobody", {}),
        ("PUT", "clients/{id}", {"colour": "red"}),
        ("PUT", "clients/{id}", {"blocked": 1}),
        ("POST", "devicecodes", {"user_code": "X", "person": "ada"}),
        ("POST", "signins/revocations", {"person": "nobody"}),
    ],
)
def test_control_refuses_what_does_not_fit(app: App, method: str, path: str, body: object) -> None:
    response = app.scene.session.request(
        method,
        f"{app.scene.control}/control/{path.format(id=app.id)}",
        json=body,
        headers={"Authorization": f"Bearer {app.scene.secret}"},
        timeout=BOUND_S,
    )
    assert response.status_code == 400


def test_fault_of_the_persons_hop_answers_in_its_place(app: App, scene: Scene) -> None:
    code = app.back()["code"]
    scene.ask("PUT", "entra-faults", {"faults": [{"hop": "person", "code": 90033, "times": 1}]})

    assert code_of(app.redeem(code)) == 90033
    assert app.redeem(code)["access_token"]
    lines = scene.ask("GET", "tokens")["requests"]
    assert [line["hop"] for line in lines if line["client_id"] == app.id][-1] == "person"
