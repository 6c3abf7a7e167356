"""Who sponsors an agent, and what is asked of Graph to change it."""

import pytest

from entraclaw.errors import CallRefused
from entraclaw.identity import AgentIds
from entraclaw.identity.cloud import BUILT_IN
from entraclaw.identity.provisioning.calls import Document, Reply
from entraclaw.identity.provisioning.sponsoring import (
    Of,
    Sponsor,
    SponsorRefused,
    Sponsors,
    add,
    look,
    person,
    remove,
    writing,
)
from identity.ordered import Turn, no, ok, play, rows

CLOUD = BUILT_IN["public"]
IDS = AgentIds("t", "bp", "agent", "user")
ADA = Sponsor("ada", "Ada", "ada@contoso.com", is_group=False)
ADA_SHOWN: Document = {
    "@odata.type": "#microsoft.graph.user",
    "id": "ADA",
    "displayName": "Ada",
    "userPrincipalName": "ada@contoso.com",
}
CREW: Document = {"@odata.type": "#microsoft.graph.group", "id": "crew", "displayName": "Crew"}
DENIED = no(403, "Authorization_RequestDenied")

BLUEPRINT: Turn = ("GET /v1.0/applications(appId='bp')?$select=id", ok({"id": "bp-object"}))
PLACES = {
    Of.USER: "/v1.0/users/user",
    Of.IDENTITY: "/v1.0/servicePrincipals/agent/microsoft.graph.agentIdentity",
    Of.BLUEPRINT: "/v1.0/applications/bp-object/microsoft.graph.agentIdentityBlueprint",
}


def known(kind: Of, reply: Reply) -> list[Turn]:
    read = (f"GET {PLACES[kind]}/sponsors", reply)
    return [BLUEPRINT, read] if kind is Of.BLUEPRINT else [read]


def test_sponsors_of_each_are_shown_or_the_refusal_is() -> None:
    seen, _ = play(
        look(IDS),
        *known(Of.USER, rows(ADA_SHOWN, CREW)),
        *known(Of.IDENTITY, DENIED),
        *known(Of.BLUEPRINT, rows()),
    )

    assert seen == (
        Sponsors(Of.USER, (ADA, Sponsor("crew", "Crew", "", is_group=True))),
        Sponsors(Of.IDENTITY, refused="Authorization_RequestDenied"),
        Sponsors(Of.BLUEPRINT),
    )


PERSON = "GET /v1.0/users/ada%40contoso.com?$select=id,displayName,userPrincipalName"


def test_person_is_found_by_the_name_to_sign_in_with() -> None:
    assert play(person("ada@contoso.com"), (PERSON, ok(ADA_SHOWN)))[0] == ADA


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (no(404, "Request_ResourceNotFound"), "nobody called ada@contoso.com"),
        (no(400, "Request_BadRequest"), "nobody called"),
        (ok({**ADA_SHOWN, "@odata.type": "#microsoft.graph.agentUser"}), "is an agent"),
    ],
    ids=["unknown", "malformed", "an agent"],
)
def test_whoever_cannot_be_a_sponsor_is_refused_before_anything_changes(
    reply: Reply, reason: str
) -> None:
    with pytest.raises(SponsorRefused, match=reason):
        play(person("ada@contoso.com"), (PERSON, reply))


@pytest.mark.parametrize("kind", Of)
def test_sponsor_is_added_by_a_reference(kind: Of) -> None:
    reference = f"POST {PLACES[kind]}/sponsors/$ref"
    again = [BLUEPRINT] if kind is Of.BLUEPRINT else []

    is_new, calls = play(
        add(IDS, kind, ADA, CLOUD), *known(kind, rows(CREW)), *again, (reference, Reply(204, {}))
    )

    assert is_new
    assert calls[-1].body == {"@odata.id": "https://graph.microsoft.com/v1.0/users/ada"}


def test_sponsor_who_is_one_already_is_not_added_twice() -> None:
    there = no(400, "Request_BadRequest", "One or more added object references already exist")
    reference = f"POST {PLACES[Of.USER]}/sponsors/$ref"

    shown, _ = play(add(IDS, Of.USER, ADA, CLOUD), *known(Of.USER, rows(ADA_SHOWN)))
    hidden, _ = play(add(IDS, Of.USER, ADA, CLOUD), *known(Of.USER, rows()), (reference, there))

    assert not shown
    assert not hidden


def test_identity_that_no_person_may_change_says_where_it_is_done() -> None:
    """Microsoft's page: delegated, not supported."""
    reference = f"POST {PLACES[Of.IDENTITY]}/sponsors/$ref"

    with pytest.raises(CallRefused) as refused:
        play(add(IDS, Of.IDENTITY, ADA, CLOUD), *known(Of.IDENTITY, DENIED), (reference, DENIED))
    with pytest.raises(CallRefused) as other:
        play(
            add(IDS, Of.USER, ADA, CLOUD),
            *known(Of.USER, rows()),
            (f"POST {PLACES[Of.USER]}/sponsors/$ref", DENIED),
        )

    assert "Entra admin centre" in refused.value.hint
    assert "#roles" in other.value.hint


def test_sponsor_is_removed_and_one_who_was_none_is_not() -> None:
    gone = f"DELETE {PLACES[Of.USER]}/sponsors/ada/$ref"
    two = known(Of.USER, rows(ADA_SHOWN, CREW))

    removed, _ = play(remove(IDS, Of.USER, ADA), *two, (gone, Reply(204, {})))
    late, _ = play(remove(IDS, Of.USER, ADA), *two, (gone, no(404, "Request_ResourceNotFound")))
    none, _ = play(remove(IDS, Of.USER, ADA), *known(Of.USER, rows(CREW)))

    assert (removed, late, none) == (True, False, False)


def test_last_sponsor_stays() -> None:
    with pytest.raises(SponsorRefused, match="only sponsor of the agent's user") as refused:
        play(remove(IDS, Of.USER, ADA), *known(Of.USER, rows(ADA_SHOWN)))

    assert "add another one first" in refused.value.hint


def test_changing_asks_for_what_it_changes_and_no_more() -> None:
    assert writing([Of.USER]) == {"AgentIdUser.ReadWrite.All", "User.Read.All"}
    assert "AgentIdentity.ReadWrite.All" in writing([Of.IDENTITY])
