"""Decide whether a bearer token is one the Teams channel sent us.

Two kinds exist and a profile expects exactly one: *agentic* (an Entra token for our
blueprint, from the agent channel's application) and *classic* (the Bot Framework's own
issuer). Pure: the keys come from `entraclaw.bot.openid`, the time from the caller.

https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-authentication
"""

from dataclasses import dataclass
from typing import cast

import jwt
import orjson
from jwt import PyJWK

from entraclaw.bot.admission import Caller, Refused

LEEWAY_S = 300.0  # Microsoft's own clock skew allowance

_REFUSED = Refused(401, "token")
_CLAIMS_KEPT = ("aud", "azp", "appid", "ver", "iss", "tid", "oid", "idtyp")


@dataclass(frozen=True, slots=True)
class AgenticRules:
    """What an agentic token must say.

    Attributes:
        login: Entra's host with scheme.
        tenant: Our directory.
        blueprint: Our blueprint's application id: the audience.
        channel: The agent channel's application id: the caller.
    """

    login: str
    tenant: str
    blueprint: str
    channel: str

    def issuers(self, tenant: str) -> tuple[str, str]:
        """Name both issuers Entra uses for *tenant*."""
        return (f"{self.login}/{tenant}/v2.0", f"https://sts.windows.net/{tenant}/")

    @property
    def audiences(self) -> tuple[str, ...]:
        """Every spelling of our application as an audience."""
        return (self.blueprint, f"api://{self.blueprint}", f"api://botid-{self.blueprint}")


@dataclass(frozen=True, slots=True)
class ClassicRules:
    """What a classic Bot Framework token must say.

    Attributes:
        issuer: The Bot Framework's issuer in this cloud.
        bot: Our bot's application id: the audience.
        tenant: Our directory (the token itself names none).
    """

    issuer: str
    bot: str
    tenant: str

    @property
    def audiences(self) -> tuple[str, ...]:
        """The one spelling of our application as an audience."""
        return (self.bot,)


Rules = AgenticRules | ClassicRules


def read_header(authorization: str) -> tuple[str, str] | Refused:
    """Split an Authorization header into the token and the id of its signing key.

    Nothing the token says of itself is used but ``kid``: the algorithm is ours, and keys
    or addresses of keys inside the token are ignored.
    """
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token:
        return _REFUSED
    try:
        header = jwt.get_unverified_header(token)
    except jwt.InvalidTokenError:
        return _REFUSED
    kid = header.get("kid")
    if header.get("alg") != "RS256" or not isinstance(kid, str) or not kid:
        return _REFUSED
    return token, kid


def verify(token: str, key: PyJWK, rules: Rules) -> Caller | Refused:
    """Check signature, times, audience, issuer and caller of *token*.

    Returns:
        The caller, or 401; 403 when all is right but the tenant.
    """
    try:
        claims = jwt.decode(
            token,
            key,
            algorithms=["RS256"],
            audience=list(rules.audiences),
            leeway=LEEWAY_S,
            options={"require": ["exp", "iss", "aud"]},
        )
    except jwt.InvalidTokenError:
        return _REFUSED
    if isinstance(rules, AgenticRules):
        return _agentic(claims, rules)
    return _classic(claims, rules)


def _agentic(claims: dict[str, object], rules: AgenticRules) -> Caller | Refused:
    tenant = _text(claims, "tid").lower()
    if not tenant or claims.get("iss") not in rules.issuers(tenant):
        return _REFUSED
    # v2 tokens name the caller as azp; appid counts only where azp is absent.
    caller = claims.get("azp", claims.get("appid"))
    if not isinstance(caller, str) or caller.lower() != rules.channel:
        return _REFUSED
    if tenant != rules.tenant:
        return Refused(403, "tenant")
    return Caller(tenant, "", _keep(claims), _end(claims))


def _classic(claims: dict[str, object], rules: ClassicRules) -> Caller | Refused:
    service_url = _text(claims, "serviceurl")
    if claims.get("iss") != rules.issuer or not service_url:
        return _REFUSED
    return Caller(rules.tenant, service_url, _keep(claims), _end(claims))


def _keep(claims: dict[str, object]) -> bytes:
    return orjson.dumps({name: claims[name] for name in _CLAIMS_KEPT if name in claims})


def _end(claims: dict[str, object]) -> float:
    return float(cast("float", claims["exp"]))  # required, and checked to be a number


def _text(claims: dict[str, object], name: str) -> str:
    value = claims.get(name)
    return value if isinstance(value, str) else ""
