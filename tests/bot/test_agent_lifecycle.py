"""Notices about the agent's own life, in either spelling of their kind."""

import pytest

from bot.documents import ADA, TENANT, USER, Document
from entraclaw.bot.agent_lifecycle import (
    LifecycleEvent,
    LifecycleKind,
    is_lifecycle,
    lifecycle,
    lifecycle_key,
)


@pytest.mark.parametrize(
    ("told", "kind"),
    [
        ("IdentityCreated", LifecycleKind.IDENTITY_CREATED),
        ("IdentityUpdated", LifecycleKind.UPDATED),
        ("Updated", LifecycleKind.UPDATED),
        ("ManagerUpdated", LifecycleKind.MANAGER_UPDATED),
        ("Enabled", LifecycleKind.ENABLED),
        ("Disabled", LifecycleKind.DISABLED),
        ("Deleted", LifecycleKind.DELETED),
        ("Undeleted", LifecycleKind.UNDELETED),
        ("WorkloadOnboardingUpdated", LifecycleKind.ONBOARDING),
        ("Promoted", LifecycleKind.OTHER),
        ("", LifecycleKind.OTHER),
    ],
)
def test_kind_is_read_in_any_spelling_and_either_place(told: str, kind: LifecycleKind) -> None:
    for spelled in (f"AgenticUser{told}", f"agenticUser{told}", told.upper()):
        assert lifecycle({"valueType": spelled}).kind is kind
        assert lifecycle({"value": {"eventType": spelled}}).kind is kind


def test_deletion_tells_whom_and_why() -> None:
    value = {
        "tenantId": TENANT.upper(),
        "agenticUserId": USER.upper(),
        "agenticAppInstanceId": "AGENT",
        "agentIdentityBlueprintId": "BLUE",
        "version": 3,
        "deletionReason": "UserSoftDelete",
    }
    assert lifecycle({"valueType": "AgenticUserDeleted", "value": value}) == LifecycleEvent(
        LifecycleKind.DELETED, TENANT, USER, "agent", "blue", "", "UserSoftDelete", "3"
    )


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ({"updatedProperty": {"propertyName": "displayName", "propertyValue": "x"}}, "displayName"),
        ({"workloadName": "Teams", "workloadOnboardingState": "succeeded"}, "Teams succeeded"),
        ({"workloadName": "Teams"}, "Teams"),
        ({"deletionReason": "a\nb"}, "ab"),
        ({}, ""),
    ],
)
def test_reason_is_what_the_notice_tells(value: Document, reason: str) -> None:
    assert lifecycle({"value": value}).reason == reason


@pytest.mark.parametrize("manager", [{"userId": ADA.upper()}, {"managerId": ADA}])
def test_manager_is_named_by_object_id(manager: Document) -> None:
    assert lifecycle({"value": {"manager": manager}}).manager == ADA


@pytest.mark.parametrize(
    ("told", "version"), [("7", "7"), (7, "7"), (True, ""), (-1, ""), (2**70, ""), (None, "")]
)
def test_version_is_a_number_or_a_word(told: object, version: str) -> None:
    assert lifecycle({"value": {"version": told}}).version == version


@pytest.mark.parametrize("value", [None, 7, "x", ["x"], {"manager": "x", "updatedProperty": 1}])
def test_notice_that_makes_no_sense_is_some_other_one(value: object) -> None:
    assert lifecycle({"value": value}).kind is LifecycleKind.OTHER


NOTICE: Document = {
    "type": "event",
    "name": "agentLifecycle",
    "channelId": "agents",
    "id": "1",
    "timestamp": "2026-11-23T19:00:01.000Z",
    "valueType": "AgenticUserDisabled",
    "value": {"agenticUserId": USER, "version": "1"},
}


@pytest.mark.parametrize(
    "changes",
    [{"type": "message"}, {"name": "other"}, {"channelId": "msteams"}, {"name": None}],
)
def test_only_an_event_of_that_name_and_channel_is_such_a_notice(changes: Document) -> None:
    assert is_lifecycle({**NOTICE, "name": "AgentLifecycle", "channelId": "Agents:x"})
    assert not is_lifecycle({**NOTICE, **changes})


@pytest.mark.parametrize(
    "changes",
    [
        {"id": "2"},
        {"timestamp": "2026-11-23T19:08:59.000Z"},
        {"valueType": "agenticUserDisabled"},
    ],
)
def test_notice_sent_again_has_the_same_key(changes: Document) -> None:
    assert lifecycle_key({**NOTICE, **changes}) == lifecycle_key(NOTICE)


@pytest.mark.parametrize(
    "changes",
    [
        {"timestamp": "2026-11-30T19:00:01.000Z"},
        {"timestamp": None},
        {"valueType": "AgenticUserEnabled"},
        {"valueType": "AgenticUserOfTomorrow"},
        {"value": {"agenticUserId": USER, "version": "2"}},
        {"value": {"agenticUserId": ADA, "version": "1"}},
        {"value": None},
    ],
)
def test_another_notice_has_another_key(changes: Document) -> None:
    """A later one above all: it must lock again what was unlocked meanwhile."""
    assert lifecycle_key({**NOTICE, **changes}) != lifecycle_key(NOTICE)
