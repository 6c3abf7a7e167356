"""What an agent is granted against what it needs, with Graph played call by call."""

from collections.abc import Iterable

import pytest

from entraclaw.errors import CallRefused
from entraclaw.identity import AgentIds
from entraclaw.identity.cloud import BUILT_IN
from entraclaw.identity.features import Feature, Want, wanted
from entraclaw.identity.provisioning.blocked import GRAPH_APP
from entraclaw.identity.provisioning.calls import Document, Reply
from entraclaw.identity.provisioning.granted import (
    EVERYBODY,
    ONE,
    Found,
    Grant,
    Resource,
    Role,
    Row,
    compare,
    spare,
)
from entraclaw.identity.provisioning.granting import add, look, take
from identity.ordered import Turn, no, ok, play, rows

CLOUD = BUILT_IN["public"]
IDS = AgentIds("t", "bp", "agent", "user")
CHANNEL_APP = CLOUD.agent_channel
ABOUT = "$select=id,appId,displayName,oauth2PermissionScopes,appRoles"
GRANTS = "GET /v1.0/oauth2PermissionGrants?$filter=clientId%20eq%20%27"
CHAT = wanted([Feature.CHAT], CLOUD)
NEEDED = sorted(CHAT[0].scopes)
OFFERED = frozenset({*NEEDED, "Mail.Send", "Mail.ReadWrite", "Chat.ReadWrite", "Files.Read.All"})


def principal(oid: str, app: str, scopes: Iterable[str] = OFFERED) -> Reply:
    offered = [{"value": scope} for scope in sorted(scopes)]
    return ok({"id": oid, "appId": app, "displayName": oid, "oauth2PermissionScopes": offered})


def by_app(app: str, reply: Reply) -> Turn:
    return (f"GET /v1.0/servicePrincipals(appId='{app}')?{ABOUT}", reply)


def granted(
    name: str, resource: str, scope: str, user: str = "user", consent: str = ONE
) -> Document:
    who = {"consentType": consent, "principalId": user or None}
    return {"id": name, "clientId": "agent", "resourceId": resource, "scope": scope, **who}


GRAPH_TURN = by_app(GRAPH_APP, principal("sp-graph", GRAPH_APP))
CHANNEL_TURN = by_app(CHANNEL_APP, principal("sp-channel", CHANNEL_APP, ["AgentData.ReadWrite"]))
NO_ROLES: Turn = ("GET /v1.0/servicePrincipals/agent/appRoleAssignments", rows())
BLUEPRINT: Turn = ("GET /v1.0/applications(appId='bp')?$select=id", ok({"id": "bp-object"}))
RULES = (
    "GET /v1.0/applications/microsoft.graph.agentIdentityBlueprint/bp-object/inheritablePermissions"
)
NOTHING_DOWN: tuple[Turn, ...] = (BLUEPRINT, (RULES, rows()))


def test_standing_sets_what_is_granted_beside_what_is_wanted() -> None:
    theirs = granted("g2", "sp-graph", "Mail.Send", user="somebody else")
    own = granted("g1", "sp-graph", "Chat.ReadWrite Files.Read.All")
    all_ = granted("g3", "sp-graph", "User.Read", user="", consent=EVERYBODY)

    standing, _ = play(
        look(IDS, CHAT),
        GRAPH_TURN,
        CHANNEL_TURN,
        (f"{GRANTS}agent%27", rows(own, theirs, all_)),
        NO_ROLES,
        *NOTHING_DOWN,
    )

    graph, channel = standing.rows
    assert graph.held == {"Chat.ReadWrite", "Files.Read.All", "User.Read"}
    assert graph.missing == ("User.ReadBasic.All",)
    assert graph.extra == ("Files.Read.All",)  # Chat.ReadWrite stands for what is wanted
    assert channel.missing == ("AgentData.ReadWrite",)
    assert standing.lacks == (graph, channel)
    assert standing.unread == ""


def test_resource_that_the_tenant_has_not_and_one_that_nothing_wants_are_rows_too() -> None:
    other = granted("g1", "sp-storage", "user_impersonation")
    gone = granted("g2", "sp-gone", "x")
    storage = "GET /v1.0/servicePrincipals/sp-storage?" + ABOUT
    absent = "GET /v1.0/servicePrincipals/sp-gone?" + ABOUT

    standing, _ = play(
        look(IDS, CHAT),
        GRAPH_TURN,
        by_app(CHANNEL_APP, no(404, "Request_ResourceNotFound")),
        (f"{GRANTS}agent%27", rows(other, gone)),
        (storage, principal("sp-storage", "e406a681", ["user_impersonation"])),
        (absent, no(404, "Request_ResourceNotFound")),
        NO_ROLES,
        *NOTHING_DOWN,
    )

    _, channel, stored, lost = standing.rows
    assert not channel.is_here
    assert channel.grantable == channel.unknown == ()
    assert stored.extra == ("user_impersonation",)
    assert stored.resource.name == "sp-storage"
    assert lost.resource.name == "a resource that is gone"


