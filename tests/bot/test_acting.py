"""Who answers and who acts are chosen once, and neither is ever taken for the other."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot.stage import Sandbox, staged
from entraclaw.bot.acting import Acting
from entraclaw.bot.keystores import ProfileKey
from entraclaw.bot.principal import ActsAs
from entraclaw.errors import NoPrincipal


@asynccontextmanager
async def acting(
    sandbox: Sandbox, home: Path, inbound: str, acts_as: str
) -> AsyncGenerator[tuple[Acting, list[str]]]:
    hops: list[str] = []
    async with staged(sandbox, home, inbound, acts_as) as stage:
        settings = stage.settings()
        assert settings.agent is not None
        made = Acting(
            settings,
            settings.agent,
            ProfileKey(settings),
            lambda timing: hops.append(timing.hop),
            lambda _: None,
        )
        try:
            yield made, hops
        finally:
            await made.close()


CHAIN = ["blueprint", "agent", "user"]


@pytest.mark.parametrize(
    ("inbound", "acts_as", "answers", "hops"),
    [
        ("agentic", "agent_user", ActsAs.AGENT_USER, [*CHAIN, *CHAIN]),
        ("bot", "agent_user", ActsAs.BOT, ["bot", *CHAIN]),
    ],
)
async def test_each_token_is_of_the_principal_it_is_for(
    emulation: Sandbox,
    tmp_path: Path,
    inbound: str,
    acts_as: str,
    answers: ActsAs,
    hops: list[str],
) -> None:
    async with acting(emulation, tmp_path, inbound, acts_as) as (made, walked):
        assert (made.answers.who, made.graph.who) == (answers, ActsAs.AGENT_USER)
        said, read = await made.answers.token(), await made.graph.token()
        assert made.has_graph
        assert said.secret != read.secret
        made.refused(said)
        assert (await made.answers.token()).secret != said.secret
        assert await made.graph.token() is read
        assert await made.troubles() == []

    again = [hops[0]] if answers is ActsAs.BOT else CHAIN
    assert walked == [*hops, *again]


async def test_bot_alone_has_nobody_at_graph(emulation: Sandbox, tmp_path: Path) -> None:
    async with acting(emulation, tmp_path, "bot", "bot") as (made, walked):
        assert not made.has_graph
        with pytest.raises(NoPrincipal) as refusal:
            await made.graph.token()
        assert (await made.answers.token()).secret

    assert "acts_as is bot" in str(refusal.value)
    assert "set acts_as to agent_user" in refusal.value.hint
    assert walked == ["bot"]
