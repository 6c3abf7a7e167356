"""What Entra refuses is told to the sponsors, once, where a way to them still works."""

import pytest

from bot.stage import Stage, until
from entraclaw.bot.alarm import news, note
from entraclaw.bot.daemon import Daemon
from entraclaw.bot.notices import Notice
from entraclaw.errors import EntraclawError, HopRefused, KeyUnavailable, Unreachable
from entraclaw.identity.retrying import Trouble, trouble

GRAPH = "https://graph.microsoft.com"
CHANNEL = "5a807f24-c9de-44ee-a3a7-329e88a00ffc"


def met(error: EntraclawError, scope: str = f"{GRAPH}/.default") -> Trouble:
    return trouble(None, scope, error, 0.0)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (Unreachable("Entra", "timeout"), ""),
        (KeyUnavailable("locked"), ""),
        (HopRefused("user", "AADSTS700024", hint=""), ""),
        (HopRefused("user", "AADSTS90033", hint="", is_passing=True), ""),
        (HopRefused("user", "AADSTS65001", hint=""), f"trouble: consent missing {GRAPH}/.default"),
        (HopRefused("agent", "AADSTS7000112", hint=""), "trouble: agent disabled"),
        (HopRefused("user", "AADSTS53003", hint=""), "trouble: blocked by a policy"),
    ],
)
def test_refusal_is_news_and_what_passes_is_none(error: EntraclawError, kind: str) -> None:
    assert news(met(error)) == kind


def test_note_names_the_resource_the_state_and_where_to_look() -> None:
    said = note(met(HopRefused("user", "AADSTS65001", hint="a page")))

    assert said.startswith("I cannot do all of my work: Entra gives me no token for https://graph")
    assert "consent missing" in said
    assert "`entraclaw status`" in said


async def talk(daemon: Daemon, stage: Stage) -> None:
    """Have Ada, a sponsor, write, and be handed out."""
    assert daemon.desk is not None
    await stage.say("hello")
    await daemon.desk.read("s", 30.0)


async def change(stage: Stage, **body: object) -> None:
    """Change the agent in its tenant; what it has of tokens is worth nothing after."""
    await stage.control("PUT", f"agents/{stage.agent.user}", body)
    await stage.control("POST", f"agents/{stage.agent.user}/revocations")


async def told(stage: Stage, number: int) -> list[str]:
    """Wait until *number* lines were said in the agent's name."""

    async def are_said() -> bool:
        return len(await stage.answers()) >= number

    await until(are_said)
    return [one["text"] for one in await stage.answers()]


async def test_sponsor_hears_once_that_consent_is_gone(stage: Stage) -> None:
    async with stage.daemon() as daemon:
        await talk(daemon, stage)
        await change(stage, grants={GRAPH: []})
        await stage.say("are you there?", person="mallory")  # who must be looked up

        said = await told(stage, 2)
    assert sum("consent missing" in one for one in said) == 1
    assert sum(one == Notice.HELD for one in said) == 1  # which Mallory was told

    async with stage.daemon():  # a restart does not make it news
        await stage.say("and now?")
        assert (await told(stage, 3))[2:] == [Notice.HELD]


async def test_sponsor_is_told_in_graph_when_the_connector_is_closed(stage: Stage) -> None:
    async with stage.daemon() as daemon:
        await talk(daemon, stage)
        assert daemon.agency is not None
        await daemon.agency.controls.do({"verb": "catch-up"})  # learns the chat's other name
        await change(stage, grants={CHANNEL: []})
        [entry] = stage.entries()
        with pytest.raises(HopRefused):
            await daemon.agency.answers.reply("s", entry.turn, "hi")

        [said] = await told(stage, 1)
    assert CHANNEL in said


async def test_licence_that_is_gone_is_told_and_in_the_status_until_it_is_back(
    stage: Stage,
) -> None:
    """Entra still gives a token for Graph; it is Graph that serves nothing."""
    async with stage.daemon() as daemon:
        await talk(daemon, stage)
        assert daemon.agency is not None
        await stage.control("PUT", f"agents/{stage.agent.user}/account", {"licences": []})
        await daemon.agency.controls.do({"verb": "catch-up"})

        [said] = await told(stage, 1)
        [noted] = (await stage.status())["tokens"]
        await stage.control("PUT", f"agents/{stage.agent.user}/account", {"licences": ["SPE_E5"]})
        await daemon.agency.controls.do({"verb": "catch-up"})

        assert (await stage.status())["tokens"] == []
    assert "Microsoft 365 does not serve me (licence or resource missing" in said
    assert (noted["principal"], noted["state"]) == ("agent_user", "licence or resource missing")
    assert "an administrator must assign one" in noted["cure"]


async def test_nobody_is_told_when_no_way_is_left(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    async with stage.daemon() as daemon:
        await talk(daemon, stage)
        await change(stage, blueprint_enabled=False)
        [entry] = stage.entries()
        assert daemon.agency is not None
        with pytest.raises(HopRefused):
            await daemon.agency.answers.reply("s", entry.turn, "hi")

        async def gave_up() -> bool:
            return "no way works" in caplog.text

        await until(gave_up)
    assert await stage.answers() == []
