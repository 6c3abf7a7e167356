"""The cloud profile: what a client must know to live in the sandbox.

One TOML table of names, the same that describes a real Microsoft cloud, so
that a client needs no special case for us.
"""

import json
from pathlib import Path

from entraclaw.sandbox.directory import HOME
from entraclaw.sandbox.entra import BOT_ISSUER
from entraclaw.sandbox.holdings import drive_host
from entraclaw.sandbox.public_clients import ADMIN_CLIENT
from entraclaw.sandbox.resources import AGENT_CHANNEL, BOT_FRAMEWORK, STORAGE


def cloud_profile(*, login: str, graph: str, service: str, authority: Path) -> str:
    """Write the profile; *service* is `host:port` of the connector, *authority* a PEM file."""
    names: dict[str, str | list[str]] = {
        "login": login,
        "graph": graph,
        "bot_openid": f"{login}/v1/.well-known/openidconfiguration",
        "bot_issuer": BOT_ISSUER,
        "bot_scope": f"{BOT_FRAMEWORK}/.default",
        "agent_channel": AGENT_CHANNEL,
        "service_hosts": [service],
        "work_iq": graph,
        "storage_scope": f"{STORAGE}/.default",
        # Where people's drives seem to be, and where their files really are.
        "file_hosts": [drive_host(HOME.domain), graph.removeprefix("https://")],
        "admin_client": ADMIN_CLIENT,
        "tls_ca": str(authority),
    }
    # A JSON string is a TOML basic string, backslashes of a Windows path included.
    return "".join(f"{name:<14} = {json.dumps(value)}\n" for name, value in names.items())
