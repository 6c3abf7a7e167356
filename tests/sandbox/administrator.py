"""An administrator at a terminal: signs in by device code, and calls Graph."""

from collections.abc import Iterable
from dataclasses import dataclass

import requests

from sandbox.scene import BOUND_S, Json, Scene

HOME = "6f1d5c1e-0b7a-4c55-9a41-3c0f5a2b7d10"
EVERYTHING = (
    "AgentIdentityBlueprint.ReadWrite.All",
    "AgentIdentityBlueprintPrincipal.ReadWrite.All",
    "AgentIdentity.ReadWrite.All",
    "AgentIdUser.ReadWrite.All",
    "AgentCommunicationConfiguration.ReadWrite",
    "DelegatedPermissionGrant.ReadWrite.All",
    "AppRoleAssignment.ReadWrite.All",
    "Application.Read.All",
    "LicenseAssignment.ReadWrite.All",
    "Organization.Read.All",
    "User.Read",
)
_DEVICE = "urn:ietf:params:oauth:grant-type:device_code"


@dataclass(frozen=True, slots=True)
class Administrator:
    """One sign-in of *person* at *client*, which is the tools' own unless told otherwise."""

    scene: Scene
    token: str

    @classmethod
    def sign_in(
        cls,
        scene: Scene,
        person: str = "ada",
        scopes: Iterable[str] = EVERYTHING,
        *,
        client: str | None = None,
    ) -> "Administrator":
        answer = sign_in(scene, person, scopes, client=client)
        return cls(scene, answer["access_token"])

    @classmethod
    def fresh(
        cls, scene: Scene, person: str, scopes: Iterable[str] = EVERYTHING
    ) -> "Administrator":
        """Sign in at a client of one's own, which was let do nothing before."""
        client = scene.ask("POST", "clients", {"name": "Tools of our own"})["id"]
        return cls.sign_in(scene, person, scopes, client=client)

    def call(self, method: str, path: str, body: object = None, **query: str) -> requests.Response:
        return self.scene.session.request(
            method,
            f"{self.scene.cloud['graph']}/v1.0/{path}",
            json=body,
            params={f"${name}": value for name, value in query.items()},
            headers={"Authorization": f"Bearer {self.token}", "OData-Version": "4.0"},
            timeout=BOUND_S,
        )

    def get(self, path: str, **query: str) -> Json:
        """What Graph answers, which must agree."""
        answer = self.call("GET", path, **query)
        assert answer.ok, answer.text
        body: Json = answer.json()
        return body


def sign_in(scene: Scene, person: str, scopes: Iterable[str], *, client: str | None = None) -> Json:
    """What the token endpoint answers once *person* has typed the code."""
    form = {"client_id": client or scene.cloud["admin_client"]}
    base = f"{scene.cloud['login']}/{HOME}/oauth2/v2.0"
    asked = {**form, "scope": f"{' '.join(scopes)} offline_access"}
    device = scene.session.post(f"{base}/devicecode", data=asked, timeout=BOUND_S).json()
    scene.ask("POST", "devicecodes", {"user_code": device["user_code"], "person": person})
    polled = {**form, "grant_type": _DEVICE, "device_code": device["device_code"]}
    answer: Json = scene.session.post(f"{base}/token", data=polled, timeout=BOUND_S).json()
    return answer


def appoint(scene: Scene, person: str, *roles: str) -> None:
    """Give *person* these directory roles, and no others."""
    scene.ask("PUT", f"people/{person}/roles", {"roles": roles})
