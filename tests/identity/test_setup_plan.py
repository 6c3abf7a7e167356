"""The plan says how each part stands, who does what, and what is in the way with its cure."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from entraclaw.errors import Unreachable
from entraclaw.identity.features import CHANNEL, Feature, wanted
from entraclaw.identity.provisioning.journal import Journal, read, written
from entraclaw.identity.provisioning.look import look
from entraclaw.identity.provisioning.plan import (
    SOMEBODY,
    YOU,
    Row,
    State,
    awaits_consent,
    blocked,
    plan,
)
from identity.graph_model import CLOUD, WANTS
from identity.graph_shelves import BLUEPRINT, IDENTITY, USER, hired
from identity.settingup import MARK, OURS, URL, WISH, Machine, machine

AGENT_ID = "db506228-d27e-4b7d-95e5-295956d6615f"


def row(rows: tuple[Row, ...], part: str) -> Row:
    return next(one for one in rows if one.part == part)


def states(rows: tuple[Row, ...]) -> dict[str, State]:
    return {one.part: one.state for one in rows}


def test_plan_of_nothing_makes_all_of_it_and_changes_nothing() -> None:
    one = machine()

    rows = one.plan()

    assert blocked(rows) == ()
    assert not awaits_consent(rows)
    assert set(states(rows).values()) == {State.MAKE, State.CONSENT, State.EXISTS}
    assert [name for name, state in states(rows).items() if state is State.EXISTS] == ["sponsors"]
    assert one.tenant.made == []


def test_plan_of_what_was_set_up_has_nothing_to_do_but_what_it_writes_here() -> None:
    one = machine()
    one.setup()

    planned = states(one.plan())

    assert planned.pop("certificate") is planned.pop("messages") is State.MAKE
    assert set(planned.values()) == {State.EXISTS}


def test_certificate_of_this_machine_is_told_from_those_of_others() -> None:
    one = machine()
    one.setup()
    facts = one.run(look(WISH, WANTS, one.journal, one.tenant.clock))
    kept = replace(one.journal, settings={"tenant": '"x"'})

    ours = plan(WISH, facts, kept, thumbprint=OURS.thumbprint)
    theirs = plan(WISH, facts, kept, thumbprint="another")

    assert set(states(ours).values()) == {State.EXISTS}
    assert row(theirs, "certificate").says.endswith("beside 1 of other machines")


def test_who_may_make_agents_and_not_consent_is_told_who_does() -> None:
    one = machine()
    one.tenant.roles = (AGENT_ID,)
    one.wish = replace(WISH, wants_licence=False)

    rows = one.plan()

    assert awaits_consent(rows)
    assert (row(rows, "blueprint").by, row(rows, "consent: Graph").by) == (YOU, SOMEBODY)
    assert "Cloud Application Administrator" in row(rows, "consent: Graph").cure
    assert row(rows, "licence").state is State.CLICKS


def taken(one: Machine) -> None:
    one.wish = replace(one.wish, upn="grace@contoso.example")


def gone(kind: str) -> Callable[[Machine], None]:
    def delete(one: Machine) -> None:
        one.setup()
        [found] = one.tenant.of(kind)
        del one.tenant.objects[found["id"]]

    return delete


def without(name: str) -> Callable[[Machine], None]:
    def remove(one: Machine) -> None:
        [found] = [o for o in one.tenant.of("servicePrincipal") if o["displayName"] == name]
        del one.tenant.objects[found["id"]]

    return remove


def fewer(one: Machine) -> None:
    [found] = [o for o in one.tenant.of("servicePrincipal") if o["displayName"] == "Graph"]
    found["oauth2PermissionScopes"] = [{"value": "Chat.Read"}]


def wishing(**changes: object) -> Callable[[Machine], None]:
    def wish(one: Machine) -> None:
        one.wish = replace(one.wish, **changes)  # type: ignore[arg-type]  # of this table alone

    return wish


def roleless(one: Machine) -> None:
    one.tenant.roles = ()


def without_licences(one: Machine) -> None:
    one.tenant.roles = (AGENT_ID,)


def seatless(one: Machine) -> None:
    one.tenant.seats = 0


def homeless(one: Machine) -> None:
    one.tenant.domains = ()


def unproved(one: Machine) -> None:
    one.wish = replace(one.wish, upn="agent@fabrikam.example")


def crowded(one: Machine) -> None:
    for number in range(1, 21):
        nickname = "agent" if number == 1 else f"agent-{number}"
        one.tenant.put("user", {"userPrincipalName": f"{nickname}@contoso.example"})


def grouped(one: Machine) -> None:
    group = one.tenant.put("#microsoft.graph.group", {"displayName": "Keepers"})
    one.tenant.objects[group["id"]] |= {"kind": "group", "@odata.type": "#microsoft.graph.group"}
    one.wish = replace(one.wish, sponsors=(group["id"],))


def renamed(one: Machine) -> None:
    one.setup()
    one.wish = replace(one.wish, upn="other@contoso.example")


def moved(one: Machine) -> None:
    one.setup()
    user = hired(one.tenant)
    parent = one.tenant.objects[user["identityParentId"]]
    one.wish = replace(one.wish, join=parent["agentIdentityBlueprintId"])


def elsewhere(one: Machine) -> None:
    """Another agent's address is the blueprint's, and it lets nobody have one of their own."""
    user = hired(one.tenant)
    app = one.tenant.objects[user["identityParentId"]]["agentIdentityBlueprintId"]
    [blueprint] = one.tenant.of(BLUEPRINT)
    blueprint["communication"] = {
        "endpointConfiguration": {"apiBased": {"callbackUri": "https://theirs.example/x"}}
    }
    one.wish = replace(one.wish, join=app)


def teamless(one: Machine) -> None:
    one.tenant.plan = "EXCHANGE_S_STANDARD"
    one.wish = replace(one.wish, licence="SPE_E5")


@pytest.mark.parametrize(
    ("changed", "part", "cause", "cure"),
    [
        (wishing(join="x"), "blueprint", "--join x is no blueprint", "give the id of a blueprint"),
        (wishing(adopt="x"), "blueprint", "--adopt x is no agent user", "give the id"),
        (wishing(adopt="ada@contoso.example"), "blueprint", "is no agent user", "give the id"),
        (moved, "blueprint", "already", "teardown"),
        (gone(BLUEPRINT), "blueprint", "was deleted", "restore it"),
        (gone("principal"), "principal", "was deleted", "restore it"),
        (gone(IDENTITY), "agent identity", "was deleted", "restore it"),
        (gone(USER), "agent user", "was deleted", "restore it"),
        (roleless, "blueprint", "no role", "Agent ID Administrator"),
        (wishing(bot="x"), "bot", "no application", "application id"),
        (wishing(sponsors=("x@contoso.example", "y")), "sponsors", "x@contoso.example, y", "name"),
        (grouped, "sponsors", "only groups", "--sponsor"),
        (taken, "agent user", "somebody has the address", "--upn"),
        (crowded, "agent user", "agent-20@contoso.example", "--upn"),
        (unproved, "agent user", "fabrikam.example", "contoso.example"),
        (wishing(domain="fabrikam.example"), "agent user", "fabrikam.example", "contoso.example"),
        (homeless, "agent user", "has not proved", "--domain"),
        (renamed, "agent user", "already", "--upn"),
        (without("Graph"), "consent: Graph", "does not know", "licence for it"),
        (without(CHANNEL), "consent: agent channel", "does not know", "--principal bot"),
        (without(CHANNEL), "messages", "nothing is delivered", "--principal bot"),
        (fewer, "consent: Graph", "has no ChatMessage.Send", "--with"),
        (seatless, "licence", "no seat", "--no-licence"),
        (wishing(licence="NONE"), "licence", "no product NONE", "SPE_E5"),
        (teamless, "licence", "no Teams", "--licence"),
        (without_licences, "licence", "your roles", "License Administrator"),
        (elsewhere, "endpoint", "theirs.example", "join another"),
    ],
)
def test_what_is_in_the_way_is_named_with_its_cure(
    changed: Callable[[Machine], None], part: str, cause: str, cure: str
) -> None:
    one = machine()
    changed(one)

    found = row(one.plan(), part)

    assert found.state is State.BLOCKED
    assert cause in found.says
    assert cure in found.cure


def test_what_no_agent_is_ever_granted_is_not_asked_for() -> None:
    one = machine()
    never = replace(WANTS[0], scopes=frozenset({"Directory.ReadWrite.All"}))

    found = row(one.plan((never, *WANTS[1:])), "consent: Graph")

    assert (found.state, found.says) == (
        State.BLOCKED,
        "no agent is ever granted Directory.ReadWrite.All",
    )


def test_country_is_needed_for_a_licence() -> None:
    one = machine()
    one.tenant.country = ""

    found = row(one.plan(), "licence")

    assert (found.state, "in which country" in found.says) == (State.BLOCKED, True)


def test_endpoint_that_no_graph_takes_is_set_by_hand() -> None:
    one = machine()
    one.setup()
    one.tenant.takes_endpoints = False

    by_hand = row(one.plan(), "endpoint")
    one.wish = replace(WISH, endpoint="")
    unnamed = row(one.plan(), "endpoint")

    assert (by_hand.state, by_hand.by, URL in by_hand.says) == (State.CLICKS, SOMEBODY, True)
    assert (unnamed.state, unnamed.by, "--endpoint" in unnamed.says) == (State.CLICKS, YOU, True)


def test_bot_is_the_way_in_where_one_is_named() -> None:
    one = machine()
    bot = one.tenant.put("application", {"displayName": "Claw", "appId": "b0b0"})
    one.wish = replace(WISH, bot="b0b0")

    rows = one.plan(tuple(want for want in WANTS if want.name != CHANNEL))

    assert row(rows, "bot").says == "Claw b0b0"
    assert (row(rows, "messages").state, blocked(rows)) == (State.CLICKS, ())
    assert "endpoint" not in states(rows)
    assert bot["id"]


def test_agent_that_was_hired_is_joined_with_its_blueprint() -> None:
    one = machine()
    user = hired(one.tenant)
    one.wish = replace(WISH, adopt="hired@contoso.example")

    rows = one.plan()

    assert row(rows, "blueprint").says.endswith(", joined")
    assert row(rows, "agent user").says == "hired@contoso.example"
    assert user["identityParentId"] in row(rows, "agent identity").says


def test_new_agent_of_a_joined_blueprint_is_told_beside_its_others() -> None:
    one = machine()
    user = hired(one.tenant)
    app = one.tenant.objects[user["identityParentId"]]["agentIdentityBlueprintId"]
    one.wish = replace(WISH, join=app)

    found = row(one.plan(), "agent identity")

    assert (found.state, found.says) == (State.MAKE, "of the blueprint, beside 1 of others")


def test_each_feature_adds_what_it_needs_and_no_more() -> None:
    one = machine()

    rows = one.plan(wanted([Feature.CHAT, Feature.MAIL], CLOUD))

    assert "has no Mail.ReadWrite, Mail.Send" in row(rows, "consent: Graph").says


def test_journal_is_read_as_it_was_written() -> None:
    one = machine()
    one.setup()

    assert read(written(one.journal)) == one.journal


def test_journal_that_is_not_whole_is_not_guessed_at() -> None:
    one = machine()
    one.setup()
    text = one.kept

    for end in range(len(text) - 2):
        with pytest.raises(ValueError):  # noqa: PT011 - whatever is wrong with it
            read(text[:end])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"version": 1', '"version": 2'),
        ('"endpoint"', '"end"'),
        (f'"{MARK}"', '"x"'),
        (f'"{MARK}"', "1"),
        ('"things": {', '"things": {"nonsense": {}, '),
        ('"is_ours"', '"whose"'),
        ('"is_ours": true', '"is_ours": 1'),
        ('"at": 1', '"at": "1'),
        ('"begun": {}', '"begun": []'),
        ('"begun": {}', '"begun": {"blueprint": true}'),
        ('"settings": {}', '"settings": {"a": 1}'),
        ('"licences": [', '"licences": [1, '),
    ],
)
def test_journal_that_was_changed_is_refused(old: str, new: str) -> None:
    one = machine()
    one.setup()
    assert old in one.kept

    with pytest.raises(ValueError):  # noqa: PT011 - the same
        read(one.kept.replace(old, new, 1))


def test_list_that_is_none_is_refused() -> None:
    text = written(Journal(MARK, CLOUD.login, MARK)).replace('"licences": []', '"licences": {}')

    with pytest.raises(ValueError, match="no list"):
        read(text)


def test_tenant_that_shows_no_organisation_makes_no_sense() -> None:
    one = machine()
    one.tenant.is_nowhere = True

    with pytest.raises(Unreachable, match="shows no organisation"):
        one.plan()
