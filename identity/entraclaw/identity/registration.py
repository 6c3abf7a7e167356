"""An application's own certificates at Microsoft Graph, as the application itself sees them.

Nobody else is needed: the application shows a token of its own, and proves each change with
a key that is registered already. Adding and removing are Graph's own acts on one credential;
the list is never written as a whole, so another machine's cannot be lost by it.

Contract, with what only a tenant can tell: docs/identity/keys.md#a-new-key-in-place-of-the-old-one
https://learn.microsoft.com/graph/api/agentidentityblueprint-addkey
https://learn.microsoft.com/graph/api/agentidentityblueprint-removekey
https://learn.microsoft.com/graph/api/application-addkey
"""

import base64
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import cast

import requests
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from entraclaw.errors import CallRefused, EntraclawError, HopRefused, Unreachable
from entraclaw.identity.assertion import Occasion, possess, sign, thumbprint_of
from entraclaw.identity.cloud import Cloud
from entraclaw.identity.expiry import is_due
from entraclaw.identity.keys import Binding, Key
from entraclaw.identity.proxy import proxy_of
from entraclaw.identity.refusals import Said, seconds_of
from entraclaw.identity.rotation_orders import Credential
from entraclaw.identity.session import EntraSession
from entraclaw.identity.values import Hop, Token

_EXCHANGE = "api://AzureADTokenExchange/.default"
_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_CAST = "/microsoft.graph.agentIdentityBlueprint"
_SERVICE = "Microsoft Graph"
_CONNECT_S, _READ_S = 5.0, 20.0
_TOO_MANY, _SERVER_FAULT = 429, 500
_HINTS: Mapping[int, str] = {
    401: "Graph does not take the proof: is this machine's clock right, and its certificate on "
    "the application?",
    403: "this tenant does not let the application change its own certificates: an administrator "
    "does it by hand (docs/identity/keys.md)",
    404: "is this the application's id, and its tenant?",
}


