"""Who speaks is told by the ids of the directory; names are only shown."""

import pytest

from bot.documents import ADA, TENANT, USER, Document
from entraclaw.bot.speaker import Speaker, is_ours, speaker
from entraclaw.identity import AgentIds


def told(**origin: object) -> Speaker:
    return speaker({"type": "message", "from": origin})


def test_person_of_the_directory() -> None:
    assert told(id="29:1", name="A\u202eda", aadObjectId=ADA.upper(), tenantId=TENANT) == Speaker(
        ADA, TENANT, "Ada", "29:1", is_agent=False, is_anonymous=False, is_system=False
    )


@pytest.mark.parametrize(
    "origin",
    [
        {"id": f"8:orgid:{USER}", "role": "agenticUser", "aadObjectId": USER},
        {"id": "29:1", "role": "AGENTICAPPINSTANCE"},
        {"id": "29:1", "role": "bot"},
        {"id": "29:1", "role": "skill"},
        {"id": "28:app"},
        {"id": "29:1", "aadObjectId": USER, "agenticUserId": USER},
        {"id": "29:1", "agenticAppId": "x"},
    ],
)
def test_agent_is_no_person(origin: Document) -> None:
    found = told(**origin)
    assert (found.is_agent, found.is_anonymous, found.is_system) == (True, False, False)


@pytest.mark.parametrize(
    "origin",
    [
        {"id": "29:1", "name": "Ada (Guest)"},
        {"id": "29:1", "aadObjectId": ADA, "properties": {"userIdentityType": "anonymousGuest"}},
        {"id": "29:1", "aadObjectId": ADA, "userIdentityType": "phoneUser"},
        {"id": "29:1", "aadObjectId": ADA, "userIdentityType": "something new"},
        {"id": "29:1", "aadObjectId": ADA, "role": "anonymous"},
        {"id": "ada@contoso.example", "name": "Ada"},
        {},
    ],
)
def test_whom_no_directory_vouches_for_is_anonymous_and_has_no_object_id(origin: Document) -> None:
    found = told(**origin)
    assert (found.is_anonymous, found.oid, found.is_agent) == (True, "", False)


@pytest.mark.parametrize("kind", ["aadUser", "federatedUser", "onPremiseAadUser"])
def test_users_of_any_directory_are_not_anonymous(kind: str) -> None:
    found = told(id="29:1", aadObjectId=ADA, userIdentityType=kind)
    assert (found.is_anonymous, found.oid) == (False, ADA)


@pytest.mark.parametrize("address", ["system", "System", "no-reply@teams.mail.microsoft"])
def test_notices_of_the_system_are_nobodys(address: str) -> None:
    found = told(id=address, name="System", role="bot")
    assert (found.is_system, found.is_agent, found.is_anonymous) == (True, False, False)


@pytest.mark.parametrize("origin", [None, 7, "29:1", ["29:1"], {"id": None, "name": {}}])
def test_sender_that_makes_no_sense_is_anonymous(origin: object) -> None:
    assert speaker({"from": origin}).is_anonymous


BOT = "e0e0e0e0-5555-4555-8555-eeeeeeeeeeee"
AGENT_USER = AgentIds(TENANT, user=USER)
BOTH = AgentIds(TENANT, user=USER, bot=BOT)
BOT_ALONE = AgentIds(TENANT, bot=BOT)


@pytest.mark.parametrize(
    ("ids", "origin", "is_self"),
    [
        (AGENT_USER, {"id": "29:1", "aadObjectId": USER}, True),
        (AGENT_USER, {"id": f"28:{BOT}"}, False),
        (BOTH, {"id": "29:1", "aadObjectId": USER}, True),
        (BOTH, {"id": f"28:{BOT.upper()}"}, True),
        (BOT_ALONE, {"id": f"28:{BOT}"}, True),
        (BOT_ALONE, {"id": "28:"}, False),
        (BOT_ALONE, {"id": "29:1", "aadObjectId": ADA}, False),
        # Nobody in particular is not us, though we have no agent user either.
        (BOT_ALONE, {"id": "29:1"}, False),
        (BOT_ALONE, {}, False),
        (AGENT_USER, {}, False),
    ],
)
def test_we_are_known_by_our_own_ids_only(
    ids: AgentIds, origin: Document, *, is_self: bool
) -> None:
    assert is_ours(told(**origin), ids) is is_self
