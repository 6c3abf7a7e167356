"""What setup gives to an agent of others it takes back, and nothing else."""

from dataclasses import replace

import pytest

from entraclaw.errors import CallRefused, EntraclawError, SetupUnfinished, Unreachable
from entraclaw.identity.provisioning import asking
from entraclaw.identity.provisioning.addresses import candidate, domain_for, is_address
from entraclaw.identity.provisioning.equipping import await_consent
from entraclaw.identity.provisioning.journal import Journal, Part
from entraclaw.identity.provisioning.look import who_am_i
from entraclaw.identity.provisioning.marks import mark_of, tags
from entraclaw.identity.provisioning.orphans import find
from entraclaw.identity.provisioning.undoing import Scope, scope, undo
from identity.graph_model import CLOUD, E5, TENANT, WANTS
from identity.graph_shelves import ADA, BLUEPRINT, IDENTITY, USER, Json, guid, hired
from identity.settingup import MARK, OURS, URL, WISH, CutOffError, Machine, machine

GRACE = guid(0xB0)
THEIRS = {"keyId": "theirs", "key": "dGhlaXJz", "displayName": "another machine"}


def adopted(one: Machine) -> Json:
    """A hired agent that setup was pointed at."""
    user = hired(one.tenant)
    parent = one.tenant.objects[user["identityParentId"]]
    [blueprint] = one.tenant.of(BLUEPRINT)
    blueprint["keyCredentials"] = [dict(THEIRS)]
    blueprint["isOverridableAtAgentIdLevel"] = True
    blueprint["communication"] = {
        "isOverridableAtAgentIdLevel": True,
        "endpointConfiguration": {"apiBased": {"callbackUri": "https://theirs.example/x"}},
    }
    user["sponsors"] = [GRACE]
    one.wish = replace(WISH, adopt=user["id"], sponsors=("ada@contoso.example",))
    assert parent["id"]
    return user


def test_hired_agent_gets_what_it_lacks_and_keeps_what_it_has() -> None:
    one = machine()
    user = adopted(one)

    one.setup()

    [blueprint] = one.tenant.of(BLUEPRINT)
    [identity] = one.tenant.of(IDENTITY)
    assert one.tenant.made == []
    assert [c["displayName"] for c in blueprint["keyCredentials"]] == [
        "another machine",
        OURS.name,
    ]
    assert (user["sponsors"], user["licences"]) == ([GRACE, ADA], [E5])
    assert "theirs.example" in str(blueprint["communication"])
    assert URL in str(identity["communication"])
    assert not any(one.journal.made(part) for part in Part)


def test_teardown_takes_from_a_hired_agent_exactly_what_setup_gave() -> None:
    one = machine()
    user = adopted(one)
    one.setup()
    [grant, *_] = one.tenant.grants.values()
    grant["scope"] += " Mail.Read"

    what = one.teardown()

    [blueprint] = one.tenant.of(BLUEPRINT)
    [identity] = one.tenant.of(IDENTITY)
    assert what.parts == ()
    assert [len(one.tenant.of(kind)) for kind in (BLUEPRINT, "principal", IDENTITY, USER)] == [
        1
    ] * 4
    assert blueprint["keyCredentials"] == [THEIRS]
    assert (user["sponsors"], user["licences"]) == ([GRACE], [])
    assert [g["scope"] for g in one.tenant.grants.values()] == ["Mail.Read"]
    assert "communication" not in identity
    assert "theirs.example" in str(blueprint["communication"])
    assert (one.journal.licences, one.journal.sponsors, one.journal.endpoint) == ((), (), "")


@pytest.mark.parametrize("is_late", [False, True])
def test_teardown_of_a_hired_agent_may_break_off_anywhere(*, is_late: bool) -> None:
    whole = machine()
    adopted(whole)
    whole.setup()
    before = whole.steps
    whole.teardown()

    for step in range(before + 1, whole.steps + 1):
        one = machine()
        user = adopted(one)
        one.setup()
        one.cut, one.is_late = step, is_late
        with pytest.raises(CutOffError):
            one.teardown()
        one.teardown()

        [blueprint] = one.tenant.of(BLUEPRINT)
        assert blueprint["keyCredentials"] == [THEIRS], step
        assert (user["sponsors"], user["licences"]) == ([GRACE], []), step
        assert one.tenant.grants == {}


