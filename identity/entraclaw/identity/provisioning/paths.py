"""Where things are at Microsoft Graph: v1.0, but for what only beta has.

https://learn.microsoft.com/graph/api/resources/agentid-platform-overview
"""

from urllib.parse import quote

from entraclaw.identity.provisioning.calls import Document, key, where
from entraclaw.identity.provisioning.marks import tag

_BLUEPRINT = "microsoft.graph.agentIdentityBlueprint"
_IDENTITY = "microsoft.graph.agentIdentity"
_PRINCIPAL = "microsoft.graph.agentIdentityBlueprintPrincipal"
_USER = "microsoft.graph.agentUser"
# Whom it belongs to, and its country, are told only where they are asked for.
_OF_AN_AGENT = "$select=id,displayName,userPrincipalName,identityParentId,usageLocation"

ME = "/v1.0/me?$select=id,displayName,userPrincipalName"
MY_ROLES = "/v1.0/me/memberOf"
ORGANISATION = "/v1.0/organization?$select=id,displayName,countryLetterCode,verifiedDomains"
POOLS = "/v1.0/subscribedSkus"
BLUEPRINTS = f"/v1.0/applications/{_BLUEPRINT}"
PRINCIPALS = f"/v1.0/servicePrincipals/{_PRINCIPAL}"
IDENTITIES = f"/v1.0/servicePrincipals/{_IDENTITY}"
USERS = f"/v1.0/users/{_USER}"


def application(name: str) -> str:
    """One application, by its object id."""
    return f"/v1.0/applications/{key(name)}"


def application_of(app: str) -> str:
    """One application, by its application id."""
    return f"/v1.0/applications(appId='{key(app)}')"


def blueprints_marked(mark: str) -> str:
    """The blueprints that bear *mark*."""
    bears = f"tags/any(t:t eq '{tag(mark)}')"
    return f"{BLUEPRINTS}?$filter={quote(bears)}"


def credentials(name: str) -> str:
    """The certificates of an application, by its object id: the list, and what is in each."""
    return f"{application(name)}?$select=id,keyCredentials"


def is_blueprint(shown: Document) -> bool:
    """Tell whether an application is one that agents are made of."""
    return str(shown.get("@odata.type") or "").lower() == f"#{_BLUEPRINT}".lower()


def principal_of(app: str) -> str:
    """The object that an application has in the tenant."""
    return f"/v1.0/servicePrincipals(appId='{key(app)}')"


def service_principal(name: str) -> str:
    """One service principal, by its object id."""
    return f"/v1.0/servicePrincipals/{key(name)}"


def identity(name: str) -> str:
    """One agent identity."""
    return f"/v1.0/servicePrincipals/{key(name)}/{_IDENTITY}"


def identities_of(app: str) -> str:
    """The agent identities of a blueprint, by its application id."""
    return where(IDENTITIES, agentIdentityBlueprintId=app)


def users_of(identity: str) -> str:
    """The agent users of an agent identity: one, or none."""
    return where(f"{USERS}?{_OF_AN_AGENT}", identityParentId=identity)


def user(name: str) -> str:
    """One user of any kind, by object id or address."""
    return f"/v1.0/users/{key(name)}?$select=id,displayName,userPrincipalName"


def agent_user(name: str) -> str:
    """One agent user, by object id or address."""
    return f"/v1.0/users/{key(name)}/{_USER}?{_OF_AN_AGENT}"


def user_itself(name: str) -> str:
    """One user, to change or delete it."""
    return f"/v1.0/users/{key(name)}"


def sponsors(user: str) -> str:
    """The sponsors of an agent user."""
    return f"/v1.0/users/{key(user)}/sponsors"


def licences(user: str) -> str:
    """What licences an agent user has."""
    return f"/v1.0/users/{key(user)}/licenseDetails"


def group(name: str) -> str:
    """One group, by its object id."""
    return f"/v1.0/groups/{key(name)}?$select=id,displayName"


def communication(blueprint: str) -> str:
    """Where a blueprint's messages go."""
    return f"/beta/applications/{key(blueprint)}/{_BLUEPRINT}/communicationConfiguration"


def own_communication(identity: str) -> str:
    """The same, for one agent identity."""
    return f"/beta/servicePrincipals/{key(identity)}/{_IDENTITY}/communicationConfiguration"
