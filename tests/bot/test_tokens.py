"""Tokens that are not to be had: what `status` says, what is sent meanwhile, and after."""

import pytest

from bot.stage import Stage, until
from entraclaw.bot.daemon import Daemon
from entraclaw.bot.principal import ActsAs
from entraclaw.bot.tokens import describe
from entraclaw.errors import EntraclawError, HopRefused, KeyUnavailable
from entraclaw.identity.retrying import trouble


@pytest.mark.parametrize(
    ("error", "cure"),
    [
        (HopRefused("user", "AADSTS65001", hint="grant it"), "grant it"),
        (KeyUnavailable("no"), None),
    ],
)
def test_trouble_is_described_in_words_and_moments(error: EntraclawError, cure: str | None) -> None:
    noted = trouble(None, "https://graph.microsoft.com/.default", error, 1_764_000_000.0)

    said = describe(ActsAs.AGENT_USER, noted)

    assert (said["resource"], said["cure"]) == ("https://graph.microsoft.com", cure)
    assert said["principal"] == "agent_user"
    assert (said["cause"], said["asked"]) == (str(error), 1)
    assert said["since"] == said["known_until"] == "2025-11-24T16:00:00+00:00"


async def revoke(stage: Stage) -> None:
    """Have every resource refuse the tokens made until now."""
    await stage.control("POST", f"agents/{stage.agent.user}/revocations")


async def turn_of(daemon: Daemon, stage: Stage, text: str) -> str:
    assert daemon.desk is not None
    await stage.say(text)
    [one] = (await daemon.desk.read("s", 30.0)).messages
    return one.turn


async def test_token_that_was_called_back_is_replaced_while_the_answer_waits(stage: Stage) -> None:
    """Continuous Access Evaluation: 401 with claims, and nobody notices."""
    async with stage.daemon() as daemon:
        assert daemon.agency is not None
        turn = await turn_of(daemon, stage, "hello")
        await revoke(stage)

        await daemon.agency.answers.reply("s", turn, "hi")

        assert [one["text"] for one in await stage.answers()] == ["hi"]
        assert (await stage.status())["tokens"] == []


async def test_message_signed_with_a_key_that_is_new_is_taken(stage: Stage) -> None:
    async with stage.daemon() as daemon:
        await stage.control("POST", "keys", {})

        answer = await stage.post(daemon, await stage.activity(text="hello"))

        assert answer.status == 202


async def test_policy_stops_what_goes_out_is_told_and_passes_without_a_restart(
    stage: Stage,
) -> None:
    async with stage.daemon() as daemon:
        assert daemon.agency is not None
        turn = await turn_of(daemon, stage, "hello")
        await stage.control("PUT", f"agents/{stage.agent.user}", {"blocked": 53003})
        await revoke(stage)

        for _ in range(20):
            with pytest.raises(HopRefused, match="AADSTS53003"):
                await daemon.agency.answers.reply("s", turn, "hi")

        said = (await stage.status())["tokens"]
        assert {one["state"] for one in said} == {"blocked by a policy"}
        assert all("Conditional Access" in one["cure"] for one in said)
        assert await stage.answers() == []
        asked = (await stage.control("GET", "tokens"))["requests"]
        mine = [one for one in asked if one["client_id"] == stage.agent.agent]
        assert sum(one["code"] == 53003 for one in mine) <= 6  # of two resources
        await stage.control("PUT", f"agents/{stage.agent.user}", {"blocked": None})

        async def is_cured() -> bool:
            return not (await stage.status())["tokens"]

        await until(is_cured)
        await daemon.agency.answers.reply("s", turn, "hi")
        assert [one["text"] for one in await stage.answers()] == ["hi"]