def test_what_is_gone_already_is_no_hindrance() -> None:
    one = machine()
    adopted(one)
    one.setup()
    [blueprint] = one.tenant.of(BLUEPRINT)
    more = replace(one.journal, licences=(guid(1),), sponsors=(), endpoint="")
    del one.tenant.objects[blueprint["id"]]

    left = one.run(undo(replace(more, scopes={}), Scope((), 0), one.tenant.clock))

    assert (left.certificates, left.licences) == ({}, ())


def test_blueprint_of_ours_with_others_agents_is_kept_when_asked() -> None:
    one = machine()
    one.setup()
    [blueprint] = one.tenant.of(BLUEPRINT)
    more = {"agentIdentityBlueprintId": blueprint["appId"], "displayName": "Other"}
    one.tenant.put(IDENTITY, more)

    what = one.teardown(keep_blueprint=True)

    assert (what.parts, what.siblings) == ((Part.USER, Part.IDENTITY), 1)
    assert [o["displayName"] for o in one.tenant.of(IDENTITY)] == ["Other"]
    assert blueprint["keyCredentials"] == []


def test_blueprint_that_is_kept_sends_nothing_here_any_more() -> None:
    one = machine()
    one.setup()

    one.teardown(keep_blueprint=True)

    [blueprint] = one.tenant.of(BLUEPRINT)
    assert blueprint["communication"] == {"isOverridableAtAgentIdLevel": True}


def test_endpoint_that_is_not_ours_any_more_is_left() -> None:
    one = machine()
    one.setup()
    [blueprint] = one.tenant.of(BLUEPRINT)
    blueprint["communication"] = {"endpointConfiguration": {"apiBased": {"callbackUri": "x"}}}

    one.teardown(keep_blueprint=True)

    assert "'x'" in str(blueprint["communication"])


def test_consent_that_one_may_not_give_is_left_to_somebody_else_and_noted_as_not_ours() -> None:
    one = machine()
    one.tenant.denied = frozenset({"POST /oauth2PermissionGrants"})

    applied = one.setup()

    assert [row.resource.name for row in applied.lacking.rows if row.missing] == [
        want.name for want in WANTS
    ]
    assert dict(one.journal.scopes) == {}
    with pytest.raises(SetupUnfinished, match="nobody has consented yet"):
        one.run(await_consent(WANTS, applied.ids, one.tenant.clock, 10.0))
    one.tenant.denied = frozenset()
    one.setup()
    one.run(await_consent(WANTS, applied.ids, one.tenant.clock, 10.0))


def test_refusal_of_a_consent_for_another_reason_ends_it() -> None:
    one = machine()
    one.tenant.broken = frozenset({"POST /oauth2PermissionGrants"})

    with pytest.raises(CallRefused, match="Request_BadRequest"):
        one.setup()

    assert dict(one.journal.scopes) == {}


def test_tenant_that_takes_no_endpoint_is_told() -> None:
    one = machine()
    one.tenant.takes_endpoints = False

    assert one.setup().is_pointed is False
    assert one.journal.endpoint == ""


def test_setup_without_an_address_sets_none() -> None:
    one = machine(wish=replace(WISH, endpoint=""))

    assert one.setup().is_pointed is False


def test_bot_has_the_certificate_too() -> None:
    one = machine()
    bot = one.tenant.put("application", {"displayName": "Claw", "appId": "b0b0"})
    one.wish = replace(WISH, bot="b0b0", endpoint="")

    one.setup()

    assert [c["displayName"] for c in bot["keyCredentials"]] == [OURS.name]
    assert one.journal.certificates.keys() >= {bot["id"]}
    one.teardown()
    assert bot["keyCredentials"] == []


def test_certificate_of_another_machine_that_goes_meanwhile_is_told() -> None:
    one = machine()
    adopted(one)
    one.tenant.loses_credentials = True

    with pytest.raises(EntraclawError, match="another credential of the blueprint is gone"):
        one.setup()


@pytest.mark.parametrize(
    ("broken", "match"),
    [("certificates", "does not show it"), ("users", "does not show it")],
)
def test_what_graph_took_and_never_shows_is_no_success(broken: str, match: str) -> None:
    one = machine()
    if broken == "certificates":
        one.tenant.hides_credentials = True
    else:
        one.tenant.hides_users = True

    with pytest.raises(Unreachable, match=match):
        one.setup()


def test_address_that_is_taken_meanwhile_is_told_with_its_cure() -> None:
    one = machine()
    one.tenant.takes_address = True

    with pytest.raises(CallRefused) as taken:
        one.setup()

    assert taken.value.hint == "somebody took it: give another --upn"


