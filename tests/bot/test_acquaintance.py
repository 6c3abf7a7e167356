"""What a bot can find out about people: its conversations' rosters, and the list kept here."""

import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.documents import ADA, TENANT, USER, Document
from bot.test_connector import Teams, line
from entraclaw.bot.access import DESK
from entraclaw.bot.access_file import AccessFile
from entraclaw.bot.acquaintance import on_roster, sponsors_of, trouble
from entraclaw.errors import CallRefused, Unreachable
from entraclaw.identity import AgentIds
from entraclaw.identity.values import Token
from entraclaw.tools import Graph, Person

BOT_ALONE = AgentIds(TENANT, bot="b" * 36)
MEMBER = {
    "id": "29:1",
    "aadObjectId": ADA.upper(),
    "name": "Ada",
    "userPrincipalName": "ada@contoso.example",
    "tenantId": TENANT.upper(),
    "userRole": "user",
}


async def asked(teams: Teams, **changes: object) -> Person | None:
    """Ask who Ada is, of an activity from a conversation."""
    async with line(teams) as (out, base):
        document: Document = {
            "serviceUrl": f"{base}/amer/",
            "conversation": {"id": "a:1/../x"},
            "from": {"id": "29:1", "aadObjectId": ADA},
            **changes,
        }
        return await on_roster(out, TENANT)(ADA, document)


def roster(**changes: object) -> Teams:
    return Teams(body=json.dumps({**MEMBER, **changes}))


async def test_member_of_the_conversation_is_who_teams_says() -> None:
    teams = roster()

    assert await asked(teams) == Person(ADA, "Ada", "ada@contoso.example", "Member")
    [(method, path, bearer)] = teams.asked
    assert (method, bearer) == ("GET", "Bearer bearer-secret")
    assert path == "/amer/v3/conversations/a%3A1%2F..%2Fx/members/29%3A1"


@pytest.mark.parametrize(
    "changes",
    [
        {"tenantId": "c2b8a0f4-93d7-4e0c-8f36-7d1e6b4a9f22"},
        {"tenantId": None},
        {"userRole": "guest"},
        {"userRole": "anonymous"},
    ],
)
async def test_whoever_is_not_proved_to_be_of_our_tenant_is_a_guest(
    changes: dict[str, Any],
) -> None:
    found = await asked(roster(**changes))

    assert found is not None
    assert found.user_type == "Guest"


async def test_older_name_of_the_object_id_is_read() -> None:
    assert await asked(roster(aadObjectId=None, objectId=ADA)) is not None


async def test_roster_that_knows_somebody_else_under_the_address_knows_nobody() -> None:
    assert await asked(roster(aadObjectId=USER)) is None


async def test_who_is_not_on_the_roster_is_nobody() -> None:
    assert await asked(Teams(status=404, body="{}")) is None


async def test_roster_that_is_not_shown_or_not_there_is_told() -> None:
    with pytest.raises(CallRefused):
        await asked(Teams(status=403, body="{}"))
    with pytest.raises(Unreachable):
        await asked(Teams(status=503, body="{}"))


async def test_without_an_agent_user_there_are_no_sponsors_and_nobody_is_asked() -> None:
    async def never() -> Token:
        raise AssertionError("nobody may ask")

    async with aiohttp.ClientSession() as session:
        graph = Graph(session, "https://localhost:1", never)
        assert await sponsors_of(graph, "") == frozenset()


async def test_bot_that_nobody_may_speak_to_says_so_until_somebody_may(tmp_path: Path) -> None:
    access = AccessFile(tmp_path)
    assert trouble(access, BOT_ALONE) is None  # not looked at yet
    await access.now()

    said = trouble(access, BOT_ALONE)
    assert said is not None
    assert "nobody may speak" in said
    assert "entraclaw access allow" in said
    assert trouble(access, AgentIds(TENANT, user=USER)) is None
    access.change(lambda listed: (listed.allow((TENANT, ADA), "Ada", DESK, 1.0), None))
    assert trouble(access, BOT_ALONE) is None


async def test_list_that_cannot_be_read_comes_first(tmp_path: Path) -> None:
    access = AccessFile(tmp_path)
    access.change(lambda listed: (listed.allow((TENANT, ADA), "Ada", DESK, 1.0), None))
    [path] = [one for one in tmp_path.rglob("*") if one.suffix in {".json", ".toml"}]
    path.write_text("no list", encoding="utf-8")

    found = AccessFile(tmp_path)
    await found.now()
    said = trouble(found, BOT_ALONE)
    assert said is not None
    assert "sealed" in said
