"""An application's certificates at Graph: who may change them, how, and what Entra then takes."""

import base64
import time
from collections.abc import Generator
from dataclasses import dataclass

import jwt
import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from sandbox.scene import BOUND_S, GRAPH, Credential, Hired, Json, Scene, claims_of

CAST = "/microsoft.graph.agentIdentityBlueprint"
DIRECTORY = "00000002-0000-0000-c000-000000000000"
ADMINISTRATOR = "db506228-d27e-4b7d-95e5-295956d6615f"
CREDS = "AgentIdentityBlueprint.AddRemoveCreds.All"


@dataclass(frozen=True, slots=True)
class Directory:
    """The application of one blueprint, and who asks for it."""

    scene: Scene
    agent: Hired

    def call(self, method: str, path: str, token: str, body: object = None) -> requests.Response:
        return self.scene.session.request(
            method,
            f"{self.scene.cloud['graph']}/v1.0/applications{path}",
            json=body,
            headers={"Authorization": f"Bearer {token}"},
            timeout=BOUND_S,
        )

    @property
    def by_app(self) -> str:
        return f"(appId='{self.agent.blueprint}')"

    @property
    def object_id(self) -> str:
        found: str = self.call("GET", self.by_app, self.own).json()["id"]
        return found

    @property
    def own(self) -> str:
        """The blueprint's own token for Graph."""
        form = self.scene.blueprint_form(self.agent, scope=GRAPH)
        del form["fmi_path"]
        token: str = self.scene.grant(self.agent, form)["access_token"]
        return token

    def somebody(self, **claims: object) -> str:
        """A token for Graph that says whatever *claims* say."""
        own = {
            "aud": "https://graph.microsoft.com",
            "iss": f"https://sts.windows.net/{self.agent.tenant}/",
            "appid": "11111111-2222-4333-8444-555555555555",
            "idtyp": "user",
            **claims,
        }
        body = {"agent": self.agent.user, "claims": own}
        token: str = self.scene.ask("POST", "tokens", body)["token"]
        return token

    @property
    def administrator(self) -> str:
        return self.somebody(scp=CREDS, wids=[ADMINISTRATOR])

    def credentials(self) -> list[Json]:
        shown = self.call("GET", f"{self.by_app}?$select=keyCredentials", self.own).json()
        listed: list[Json] = shown["keyCredentials"]
        return listed

    def proof(self, signer: Credential | None = None, **changes: object) -> str:
        now = int(time.time())
        claims = {"aud": DIRECTORY, "iss": self.object_id, "nbf": now - 10, "exp": now + 590}
        by = signer or self.agent.credential
        return jwt.encode({**claims, **changes}, by.key, "PS256", headers={"x5t": by.x5t})

    def add(self, new: Credential, **body: object) -> requests.Response:
        whole = {"keyCredential": shaped(new), "passwordCredential": None, "proof": self.proof()}
        path = f"/{self.object_id}{CAST}/addKey"
        return self.call("POST", path, self.own, {**whole, **body})

    def patch(self, token: str, listed: list[Json]) -> requests.Response:
        return self.call("PATCH", self.by_app, token, {"keyCredentials": listed})

    def is_taken(self, by: Credential) -> bool:
        """Whether Entra takes an assertion that *by* signed."""
        claims = claims_of(self.scene.statement(self.agent))
        statement = jwt.encode(claims, by.key, "RS256", headers={"x5t": by.x5t})
        form = self.scene.blueprint_form(self.agent, client_assertion=statement)
        return "access_token" in self.scene.grant(self.agent, form)


def der(credential: Credential) -> str:
    read = x509.load_pem_x509_certificate(credential.certificate.encode())
    return base64.b64encode(read.public_bytes(Encoding.DER)).decode()


def shaped(credential: Credential, **changes: object) -> Json:
    return {
        "type": "AsymmetricX509Cert",
        "usage": "Verify",
        "key": der(credential),
        **changes,
    }


