"""Read what Microsoft 365 tells about the agent's own life: made, enabled, deleted.

Such a notice is taken, acted on and never answered. Microsoft writes its kind in two
spellings, so it is compared without case.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from entraclaw.bot.fields import Json, first, identifier, mapping, text
from entraclaw.bot.plain import plain_name

_PREFIX = "agenticuser"
_REASON_LIMIT = 256
_TEN_MINUTES = len("2026-11-23T19:0")
_VERSIONS = 2**53  # above it JSON numbers are no longer exact


class LifecycleKind(StrEnum):
    """What happened to an agent user."""

    IDENTITY_CREATED = "identity created"
    UPDATED = "updated"
    MANAGER_UPDATED = "manager updated"
    ENABLED = "enabled"
    DISABLED = "disabled"
    DELETED = "deleted"
    UNDELETED = "undeleted"
    ONBOARDING = "onboarding"
    OTHER = "other"


_KINDS: Mapping[str, LifecycleKind] = {
    "identitycreated": LifecycleKind.IDENTITY_CREATED,
    "identityupdated": LifecycleKind.UPDATED,
    "updated": LifecycleKind.UPDATED,
    "managerupdated": LifecycleKind.MANAGER_UPDATED,
    "enabled": LifecycleKind.ENABLED,
    "disabled": LifecycleKind.DISABLED,
    "deleted": LifecycleKind.DELETED,
    "undeleted": LifecycleKind.UNDELETED,
    "workloadonboardingupdated": LifecycleKind.ONBOARDING,
}


@dataclass(frozen=True, slots=True)
class LifecycleEvent:
    """One notice. What it does not tell is empty.

    Attributes:
        kind: What happened.
        tenant: Of which directory, lower case.
        user: To which agent user (object id, lower case).
        agent: Whose agent identity (application id, lower case).
        blueprint: Whose blueprint (application id, lower case).
        manager: Object id of the new manager, lower case.
        reason: Why it was deleted, the property that changed, or the workload and its state.
        version: Of the notice; a later one has a higher one.
    """

    kind: LifecycleKind
    tenant: str
    user: str
    agent: str
    blueprint: str
    manager: str
    reason: str
    version: str


def lifecycle(document: Json) -> LifecycleEvent:
    """Read the notice in *document*, whatever of it is there."""
    value = mapping(document, "value")
    told = (text(document, "valueType") or text(value, "eventType")).lower()
    return LifecycleEvent(
        kind=_KINDS.get(told.removeprefix(_PREFIX), LifecycleKind.OTHER),
        tenant=identifier(value, "tenantId").lower(),
        user=identifier(value, "agenticUserId").lower(),
        agent=identifier(value, "agenticAppInstanceId").lower(),
        blueprint=identifier(value, "agentIdentityBlueprintId").lower(),
        manager=identifier(first(mapping(value, "manager"), "userId", "managerId")).lower(),
        reason=plain_name(_reason(value)[:_REASON_LIMIT]),
        version=_version(value),
    )


def is_lifecycle(document: Json) -> bool:
    """Tell whether *document* is such a notice."""
    channel = text(document, "channelId").lower().partition(":")[0]
    return (
        text(document, "type").lower() == "event"
        and channel == "agents"
        and text(document, "name").lower() == "agentlifecycle"
    )


def lifecycle_key(document: Json) -> str:
    """Name a notice so that its repetitions, which come by the hundred, have the same name.

    They may come under any id, so it is named by all it says, and by its time to ten
    minutes: an agent that is disabled today, and again next week, must be locked again.
    """
    kind = (text(document, "valueType") or text(document, "value", "eventType")).lower()
    when = text(document, "timestamp")[:_TEN_MINUTES] or identifier(document, "id")
    parts = (kind.removeprefix(_PREFIX), mapping(document, "value"), when)
    told = json.dumps(parts, sort_keys=True).encode()
    return f"lifecycle:{hashlib.sha256(told).hexdigest()}"


def _reason(value: Json) -> str:
    workload = (text(value, "workloadName"), text(value, "workloadOnboardingState"))
    return (
        text(value, "deletionReason")
        or text(value, "updatedProperty", "propertyName")
        or " ".join(part for part in workload if part)
    )


def _version(value: Json) -> str:
    version = value.get("version")
    if isinstance(version, int) and not isinstance(version, bool) and 0 <= version < _VERSIONS:
        return str(version)
    return identifier(value, "version")