def test_what_the_agent_may_as_itself_is_named_by_its_resource() -> None:
    held = [
        {"resourceId": "sp-graph", "resourceDisplayName": "Graph", "appRoleId": "r1"},
        {"resourceId": "sp-graph", "resourceDisplayName": "Graph", "appRoleId": "r2"},
        {"resourceId": "sp-lost", "appRoleId": "r3"},
    ]
    graph = ok({"id": "sp-graph", "appRoles": [{"id": "r1", "value": "Sites.Selected"}, "junk"]})

    standing, _ = play(
        look(IDS, ()),
        (f"{GRANTS}agent%27", rows()),
        (NO_ROLES[0], rows(*held)),
        (f"GET /v1.0/servicePrincipals/sp-graph?{ABOUT}", graph),
        (f"GET /v1.0/servicePrincipals/sp-lost?{ABOUT}", no(403, "Authorization_RequestDenied")),
        *NOTHING_DOWN,
    )

    assert standing.roles == (
        Role("Graph", "Sites.Selected"),
        Role("Graph", "r2"),
        Role("sp-lost", "r3"),
    )


@pytest.mark.parametrize(
    ("scopes", "inherited"),
    [
        ({"kind": "allAllowed"}, {"Chat.Read", "User.Read"}),
        ({"@odata.type": "#microsoft.graph.allAllowedScopes"}, {"Chat.Read", "User.Read"}),
        ({"kind": "enumerated", "scopes": ["User.Read", "Mail.Send"]}, {"User.Read"}),
        ({"kind": "none"}, set[str]()),
        (None, set[str]()),
    ],
    ids=["all", "all by its type", "some", "none", "not said"],
)
def test_blueprint_hands_down_no_more_than_it_was_granted_for_everybody(
    scopes: object, inherited: set[str]
) -> None:
    rule = {"resourceAppId": GRAPH_APP.upper(), "inheritableScopes": scopes}
    everybody = granted("g", "sp-graph", "Chat.Read User.Read", user="", consent=EVERYBODY)
    one = granted("g", "sp-graph", "Mail.Send")

    standing, _ = play(
        look(IDS, CHAT),
        GRAPH_TURN,
        CHANNEL_TURN,
        (f"{GRANTS}agent%27", rows()),
        NO_ROLES,
        BLUEPRINT,
        (RULES, rows(rule)),
        ("GET /v1.0/servicePrincipals(appId='bp')?$select=id", ok({"id": "sp-bp"})),
        (f"{GRANTS}sp-bp%27", rows(everybody, one)),
    )

    assert standing.rows[0].inherited == inherited
    assert standing.rows[0].extra == ()  # what comes from the blueprint is not the agent's own


@pytest.mark.parametrize("refused_at", ["the blueprint", "its rules", "its principal"])
def test_what_is_not_shown_of_the_blueprint_is_said_and_hinders_nothing(refused_at: str) -> None:
    denied = no(403, "Authorization_RequestDenied")
    rules = rows({"resourceAppId": GRAPH_APP})
    turns: list[Turn] = [
        BLUEPRINT,
        (RULES, rules),
        ("GET /v1.0/servicePrincipals(appId='bp')?$select=id", denied),
    ]
    at = {"the blueprint": 0, "its rules": 1, "its principal": 2}[refused_at]
    turns = [*turns[:at], (turns[at][0], denied)]

    standing, _ = play(look(IDS, ()), (f"{GRANTS}agent%27", rows()), NO_ROLES, *turns)

    assert standing.unread == (
        "what the blueprint hands down was not shown (Authorization_RequestDenied)"
    )


def row(*grants: Grant, wants: Want = CHAT[0], here: bool = True) -> Row:
    resource = Resource(GRAPH_APP, "Graph", "sp-graph" if here else "", OFFERED)
    return compare([wants], Found({GRAPH_APP: resource}, grants)).rows[0]


def grant_of(scopes: str, consent: str = ONE, name: str = "g1") -> Grant:
    user = "user" if consent == ONE else ""
    return Grant(name, "sp-graph", consent, user, frozenset(scopes.split()))


NEW: str = "POST /v1.0/oauth2PermissionGrants"


def test_what_is_missing_is_granted_for_the_agent_user_alone() -> None:
    done, [call] = play(add(IDS, row(), "2026-11-24T00:00:00Z"), (NEW, Reply(201, {"id": "g"})))

    assert done == tuple(NEEDED)
    assert call.body == {
        "clientId": "agent",
        "consentType": "Principal",
        "principalId": "user",
        "resourceId": "sp-graph",
        "scope": " ".join(NEEDED),
        "startTime": "2026-11-24T00:00:00Z",
    }


def test_grant_that_is_there_is_added_to_and_nothing_of_it_is_lost() -> None:
    before = row(grant_of("Files.Read.All User.Read"))

    _, [call] = play(add(IDS, before, ""), ("PATCH /v1.0/oauth2PermissionGrants/g1", ok()))

    assert call.body == {"scope": " ".join(sorted({"Files.Read.All", *NEEDED}))}


def test_grant_for_everybody_is_not_widened() -> None:
    """Ours: it would count for every person whom the agent might once act for."""
    before = row(grant_of("User.Read", EVERYBODY))

    done, [call] = play(add(IDS, before, ""), (NEW, Reply(201, {})))

    assert "User.Read" not in done
    assert call.body is not None
    assert call.body["consentType"] == ONE