def code(answer: requests.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


@pytest.fixture
def directory(scene: Scene, credential: Credential) -> Directory:
    return Directory(scene, scene.hire(credential))


@pytest.fixture
def slow_directory(scene: Scene, directory: Directory) -> Generator[Directory]:
    scene.ask("PUT", "settings", {"credentials_s": 60})
    yield directory
    scene.ask("PUT", "settings", {"credentials_s": 0})
    scene.ask("PUT", "clock", {"ahead_s": 0})


def test_application_shows_its_certificates_without_their_keys(directory: Directory) -> None:
    shown = directory.call("GET", directory.by_app + CAST, directory.own).json()

    [listed] = shown["keyCredentials"]
    assert shown["appId"] == directory.agent.blueprint != shown["id"]
    assert shown["@odata.type"] == "#microsoft.graph.agentIdentityBlueprint"
    assert listed["key"] is None
    assert listed["customKeyIdentifier"] == directory.agent.credential.sha1.upper()
    assert (listed["type"], listed["usage"]) == ("AsymmetricX509Cert", "Verify")
    assert listed["startDateTime"] < listed["endDateTime"]


def test_keys_are_shown_where_they_are_selected(directory: Directory) -> None:
    """https://learn.microsoft.com/graph/api/resources/keycredential."""
    path = f"/{directory.object_id}?$select=id,keyCredentials"
    shown = directory.call("GET", path, directory.own).json()

    assert set(shown) == {"@odata.context", "@odata.type", "id", "keyCredentials"}
    assert shown["keyCredentials"][0]["key"] == der(directory.agent.credential)


@pytest.mark.parametrize(
    "path", ["/{app}", "(appId='{id}')", "/00000000-0000-4000-8000-000000000000"]
)
def test_address_that_is_none_does_not_exist(directory: Directory, path: str) -> None:
    wrong = path.format(app=directory.agent.blueprint, id=directory.object_id)

    assert code(directory.call("GET", wrong, directory.own)) == (404, "Request_ResourceNotFound")


def test_property_that_does_not_exist_cannot_be_selected(directory: Directory) -> None:
    answer = directory.call("GET", f"{directory.by_app}?$select=secrets", directory.own)

    assert code(answer) == (400, "BadRequest")


def test_blueprint_adds_a_certificate_itself_and_entra_takes_both(
    directory: Directory, stranger: Credential
) -> None:
    answer = directory.add(stranger)

    assert answer.status_code == 200
    assert (answer.json()["key"], answer.json()["displayName"]) == (None, "CN=blueprint")
    assert [one["key"] for one in directory.credentials()] == [
        der(directory.agent.credential),
        der(stranger),
    ]
    assert directory.is_taken(stranger)
    assert directory.is_taken(directory.agent.credential)


def test_blueprint_removes_a_certificate_itself(directory: Directory, stranger: Credential) -> None:
    key_id = directory.add(stranger).json()["keyId"]
    own = directory.credentials()[0]["keyId"]
    path = f"/{directory.object_id}{CAST}/removeKey"

    body = {"keyId": own, "proof": directory.proof(stranger)}
    assert directory.call("POST", path, directory.own, body).status_code == 204

    form = directory.scene.blueprint_form(directory.agent)
    assert directory.scene.grant(directory.agent, form)["error_codes"] == [700027]
    assert directory.is_taken(stranger)
    assert key_id


def test_certificate_that_is_not_there_cannot_be_removed(directory: Directory) -> None:
    path = f"/{directory.object_id}/removeKey"
    body = {"keyId": directory.agent.user, "proof": directory.proof()}

    assert code(directory.call("POST", path, directory.own, body)) == (400, "Request_BadRequest")


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "00000003-0000-0000-c000-000000000000"},
        {"iss": "11111111-2222-4333-8444-555555555555"},
        {"nbf": 1, "exp": 601},
        {"nbf": int(time.time()) + 500, "exp": int(time.time()) + 1_000},
        {"exp": int(time.time()) + 10_000},
        {"exp": None},
    ],
)
def test_proof_that_says_something_else_is_none(
    directory: Directory, stranger: Credential, changes: Json
) -> None:
    answer = directory.add(stranger, proof=directory.proof(**changes))

    assert code(answer) == (401, "Authentication_MissingOrMalformed")
    assert len(directory.credentials()) == 1


def test_proof_by_the_new_certificate_itself_is_none(
    directory: Directory, stranger: Credential
) -> None:
    answer = directory.add(stranger, proof=directory.proof(stranger))

    assert code(answer) == (401, "Authentication_MissingOrMalformed")


def test_proof_that_names_another_certificate_than_signed_it_is_none(
    directory: Directory, stranger: Credential
) -> None:
    claims = claims_of(directory.proof())
    header = {"x5t": directory.agent.credential.x5t}
    proof = jwt.encode(claims, stranger.key, "RS256", headers=header)

    answer = directory.add(stranger, proof=proof)
    assert code(answer) == (401, "Authentication_MissingOrMalformed")
    answer = directory.add(stranger, proof="hello")
    assert code(answer) == (401, "Authentication_MissingOrMalformed")


def test_another_blueprint_may_not_touch_it(
    scene: Scene, directory: Directory, stranger: Credential
) -> None:
    other = Directory(scene, scene.hire(stranger))
    body = {"keyCredential": shaped(stranger), "proof": directory.proof()}
    path = f"{directory.by_app}{CAST}"

    assert code(directory.call("GET", path, other.own)) == (403, "Authorization_RequestDenied")
    answer = directory.call("POST", f"{path}/addKey", other.own, body)
    assert code(answer) == (403, "Authorization_RequestDenied")


@pytest.mark.parametrize(
    "changes",
    [
        {"type": "Symmetric"},
        {"usage": "Sign"},
        {"key": "hello"},
        {"key": base64.b64encode(b"hello").decode()},
        {"key": None},
    ],
)
def test_credential_that_is_no_certificate_is_refused(
    directory: Directory, stranger: Credential, changes: Json
) -> None:
    answer = directory.add(stranger, keyCredential=shaped(stranger, **changes))

    assert code(answer) == (400, "Request_BadRequest")


