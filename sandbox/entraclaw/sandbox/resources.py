"""The APIs a token can be for, and how a `scope` parameter names them.

One request names one resource, as `{resource}/.default` or as single
permissions below it, beside the OpenID words that belong to no resource.

Rules: https://learn.microsoft.com/entra/identity-platform/scopes-oidc
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

GRAPH = "https://graph.microsoft.com"
STORAGE = "https://storage.azure.com"
AGENT_CHANNEL = "5a807f24-c9de-44ee-a3a7-329e88a00ffc"
AGENT_TOOLS = "ea9ffc3e-8a23-4a7d-836d-234d7c7565c1"
WORK_IQ_WORD = "c2d0c2b6-8013-4346-9f8b-b81d3b754a29"
# Each of its servers is a resource of its own.
WORK_IQ: Mapping[str, str] = MappingProxyType(
    {
        "Mail": "16b1878d-62c7-4009-aa25-68989d63bbad",
        "Me": "147dc821-b413-44c0-8009-1a3098378012",
        "Calendar": "910333d2-47e9-43ca-981f-6df2f4531ef4",
        "Teams": "ce5029ee-c1d3-45c0-bdcc-efb5a4245687",
        "OneDrive": "b0b2a2bb-6361-4549-a00c-a018417eb8e2",
        "SharePoint": "292cff14-c0e8-4116-9e3b-99934ae05766",
        "Word": WORK_IQ_WORD,
        "Copilot": "ab7c82de-7946-4454-ac28-70249d17c95e",
    }
)
BOT_FRAMEWORK = "https://api.botframework.com"
TOKEN_EXCHANGE = "fb60f99c-7a34-4190-8149-302f77469936"  # noqa: S105  # an app id

OPENID_WORDS = frozenset({"openid", "profile", "email", "offline_access"})
DEFAULT = ".default"

# Every name is compared in lower case: SDKs disagree about "AzureADTokenExchange".
_NAMES = {
    GRAPH: GRAPH,
    "00000003-0000-0000-c000-000000000000": GRAPH,
    STORAGE: STORAGE,
    "e406a681-f3d4-42a8-90b6-c2b029497af1": STORAGE,
    AGENT_CHANNEL: AGENT_CHANNEL,
    "https://botapi.skype.com": AGENT_CHANNEL,
    AGENT_TOOLS: AGENT_TOOLS,
    **{server: server for server in WORK_IQ.values()},
    BOT_FRAMEWORK: BOT_FRAMEWORK,
    "8d2d3342-cf29-4959-9577-0e0eafbd16bc": BOT_FRAMEWORK,
    TOKEN_EXCHANGE: TOKEN_EXCHANGE,
    "api://azureadtokenexchange": TOKEN_EXCHANGE,
}


@dataclass(frozen=True, slots=True)
class Asked:
    """One resource and the permissions asked of it; *default* means all that were granted."""

    resource: str
    scopes: frozenset[str]
    default: bool


class ScopeError(Exception):
    """A scope cannot be served; *code* is the AADSTS number."""

    def __init__(self, code: int, detail: str) -> None:
        self.code, self.detail = code, detail
        super().__init__(detail)


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The resources of this cloud: Microsoft's, and Graph under our own host name too.

    *missing* are those that the home tenant has no service principal of.
    """

    graph: str
    missing: set[str] = field(default_factory=set[str])

    def resource(self, name: str) -> str | None:
        """Find the audience that *name* (a URI or an app id) stands for."""
        wanted = name.rstrip("/").lower()
        return GRAPH if wanted == self.graph.lower() else _NAMES.get(wanted)

    def read(self, scope: str) -> Asked:
        """Read a `scope` parameter.

        Raises:
            ScopeError: It names no resource, several, or an unknown one.
        """
        words = [word for word in scope.split() if word.lower() not in OPENID_WORDS]
        pairs = [_split(word) for word in words]
        names = {name for name, _ in pairs}
        if not names:
            raise ScopeError(900144, "The request body must contain the following parameter: scope")
        found = {self._known(name) for name in names}
        if len(found) > 1:
            raise ScopeError(28000, "The scope parameter names more than one resource.")
        permissions = frozenset(permission for _, permission in pairs)
        return Asked(
            resource=found.pop(),
            scopes=permissions - {DEFAULT},
            default=DEFAULT in permissions,
        )

    def read_many(self, scope: str) -> Mapping[str, tuple[str, ...]]:
        """Read a `scope` of an administrator's consent: permissions by resource, in their order.

        Raises:
            ScopeError: It names nothing, an unknown resource, or what is not named one by one.
        """
        found: dict[str, tuple[str, ...]] = {}
        for word in scope.split():
            if word.lower() not in OPENID_WORDS:
                name, permission = _split(word)
                resource = self._known(name)
                found[resource] = (*found.get(resource, ()), permission)
        if not found or any(DEFAULT in permissions for permissions in found.values()):
            raise ScopeError(70011, "Permissions must be named one by one.")
        return found

    def _known(self, name: str) -> str:
        resource = self.resource(name)
        if resource is None or resource in self.missing:
            detail = f"The resource principal named {name} was not found in the tenant."
            raise ScopeError(500011, detail)
        return resource


def consented(asked: Asked, granted: Iterable[str]) -> frozenset[str] | None:
    """The scopes the token will carry, or None when consent does not cover what was asked.

    Entra writes every consented scope of the resource into the token, not only those asked for.
    """
    allowed = frozenset(granted)
    if not allowed or not asked.scopes <= allowed:
        return None
    return allowed


def _split(word: str) -> tuple[str, str]:
    name, slash, permission = word.rpartition("/")
    # A bare word such as "User.Read" is Graph's, by convention of the platform.
    return (name, permission) if slash else (GRAPH, word)