@pytest.mark.parametrize(
    "refused",
    [
        no(400, "Request_BadRequest", "Permission entry already exists."),
        no(409, "Request_MultipleObjectsWithSameKeyValue"),
    ],
    ids=["400", "409"],
)
def test_grant_that_somebody_made_meanwhile_is_added_to(refused: Reply) -> None:
    done, calls = play(
        add(IDS, row(), ""),
        (NEW, refused),
        (f"{GRANTS}agent%27", rows(granted("g9", "sp-graph", "Mail.Send"))),
        ("PATCH /v1.0/oauth2PermissionGrants/g9", ok()),
    )

    assert done == tuple(NEEDED)
    assert calls[-1].body == {"scope": " ".join(sorted({"Mail.Send", *NEEDED}))}


def test_grant_that_somebody_made_meanwhile_with_all_that_is_missing_is_left() -> None:
    done, calls = play(
        add(IDS, row(), ""),
        (NEW, no(409, "Request_MultipleObjectsWithSameKeyValue")),
        (f"{GRANTS}agent%27", rows(granted("g9", "sp-graph", " ".join(NEEDED)))),
    )

    assert done == tuple(NEEDED)
    assert [call.method for call in calls] == ["POST", "GET"]


def test_grant_that_is_there_and_not_shown_says_to_try_again() -> None:
    with pytest.raises(CallRefused) as refused:
        play(
            add(IDS, row(), ""),
            (NEW, no(400, "Request_BadRequest", "Permission entry already exists.")),
            (f"{GRANTS}agent%27", rows(granted("g9", "sp-other", "Mail.Send"))),
        )

    assert "again in a minute" in refused.value.hint


def test_refused_grant_is_refused_with_its_code() -> None:
    with pytest.raises(CallRefused, match="Authorization_RequestDenied"):
        play(add(IDS, row(), ""), (NEW, no(403, "Authorization_RequestDenied")))


@pytest.mark.parametrize(
    "before",
    [
        row(grant_of(" ".join(NEEDED))),
        row(here=False),
        row(wants=Want("Graph", CLOUD.graph, frozenset({"User.ReadWrite.All"}))),
        row(wants=Want("Graph", CLOUD.graph, frozenset({"No.Such"}))),
    ],
    ids=["granted", "no such resource", "blocked", "not offered"],
)
def test_what_cannot_be_granted_is_not_asked_for(before: Row) -> None:
    assert play(add(IDS, before, "")) == ((), [])


def test_blocked_and_unknown_permissions_say_so() -> None:
    scopes = frozenset({"User.ReadWrite.All", "No.Such"})

    before = row(wants=Want("Graph", CLOUD.graph, scopes))

    assert before.never == ("User.ReadWrite.All",)
    assert before.unknown == ("No.Such", "User.ReadWrite.All")
    assert before.grantable == ()


def test_revoking_takes_from_each_grant_and_deletes_what_is_empty_then() -> None:
    before = row(grant_of("Mail.Send User.Read"), grant_of("Mail.Send", EVERYBODY, "g2"))

    done, calls = play(
        take(before, {"Mail.Send"}),
        ("PATCH /v1.0/oauth2PermissionGrants/g1", ok()),
        ("DELETE /v1.0/oauth2PermissionGrants/g2", no(404, "Request_ResourceNotFound")),
    )

    assert done == ("Mail.Send",)
    assert calls[0].body == {"scope": "User.Read"}


def test_refused_revoking_is_refused_with_its_code() -> None:
    gone = ("DELETE /v1.0/oauth2PermissionGrants/g1", no(403, "Authorization_RequestDenied"))

    with pytest.raises(CallRefused, match="Authorization_RequestDenied"):
        play(take(row(grant_of("Mail.Send")), {"Mail.Send"}), gone)


def test_revoking_what_is_not_granted_asks_for_nothing() -> None:
    assert play(take(row(grant_of("User.Read")), {"Mail.Send"})) == ((), [])


def test_revoking_leaves_what_other_features_need_and_what_nobody_asked_to_go() -> None:
    mail = wanted([Feature.MAIL], CLOUD)
    grants = [grant_of("Mail.Send Chat.ReadWrite User.Read Files.Read.All")]
    resources = {
        GRAPH_APP: Resource(GRAPH_APP, "Graph", "sp-graph", OFFERED),
        CHANNEL_APP: Resource(CHANNEL_APP, "agent channel", "sp-channel"),
    }
    standing = compare(mail, Found(resources, grants))

    [(_, taken)] = spare(standing, CHAT, everything=False)
    [(_, more)] = spare(standing, CHAT, everything=True)

    assert taken == {"Mail.Send"}
    assert more == {"Mail.Send", "Files.Read.All"}


def test_broader_permission_goes_only_once_it_stands_for_nothing_else() -> None:
    both = row(grant_of("Chat.ReadWrite Chat.Read ChatMessage.Send User.Read User.ReadBasic.All"))

    assert both.extra == ("Chat.ReadWrite",)
