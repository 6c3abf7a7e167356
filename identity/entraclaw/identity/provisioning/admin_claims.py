"""Read what a sign-in may do, and whether it is one that Graph shuts out of agents' objects.

Pure. https://learn.microsoft.com/graph/api/agentidentityblueprint-post, its known issue: a
client that holds one of two old, wide permissions has what it holds for agents ignored.
"""

import base64
import binascii
import json
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import cast

SHUTTING_OUT = frozenset({"Directory.AccessAsUser.All", "Directory.ReadWrite.All"})
_ABOUT_AGENTS = "Agent"  # how the permissions over agents' objects begin
_JWT_PARTS = 3


def held(granted: Mapping[str, object]) -> frozenset[str]:
    """Name the permissions that the token answer *granted* holds, without their resource.

    Entra's answer names them, and so does the token. What cannot be read holds nothing.
    """
    names = str(granted.get("scope") or "").split()
    names += _in_token(str(granted.get("access_token") or ""))
    return frozenset(name.rsplit("/", 1)[-1] for name in names)


def shut_out(asked: AbstractSet[str], holds: AbstractSet[str]) -> tuple[str, ...]:
    """Name what makes Graph refuse everything of *asked* that is about agents' objects."""
    if not any(name.startswith(_ABOUT_AGENTS) for name in asked):
        return ()
    return tuple(sorted(SHUTTING_OUT & holds))


def _in_token(token: str) -> list[str]:
    parts = token.split(".")
    if len(parts) != _JWT_PARTS:
        return []  # opaque, as every client must expect one to be
    try:
        claims: object = json.loads(base64.urlsafe_b64decode(f"{parts[1]}==="))
    except (binascii.Error, ValueError):
        return []
    if not isinstance(claims, dict):
        return []
    return str(cast("Mapping[str, object]", claims).get("scp") or "").split()
