"""An agent made by an administrator's own calls, one object after the other."""

import base64
import uuid
from dataclasses import dataclass, field, replace

import requests
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from sandbox.administrator import HOME, Administrator
from sandbox.scene import Credential, Hired, Json

BLUEPRINT = "microsoft.graph.agentIdentityBlueprint"
PRINCIPAL = "microsoft.graph.agentIdentityBlueprintPrincipal"
IDENTITY = "microsoft.graph.agentIdentity"
USER = "microsoft.graph.agentUser"


@dataclass(frozen=True, slots=True)
class Made:
    """What Graph answered for each object so far."""

    blueprint: Json = field(default_factory=Json)
    principal: Json = field(default_factory=Json)
    identity: Json = field(default_factory=Json)
    user: Json = field(default_factory=Json)

    def hired(self, credential: Credential) -> Hired:
        """The same as the control API describes one."""
        return Hired(
            tenant=HOME,
            blueprint=self.blueprint["appId"],
            agent=self.identity["id"],
            user=self.user["id"],
            upn=self.user["userPrincipalName"],
            name=self.user["displayName"],
            bot="",
            credential=credential,
        )


@dataclass(frozen=True, slots=True)
class Making:
    """An administrator who makes an agent step by step."""

    admin: Administrator

    def blueprint(self, **more: object) -> requests.Response:
        body = {"displayName": "Claw", **more}
        return self.admin.call("POST", f"applications/{BLUEPRINT}", body)

    def principal(self, made: Made, **more: object) -> requests.Response:
        body = {"appId": made.blueprint["appId"], **more}
        return self.admin.call("POST", f"servicePrincipals/{PRINCIPAL}", body)

    def identity(self, made: Made, **more: object) -> requests.Response:
        parent = made.blueprint["appId"]
        body = {"displayName": "Claw", "agentIdentityBlueprintId": parent, **more}
        return self.admin.call("POST", f"servicePrincipals/{IDENTITY}", body)

    def user(self, made: Made, **more: object) -> requests.Response:
        nickname = f"claw-{uuid.uuid4().hex[:8]}"
        body = {
            "accountEnabled": True,
            "displayName": "Claw",
            "mailNickname": nickname,
            "userPrincipalName": f"{nickname}@contoso.example",
            "identityParentId": made.identity["id"],
            **more,
        }
        return self.admin.call("POST", f"users/{USER}", body)

    def certify(self, made: Made, credential: Credential) -> None:
        body = {"keyCredentials": [shaped(credential)]}
        answer = self.admin.call("PATCH", f"applications/{made.blueprint['id']}", body)
        assert answer.status_code == 204, answer.text

    def through(self, step: str, **more: object) -> Made:
        """Make everything up to *step*, each of which must be granted."""
        made = Made()
        for name in ("blueprint", "principal", "identity", "user"):
            own = more if name == step else {}
            make = getattr(self, name)
            answer = make(**own) if name == "blueprint" else make(made, **own)
            assert answer.status_code == 201, answer.text
            made = replace(made, **{name: answer.json()})
            if name == step:
                break
        return made


def shaped(credential: Credential) -> Json:
    """A keyCredential as it is written."""
    read = x509.load_pem_x509_certificate(credential.certificate.encode())
    key = base64.b64encode(read.public_bytes(Encoding.DER)).decode()
    return {"type": "AsymmetricX509Cert", "usage": "Verify", "key": key}


def code(answer: requests.Response) -> tuple[int, str]:
    """Status and code of a refusal."""
    return answer.status_code, answer.json()["error"]["code"]
