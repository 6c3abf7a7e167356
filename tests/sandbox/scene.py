"""What the sandbox's tests share: one running process, and short ways to talk to it."""

import asyncio
import base64
import datetime as dt
import subprocess
import sys
import time
import tomllib
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeAlias

import jwt
import requests
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

Json: TypeAlias = dict[str, Any]

EXCHANGE = "api://AzureADTokenExchange/.default"
GRAPH = "https://graph.microsoft.com/.default"
CHANNEL = "5a807f24-c9de-44ee-a3a7-329e88a00ffc/.default"
BOUND_S = 30.0


@dataclass(frozen=True, slots=True)
class Credential:
    """A key pair and its certificate, as PEM; *key* is the same key, read once."""

    key: rsa.RSAPrivateKey
    private: str
    certificate: str

    @classmethod
    def make(cls) -> "Credential":
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "blueprint")])
        start = dt.datetime.now(dt.UTC) - dt.timedelta(days=1)
        certificate = (
            x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
            .not_valid_before(start)
            .not_valid_after(start + dt.timedelta(days=30))
            .sign(key, hashes.SHA256())
        )
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return cls(key, pem.decode(), certificate.public_bytes(Encoding.PEM).decode())

    @property
    def sha1(self) -> str:
        """The thumbprint, as the portal shows it."""
        certificate = x509.load_pem_x509_certificate(self.certificate.encode())
        return certificate.fingerprint(hashes.SHA1()).hex()  # noqa: S303  # what x5t is

    @property
    def x5t(self) -> str:
        return base64.urlsafe_b64encode(bytes.fromhex(self.sha1)).decode().rstrip("=")


@dataclass(frozen=True, slots=True)
class Hired:
    """An agent as the control API describes it, with the key of its blueprint."""

    tenant: str
    blueprint: str
    agent: str
    user: str
    upn: str
    name: str
    bot: str
    credential: Credential


class Scene:
    """A running sandbox, the secret of its control API and the URL of its page."""

    def __init__(self, ready: Json) -> None:
        self.control: str = ready["control"]
        self.secret: str = ready["secret"]
        self.page: str = ready["page"]
        self.ca: str = ready["ca"]
        self.cloud = tomllib.loads(Path(ready["cloud"]).read_text(encoding="utf-8"))

    @cached_property
    def session(self) -> requests.Session:
        session = requests.Session()
        session.trust_env = False
        session.verify = self.ca
        return session

    def ask(self, method: str, path: str, body: object = None) -> Json:
        """Call the control API, which must agree."""
        response = self.session.request(
            method,
            f"{self.control}/control/{path}",
            json=body,
            headers={"Authorization": f"Bearer {self.secret}"},
            timeout=BOUND_S,
        )
        answer: Json = response.json()
        assert response.ok, answer
        return answer

    async def ask_async(self, method: str, path: str, body: object = None) -> Json:
        """The same, while this loop serves the agent's endpoint."""
        return await asyncio.to_thread(self.ask, method, path, body)

    def hire(self, credential: Credential, *, endpoint: str | None = None) -> Hired:
        body = {
            "name": "Claw",
            "certificate": credential.certificate,
            "sponsors": ["ada"],
            "endpoint": endpoint,
        }
        return Hired(**self.ask("POST", "agents", body), credential=credential)

    def token_url(self, agent: Hired) -> str:
        return f"{self.cloud['login']}/{agent.tenant}/oauth2/v2.0/token"

    def grant(self, agent: Hired, form: Mapping[str, str]) -> Json:
        """Send one token request; what comes back may be a refusal."""
        response = self.session.post(self.token_url(agent), data=form, timeout=BOUND_S)
        answer: Json = response.json()
        assert response.ok == ("access_token" in answer)
        return answer

    def statement(self, agent: Hired, **changes: object) -> str:
        """What the blueprint signs to prove itself."""
        now = int(time.time())
        claims: Json = {
            "aud": self.token_url(agent),
            "iss": agent.blueprint,
            "sub": agent.blueprint,
            "jti": str(uuid.uuid4()),
            "iat": now,
            "exp": now + 600,
        }
        key, header = agent.credential.key, {"x5t": agent.credential.x5t}
        return jwt.encode({**claims, **changes}, key, algorithm="RS256", headers=header)

    def blueprint_form(self, agent: Hired, **changes: str) -> dict[str, str]:
        form = {
            "client_id": agent.blueprint,
            "scope": EXCHANGE,
            "fmi_path": agent.agent,
            "grant_type": "client_credentials",
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        }
        if "client_assertion" not in changes:
            form["client_assertion"] = self.statement(agent)
        return {**form, **changes}

    def agent_form(self, agent: Hired, first: str, **changes: str) -> dict[str, str]:
        form = {
            "client_id": agent.agent,
            "scope": EXCHANGE,
            "grant_type": "client_credentials",
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": first,
        }
        return {**form, **changes}

    def user_form(self, agent: Hired, first: str, second: str, **changes: str) -> dict[str, str]:
        form = self.agent_form(agent, first, scope=GRAPH, grant_type="user_fic")
        own = {"user_federated_identity_credential": second}
        if "username" not in changes:
            own["user_id"] = agent.user
        return {**form, **own, **changes}

    def walk(self, agent: Hired) -> tuple[str, str]:
        """The first two tokens of the chain."""
        first: str = self.grant(agent, self.blueprint_form(agent))["access_token"]
        second: str = self.grant(agent, self.agent_form(agent, first))["access_token"]
        return first, second

    def user_token(self, agent: Hired, scope: str = GRAPH) -> str:
        first, second = self.walk(agent)
        form = self.user_form(agent, first, second, scope=scope)
        token: str = self.grant(agent, form)["access_token"]
        return token

    def post(self, url: str, token: str, body: object, method: str = "POST") -> requests.Response:
        headers = {"Authorization": f"Bearer {token}"}
        return self.session.request(method, url, json=body, headers=headers, timeout=BOUND_S)


@dataclass(frozen=True, slots=True)
class Arrival:
    """One POST at the agent's endpoint."""

    token: str
    activity: Json


class Endpoint:
    """An agent's messaging endpoint on this machine; *answers* are given in turn, then 202."""

    def __init__(self, *answers: int) -> None:
        self.arrivals: list[Arrival] = []
        self._answers = list(answers)
        self.stuck = asyncio.Event()

    async def take(self, request: web.Request) -> web.Response:
        token = request.headers["Authorization"].removeprefix("Bearer ")
        self.arrivals.append(Arrival(token, await request.json()))
        status = self._answers.pop(0) if self._answers else 202
        if status == 0:
            # Never answers: the caller's patience ends the request, or the test does.
            await asyncio.wait_for(self.stuck.wait(), BOUND_S)
        return web.Response(status=status or 202)


Listen: TypeAlias = Callable[[Endpoint], Awaitable[str]]


def start(home: Path, *arguments: str) -> subprocess.Popen[str]:
    """Start a sandbox as anybody would; its first line says where it is."""
    return subprocess.Popen(
        [sys.executable, "-m", "entraclaw.sandbox", "--home", str(home), *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def claims_of(token: str) -> Json:
    """What a token says, unverified."""
    claims: Json = jwt.decode(token, options={"verify_signature": False})
    return claims