class Registration:
    """The applications of one agent at one tenant's Graph. Every call blocks."""

    def __init__(self, cloud: Cloud, tenant: str, blueprint: str, now: Callable[[], float]) -> None:
        """Ask *tenant*; *blueprint* is the one application that is more than an application.

        *now* is this machine's clock, seconds since the epoch.
        """
        self._cloud, self._blueprint, self._now = cloud, blueprint, now
        self._endpoint = Binding(cloud.login, tenant).audience
        self._entra = EntraSession(self._endpoint, cloud.tls_ca, now)
        self._graph = requests.Session()
        self._ids: dict[str, str] = {}
        self._tokens: dict[tuple[str, bytes], Token] = {}
        # As for Entra: the environment says which proxy, and not whom to trust.
        self._graph.trust_env = False
        if cloud.tls_ca:
            self._graph.verify = cloud.tls_ca
        proxy = proxy_of(cloud.login)
        if proxy is not None:
            self._graph.proxies = {"https": proxy}

    def ask(self, application: str, key: Key) -> None:
        """Have Entra take an assertion of *application* that *key* signed.

        Raises:
            HopRefused: It does not.
            Unreachable: It did not answer.
        """
        self._token(application, key, _EXCHANGE)

    def read(self, application: str, key: Key) -> Sequence[Credential]:
        """List the credentials of *application*.

        Raises:
            CallRefused: Graph said no.
            HopRefused: Entra gives no token for *key*.
            Unreachable: One of them did not answer.
        """
        where = f"/v1.0/applications(appId='{application}')?$select=id,appId,keyCredentials"
        found = self._call("GET", where, application, key)
        name, listed = found.get("id"), found.get("keyCredentials")
        if not (isinstance(name, str) and isinstance(listed, list)):
            raise Unreachable(_SERVICE, "its answer makes no sense")
        self._ids[application] = name.lower()
        return [_credential(one) for one in cast("list[object]", listed)]

    def add(self, application: str, certificate: bytes, key: Key) -> None:
        """Register the PEM *certificate* on *application*, proven by *key*.

        Raises:
            EntraclawError: As `read` does.
        """
        read = x509.load_pem_x509_certificate(certificate)
        credential = {
            "type": "AsymmetricX509Cert",
            "usage": "Verify",
            "key": base64.b64encode(read.public_bytes(Encoding.DER)).decode("ascii"),
        }
        body = {"keyCredential": credential, "passwordCredential": None}
        self._change(application, "addKey", body, key)

    def remove(self, application: str, key_id: str, key: Key) -> None:
        """Take the credential *key_id* off *application*, proven by *key*.

        Raises:
            EntraclawError: As `read` does.
        """
        self._change(application, "removeKey", {"keyId": key_id}, key)

    def close(self) -> None:
        """Close the connections."""
        self._entra.close()
        self._graph.close()

    def _change(self, application: str, action: str, body: Mapping[str, object], key: Key) -> None:
        if application not in self._ids:
            self.read(application, key)
        name = self._ids[application]
        kind = _CAST if application == self._blueprint else ""
        proven = {**body, "proof": possess(key, name, self._now())}
        self._call("POST", f"/v1.0/applications/{name}{kind}/{action}", application, key, proven)

    def _call(
        self,
        method: str,
        path: str,
        application: str,
        key: Key,
        body: Mapping[str, object] | None = None,
    ) -> Mapping[str, object]:
        token = self._token(application, key, self._cloud.graph_scope)
        try:
            answer = self._graph.request(
                method,
                f"{self._cloud.graph}{path}",
                json=body,
                headers={"Authorization": f"Bearer {token.secret}"},
                timeout=(_CONNECT_S, _READ_S),
                allow_redirects=False,
            )
        except OSError as error:  # the root of what requests raises
            raise Unreachable(_SERVICE, type(error).__name__) from error
        if answer.ok and not answer.is_redirect:
            return _document(answer)
        raise _refusal(answer)

    def _token(self, application: str, key: Key, scope: str) -> Token:
        held = self._tokens.get((application, key.certificate))
        if held is not None and held.scope == scope and not is_due(held, self._now()):
            return held
        token = self._asked(application, key, scope)
        if scope == self._cloud.graph_scope:
            self._tokens[application, key.certificate] = token
        return token

    def _asked(self, application: str, key: Key, scope: str) -> Token:
        now = self._now()
        occasion = Occasion(now=now, nonce=str(uuid.uuid4()))
        form = {
            "grant_type": "client_credentials",
            "client_id": application,
            "scope": scope,
            "client_assertion_type": _ASSERTION,
            "client_assertion": sign(key, application, self._endpoint, occasion),
        }
        try:
            granted = _document(self._entra.request("POST", self._endpoint, data=form))
        except Said as said:
            raise HopRefused(
                Hop.BLUEPRINT,
                said.code,
                hint=said.hint(Hop.BLUEPRINT, self._entra.skew_s),
                retry_after=said.retry_after,
                is_passing=said.is_passing,
            ) from None
        except OSError as error:
            raise Unreachable("Entra", type(error).__name__) from error
        secret, seconds = granted.get("access_token"), granted.get("expires_in")
        if not (isinstance(secret, str) and isinstance(seconds, int | float)):
            raise Unreachable("Entra", "its answer makes no sense")
        return Token(secret, scope, acquired_at=now, expires_at=now + seconds)


def _document(answer: requests.Response) -> Mapping[str, object]:
    try:
        document: object = answer.json() if answer.content else {}
    except ValueError:
        document = {}
    return cast("Mapping[str, object]", document) if isinstance(document, dict) else {}


def _refusal(answer: requests.Response) -> EntraclawError:
    status = answer.status_code
    if status == _TOO_MANY or status >= _SERVER_FAULT:
        wait_s = seconds_of(answer.headers.get("Retry-After", ""))
        return Unreachable(_SERVICE, f"status {status}", retry_after=wait_s, is_passing=True)
    told = _document(answer).get("error")
    code = cast("Mapping[str, object]", told).get("code") if isinstance(told, dict) else None
    return CallRefused(
        _SERVICE, status, str(code or "no reason given"), hint=_HINTS.get(status, "")
    )


def _credential(shown: object) -> Credential:
    if not isinstance(shown, dict):
        raise Unreachable(_SERVICE, "its answer makes no sense")
    one = cast("Mapping[str, object]", shown)
    content = str(one.get("key") or "")
    return Credential(str(one.get("keyId")), thumbprint_of(content), content)
