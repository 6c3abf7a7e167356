"""What somebody does about a finding: one command, or one step in a portal of Microsoft's.

The portals are named for the public cloud's; a sovereign one has the same pages.
"""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet

from entraclaw.bot.diagnosis.facts import Who
from entraclaw.identity.features import Want
from entraclaw.identity.provisioning.consent import consent_page

AGAIN = "entraclaw doctor"
_MINUTE_S, _LONG_S = 60, 120
_AGENTS = "entra.microsoft.com > Agent ID"
_CLOCKS: Mapping[str, str] = {
    "linux": "sudo timedatectl set-ntp true",
    "darwin": "sudo sntp -sS time.apple.com",
    "win32": "w32tm /resync",
}


def register(who: Who) -> str:
    """Register the certificate that is here."""
    app = who.agent.blueprint or who.agent.bot
    return (
        "entraclaw key certificate; an administrator adds what it prints: "
        f"{_AGENTS} > {app} > Certificates"
    )


def renew() -> str:
    """Make a new key, and register it."""
    return "entraclaw key new, once `entraclaw key list` shows none; docs/identity/keys.md"


def consent(who: Who, want: Want, missing: AbstractSet[str] | tuple[str, ...]) -> str:
    """Have an administrator consent to what is *missing* of a resource."""
    scopes = [(want.resource, scope) for scope in missing]
    page = consent_page(who.cloud, who.agent.tenant, who.agent.agent, scopes, "doctor")
    return f"entraclaw permissions grant; or an administrator opens {page}"


def principal(who: Who) -> str:
    """Have the tenant know the blueprint, or the bot."""
    if not who.agent.blueprint:
        return f"an administrator runs az ad sp create --id {who.agent.bot}"
    return (
        "an administrator posts to /v1.0/servicePrincipals/microsoft.graph."
        f'agentIdentityBlueprintPrincipal: {{"appId": "{who.agent.blueprint}"}}'
    )


def resource(want: Want) -> str:
    """Have the tenant know a resource."""
    return (
        "wait some minutes if a licence is new; else an administrator runs "
        f"az ad sp create --id {want.resource}"
    )


def enable(name: str) -> str:
    """Have an agent object enabled again."""
    return f"an administrator enables it: {_AGENTS} > {name}"


def enable_user(who: Who) -> str:
    """Have the agent user enabled again."""
    return f"an administrator enables it: entra.microsoft.com > Users > {who.agent.user}"


def restore(who: Who) -> str:
    """Bring the agent user back."""
    user = who.agent.user
    return (
        "an administrator restores it, within 30 days: "
        f"entra.microsoft.com > Users > Deleted users > {user}"
    )


def ids(*names: str) -> str:
    """Correct settings."""
    return f"correct {' and '.join(names)} in config.toml; {_AGENTS} shows them"


def policy(who: Who) -> str:
    """Find the policy."""
    return (
        "an administrator excludes the agent from it: entra.microsoft.com > Sign-in logs > "
        f"{who.agent.user} names the policy"
    )


def sponsor() -> str:
    """Give the agent user a sponsor."""
    return "entraclaw sponsors add NAME, with an administrator who signs in"


def licence(which: str = "") -> str:
    """Assign a licence, *which* says what kind of product."""
    return f"entraclaw licences assign{which}, with an administrator who signs in"


def clock(platform: str) -> str:
    """Set this machine's clock."""
    return _CLOCKS.get(platform, "set this machine's clock")


def reach(url: str) -> str:
    """See what is between this machine and *url*."""
    return f"curl -sSI {url} shows what is in the way: network, proxy or firewall"


def wait(seconds: float | None) -> str:
    """Let it pass."""
    if not seconds:
        return f"wait a minute, then {AGAIN}"
    is_long = seconds >= _LONG_S
    time = f"{seconds / _MINUTE_S:.0f} min" if is_long else f"{seconds:.0f} s"
    return f"wait {time}, then {AGAIN}"