def test_refusal_of_a_user_is_what_it_is() -> None:
    one = machine()
    one.tenant.denied = frozenset({"POST /users/microsoft.graph.agentUser"})

    with pytest.raises(CallRefused, match="403"):
        one.setup()


def test_what_bears_a_mark_that_nobody_here_knows_is_found_whole() -> None:
    one = machine()
    one.setup()
    loose = one.tenant.put(
        IDENTITY, {"agentIdentityBlueprintId": "x", "tags": tags(guid(7)), "displayName": ""}
    )
    one.tenant.put(BLUEPRINT, {"displayName": "", "appId": "y", "tags": tags(guid(8))})

    found = one.run(find(CLOUD.login, TENANT, ()))
    none = one.run(find(CLOUD.login, TENANT, {MARK, guid(7), guid(8)}))

    by_mark = {orphan.mark: orphan for orphan in found}
    assert none == ()
    assert set(by_mark[MARK].journal.things) == set(Part)
    assert by_mark[MARK].names == ("Agent Blueprint", "Agent", "agent@contoso.example")
    assert by_mark[guid(7)].journal.id_of(Part.IDENTITY) == loose["id"]
    assert set(by_mark[guid(8)].journal.things) == {Part.BLUEPRINT}


@pytest.mark.parametrize(
    ("tagged", "mark"),
    [({"tags": tags("m")}, "m"), ({"tags": ["other"]}, ""), ({"tags": None}, ""), ({}, "")],
)
def test_mark_is_read_from_tags_alone(tagged: Json, mark: str) -> None:
    assert mark_of(tagged) == mark


@pytest.mark.parametrize(
    ("name", "number", "expected"),
    [("Agent", 1, "agent"), ("Zoë's Häschen!", 2, "zoe-s-haschen-2"), ("秘書", 1, "agent")],
)
def test_address_is_made_of_the_name(name: str, number: int, expected: str) -> None:
    assert candidate(name, number) == expected


@pytest.mark.parametrize(
    ("named", "administrator", "expected"),
    [
        ("Given.example", "ada@b.example", "given.example"),
        ("", "ada@B.example", "b.example"),
        ("", "ada_x.example#EXT#@other.example", "a.example"),
    ],
)
def test_domain_is_the_named_one_the_administrators_or_the_default(
    named: str, administrator: str, expected: str
) -> None:
    assert domain_for(named, administrator, ("a.example", "b.example")) == expected
    assert domain_for("", "x@y.example", ()) == ""


def test_address_without_a_domain_is_none() -> None:
    assert is_address("agent@contoso.example")
    assert not is_address("agent@contoso")
    assert not is_address("a b@contoso.example")


def test_permissions_are_what_is_needed_and_no_more() -> None:
    plain = asking.for_setup(replace(WISH, endpoint="", wants_licence=False))
    every = asking.for_setup(replace(WISH, bot="x"))

    assert every - plain == {
        "AgentCommunicationConfiguration.ReadWrite",
        "Application.ReadWrite.All",
        "LicenseAssignment.ReadWrite.All",
    }
    assert not any("Write" in one for one in asking.for_look())
    assert asking.for_plan(replace(WISH, endpoint="")) == asking.for_look()
    assert asking.for_plan(WISH) - asking.for_look() == {
        "AgentCommunicationConfiguration.ReadWrite"
    }
    bare = asking.for_teardown(is_pointed=False, has_seats=False, has_bot=False)
    full = asking.for_teardown(is_pointed=True, has_seats=True, has_bot=True)
    assert full > bare > asking.for_look()
    assert not {"Directory.ReadWrite.All", "Directory.AccessAsUser.All"} & (every | full)


def test_roles_are_read_from_what_one_is_a_member_of() -> None:
    one = machine()

    me = one.run(who_am_i())

    assert (me.oid, me.name, me.roles) == (ADA, "Ada", frozenset(one.tenant.roles))


def test_sponsor_whom_graph_does_not_show_yet_is_no_second_one() -> None:
    one = machine()
    user = adopted(one)
    user["sponsors"] = [ADA]
    one.tenant.hides_sponsors = True

    one.setup()

    assert user["sponsors"] == [ADA]


def test_setup_that_made_nothing_yet_has_nothing_to_undo() -> None:
    one = machine()

    what = one.run(scope(Journal(MARK, CLOUD.login, TENANT), keep_blueprint=False))

    assert what == Scope((), 0)


def test_journal_knows_what_was_made() -> None:
    blank = Journal(MARK, CLOUD.login, TENANT)

    assert not blank.made(Part.USER)
    assert blank.beginning(Part.USER, 1.0).without(Part.USER) == blank
