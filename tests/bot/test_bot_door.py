"""The door of a bot: tokens of the Bot Framework for this bot, and nothing that names another.

https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-authentication
"""

from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Any

import pytest
import pytest_asyncio

from bot.stage import Sandbox, Stage, staged
from entraclaw.bot.daemon import Daemon

OTHER = "99999999-9999-4999-8999-999999999999"

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Door:
    """A daemon whose messages come to a bot."""

    stage: Stage
    daemon: Daemon

    async def post(self, body: Document, **token: object) -> int:
        bearer = await self.stage.token(**token)
        return (await self.stage.post(self.daemon, body, bearer)).status


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def door(
    emulation: Sandbox, tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[Door]:
    home = tmp_path_factory.mktemp("door") / "home"
    async with (
        staged(emulation, home, "bot", "agent_user") as stage,
        stage.daemon(seat="") as daemon,
    ):
        door = Door(stage, daemon)
        # One honest request first: the keys are known from then on, as they are in life.
        assert await door.post(await stage.activity()) == 202
        yield door


@dataclass(frozen=True, slots=True)
class Row:
    what: str
    token: Document = field(default_factory=dict[str, Any])


TOKENS = [
    Row("another audience", {"claims": {"aud": OTHER}}),
    Row("the agent's blueprint as the audience", {"claims": {"aud": "BLUEPRINT"}}),
    Row("several audiences, none ours", {"claims": {"aud": [OTHER]}}),
    Row("another issuer", {"claims": {"iss": "https://api.botframework.us"}}),
    Row("an issuer of Entra", {"claims": {"iss": "https://sts.windows.net/x/"}}),
    Row("no service url", {"claims": {"serviceurl": None}}),
    Row("expired", {"lifetime_s": -600}),
    Row("no signature", {"alg": "none"}),
    Row("the public key as a secret", {"alg": "HS256"}),
    Row("a key of somebody else", {"key": "foreign"}),
    Row("a key that is not endorsed for Teams", {"key": "other-channel"}),
    Row("an unknown key", {"header": {"kid": "nobody's"}}),
    Row("no key named", {"header": {"kid": None}}),
    Row("an agentic token for the bot", {"kind": "agentic"}),
    Row("an agentic token of the agent's", {"kind": "agentic", "claims": {"aud": "BLUEPRINT"}}),
]


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("row", TOKENS, ids=lambda row: row.what)
async def test_token_of_any_other_kind_is_refused(door: Door, row: Row) -> None:
    token = dict(row.token)
    if token.get("claims", {}).get("aud") == "BLUEPRINT":
        token["claims"] = {"aud": door.stage.agent.blueprint}

    assert await door.post(await door.stage.activity(), **token) == 401


@pytest.mark.asyncio(loop_scope="module")
async def test_answers_go_where_the_token_says_and_nowhere_else(door: Door) -> None:
    body = await door.stage.activity()
    elsewhere = {**body, "serviceUrl": body["serviceUrl"].replace("/amer/", "/emea/")}

    assert await door.post(elsewhere) == 403
    assert await door.post({**body, "serviceUrl": "https://evil.example/"}) == 403
    assert await door.post({**body, "serviceUrl": None}) == 403
    there = {"serviceurl": "https://evil.example/"}
    assert await door.post({**body, "serviceUrl": "https://evil.example/"}, claims=there) == 403


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(
    ("recipient", "status"),
    [
        ({"id": "28:BOT"}, 202),
        ({"id": "BOT"}, 202),
        ({"id": "28:BOT", "role": "bot", "name": "Clawbot"}, 202),
        ({}, 202),
        ({"id": f"28:{OTHER}"}, 403),
        ({"id": OTHER}, 403),
        ({"id": "29:1Somebody"}, 403),
        ({"id": "8:orgid:USER"}, 403),
        ({"id": "28:BOT", "agenticUserId": "USER"}, 403),
        ({"id": "28:BOT", "agenticAppBlueprintId": "BLUEPRINT"}, 403),
        ({"agenticAppId": "AGENT"}, 403),
        ({"id": "28:BOT", "tenantId": OTHER}, 403),
    ],
)
async def test_only_what_is_for_this_bot_is_taken(
    door: Door, recipient: dict[str, str], status: int
) -> None:
    agent = door.stage.agent
    named = {"BOT": agent.bot, "USER": agent.user, "BLUEPRINT": agent.blueprint}
    named |= {"AGENT": agent.agent}

    def filled(value: str) -> str:
        for word, real in named.items():
            value = value.replace(word, real.upper())
        return value

    body = await door.stage.activity(recipient={k: filled(v) for k, v in recipient.items()})
    assert await door.post(body) == status


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(
    ("channel", "status"),
    [("msteams", 202), ("MSTeams", 202), ("", 202), ("webchat", 403), ("agents", 403)],
)
async def test_only_teams_is_spoken(door: Door, channel: str, status: int) -> None:
    """A key may be endorsed for more channels than ours."""
    assert await door.post(await door.stage.activity(channelId=channel)) == status


@pytest.mark.asyncio(loop_scope="module")
async def test_notice_of_an_agents_life_comes_to_no_bot_and_locks_nothing(door: Door) -> None:
    body = {
        "type": "event",
        "channelId": "agents",
        "name": "agentLifecycle",
        "valueType": "AgenticUserDisabled",
        "value": {"agenticUserId": door.stage.agent.user},
        "conversation": {"id": "a:1"},
        "serviceUrl": (await door.stage.activity())["serviceUrl"],
    }

    assert await door.post(body) == 403
    assert door.daemon.agency is not None
    assert not door.daemon.agency.lock.reason


@pytest.mark.asyncio(loop_scope="module")
async def test_conversation_of_another_tenant_is_refused(door: Door) -> None:
    body = await door.stage.activity()
    body["conversation"]["tenantId"] = OTHER

    assert await door.post(body) == 403
