"""The ways in which stock msal documents that a confidential client proves itself, and its memory.

https://msal-python.readthedocs.io/en/latest/#msal.ClientApplication.params.client_credential
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import parse_qs

import jwt
import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12

from sandbox.scene import EXCHANGE, GRAPH, Credential, Hired, Json, Scene
from sandbox.test_entra_with_msal import Client, blueprint, client, identity, user

PASSPHRASE = "a passphrase"

Form = Callable[[Credential, Path], Mapping[str, object]]


def pem_and_certificate(own: Credential, _folder: Path) -> Mapping[str, object]:
    return {"private_key": own.private, "public_certificate": own.certificate}


def pem_and_thumbprint(own: Credential, _folder: Path) -> Mapping[str, object]:
    return {"private_key": own.private, "thumbprint": own.sha1}


def pem_thumbprint_and_certificate(own: Credential, _folder: Path) -> Mapping[str, object]:
    return {**pem_and_thumbprint(own, _folder), "public_certificate": own.certificate}


def encrypted_archive(own: Credential, folder: Path) -> Mapping[str, object]:
    certificate = x509.load_pem_x509_certificate(own.certificate.encode())
    path = folder / "blueprint.pfx"
    sealed = BestAvailableEncryption(PASSPHRASE.encode())
    path.write_bytes(
        pkcs12.serialize_key_and_certificates(b"blueprint", own.key, certificate, None, sealed)
    )
    return {"private_key_pfx_path": str(path), "passphrase": PASSPHRASE}


def archive_with_chain(own: Credential, folder: Path) -> Mapping[str, object]:
    return {**encrypted_archive(own, folder), "public_certificate": True}


def shown(scene: Scene, application: Client) -> Json:
    """The header of the statement that *application* shows for a token of the exchange."""
    seen: list[str] = []

    def look(answer: requests.Response, *_: object, **__: object) -> None:
        seen.append(str(answer.request.body or ""))

    scene.session.hooks["response"].append(look)
    try:
        answer = application.acquire_token_for_client([EXCHANGE], fmi_path="somebody")
    finally:
        scene.session.hooks["response"].remove(look)
    assert "access_token" in answer, answer
    [statement] = parse_qs(seen[-1])["client_assertion"]
    return jwt.get_unverified_header(statement)


@pytest.mark.parametrize(
    ("form", "algorithm", "names"),
    [
        (pem_and_certificate, "PS256", {"x5t#S256", "x5c"}),
        (pem_and_thumbprint, "RS256", {"x5t"}),
        (pem_thumbprint_and_certificate, "RS256", {"x5t", "x5c"}),
        (encrypted_archive, "PS256", {"x5t#S256"}),
        (archive_with_chain, "PS256", {"x5t#S256", "x5c"}),
    ],
)
def test_every_documented_credential_is_taken(
    scene: Scene, agent: Hired, tmp_path: Path, form: Form, algorithm: str, names: set[str]
) -> None:
    credential = form(agent.credential, tmp_path)

    header = shown(scene, client(scene, agent, agent.blueprint, credential))

    assert header["alg"] == algorithm
    assert set(header) == {"alg", "typ", *names}


def test_application_asks_once_for_each_path(scene: Scene, agent: Hired) -> None:
    app = blueprint(scene, agent)
    first = app.acquire_token_for_client([EXCHANGE], fmi_path=agent.agent)

    again = app.acquire_token_for_client([EXCHANGE], fmi_path=agent.agent)
    other = app.acquire_token_for_client([EXCHANGE], fmi_path="somebody/else")

    assert (first["token_source"], again["token_source"]) == ("identity_provider", "cache")
    assert again["access_token"] == first["access_token"]
    assert other["token_source"] == "identity_provider"


@pytest.mark.parametrize("name", ["user_object_id", "username"])
def test_user_is_an_account_from_whose_cache_msal_answers(
    scene: Scene, agent: Hired, name: str
) -> None:
    app = identity(scene, agent)
    who = {"user_object_id": agent.user, "username": agent.upn}

    answer = user(app, **{name: who[name]})

    [account] = app.get_accounts()
    assert account["username"] == agent.upn
    assert account["home_account_id"] == f"{agent.user}.{agent.tenant}"
    again = app.acquire_token_silent([GRAPH], account=account)
    assert (again["token_source"], again["access_token"]) == ("cache", answer["access_token"])


def test_cache_gives_no_token_that_is_about_to_end_and_none_for_another_resource(
    scene: Scene, agent: Hired
) -> None:
    """Ours: agents get no refresh token, so the chain is walked again."""
    scene.ask("PUT", "settings", {"token_lifetime_s": 200})
    try:
        app = identity(scene, agent)
        answer = user(app, user_object_id=agent.user)
    finally:
        scene.ask("PUT", "settings", {"token_lifetime_s": None})
    [account] = app.get_accounts()

    assert "refresh_token" not in answer
    assert app.acquire_token_silent([GRAPH], account=account) is None
    storage = "https://storage.azure.com/.default"
    assert app.acquire_token_silent([storage], account=account) is None
    assert user(app, user_object_id=agent.user)["token_source"] == "identity_provider"