def test_certificate_that_has_ended_is_neither_added_nor_taken(
    slow_directory: Directory, stranger: Credential
) -> None:
    directory, scene = slow_directory, slow_directory.scene
    token, ahead = directory.administrator, 40 * 24 * 3600
    assert token
    scene.ask("PUT", "clock", {"ahead_s": ahead})
    late = directory.somebody(scp=CREDS, wids=[ADMINISTRATOR])

    answer = directory.patch(late, [shaped(stranger)])
    assert code(answer) == (400, "KeyCredentialsInvalidEndDate")
    now = int(time.time()) + ahead
    statement = scene.statement(directory.agent, iat=now, exp=now + 600)
    refusal = scene.grant(
        directory.agent, scene.blueprint_form(directory.agent, client_assertion=statement)
    )
    assert refusal["error_codes"] == [700027]
    assert "expired" in refusal["error_description"]


def test_new_certificate_takes_its_time_until_entra_knows_it(
    slow_directory: Directory, stranger: Credential
) -> None:
    directory = slow_directory
    directory.add(stranger)
    assert len(directory.credentials()) == 2
    assert not directory.is_taken(stranger)

    directory.scene.ask("PUT", "clock", {"ahead_s": 61})

    assert directory.is_taken(stranger)


def test_administrator_writes_the_whole_list_and_what_is_not_in_it_is_gone(
    directory: Directory, stranger: Credential
) -> None:
    """How a careless script shuts out every other machine."""
    assert directory.patch(directory.administrator, [shaped(stranger)]).status_code == 204

    assert directory.is_taken(stranger)
    assert not directory.is_taken(directory.agent.credential)


@pytest.mark.parametrize("with_keys", [True, False])
def test_known_certificate_is_kept_by_its_id_with_or_without_its_key(
    directory: Directory, stranger: Credential, *, with_keys: bool
) -> None:
    [kept] = before = directory.credentials()
    written = kept if with_keys else {**kept, "key": None}

    answer = directory.patch(directory.administrator, [written, shaped(stranger, displayName="b")])

    assert answer.status_code == 204
    now = Directory(directory.scene, directory.agent).credentials()
    assert now[:1] == before
    assert now[1]["displayName"] == "b"


def test_known_certificate_cannot_be_made_another(directory: Directory) -> None:
    [kept] = directory.credentials()

    answer = directory.patch(directory.administrator, [{**kept, "key": "b3RoZXI="}])

    assert code(answer) == (400, "Request_BadRequest")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"keyCredentials": None},
        {"keyCredentials": ["hello"]},
    ],
)
def test_only_a_list_of_certificates_is_written(directory: Directory, body: Json) -> None:
    answer = directory.call("PATCH", directory.by_app, directory.administrator, body)

    assert code(answer) == (400, "Request_BadRequest")


@pytest.mark.parametrize(
    "claims",
    [
        {"scp": "User.Read", "wids": [ADMINISTRATOR]},
        {"scp": CREDS, "wids": ["62e90394-0000-4000-8000-000000000000"]},
        {"scp": CREDS},
        {"scp": "AgentIdentityBlueprint.Read.All", "wids": [ADMINISTRATOR]},
        {"scp": f"{CREDS} Directory.AccessAsUser.All", "wids": [ADMINISTRATOR]},
        {"idtyp": "app", "roles": ["Application.ReadWrite.All"]},
        {"idtyp": "app", "scp": CREDS},
    ],
)
def test_token_without_the_permission_or_the_role_changes_nothing(
    directory: Directory, claims: Json
) -> None:
    """A token of `az` carries Directory.AccessAsUser.All, and is refused for that."""
    answer = directory.patch(directory.somebody(**claims), [])

    assert code(answer) == (403, "Authorization_RequestDenied")


@pytest.mark.parametrize("role", [CREDS, "AgentIdentityBlueprint.ReadWrite.All"])
def test_application_with_the_permission_may_write_the_list(
    directory: Directory, stranger: Credential, role: str
) -> None:
    token = directory.somebody(idtyp="app", roles=[role])

    assert directory.patch(token, [shaped(stranger)]).status_code == 204


def test_blueprint_without_the_permission_may_not_write_the_list(directory: Directory) -> None:
    """What it may is to add one and to remove one, each with a proof."""
    assert code(directory.patch(directory.own, [])) == (403, "Authorization_RequestDenied")


def test_whoever_may_change_it_must_prove_possession_all_the_same(
    directory: Directory, stranger: Credential
) -> None:
    body = {"keyCredential": shaped(stranger), "proof": "hello"}

    answer = directory.call("POST", f"{directory.by_app}/addKey", directory.administrator, body)

    assert code(answer) == (401, "Authentication_MissingOrMalformed")
