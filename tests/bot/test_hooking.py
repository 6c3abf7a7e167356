"""What a host's hooks are told, by a daemon with a real inbox."""

from collections.abc import AsyncGenerator
from typing import Any

import orjson
import pytest

from bot.stage import Stage
from contracts.inbox import every
from entraclaw import prompts
from entraclaw.bot.hooking import Hooking
from entraclaw.bot.inbox import Arrival, Opening
from entraclaw.bot.settings import Settings
from entraclaw.bot.store import Store

REPLY = "mcp__plugin_entraclaw_entraclaw__reply"
ATTENDED = {"id": "context", "attended": True}


class Session:
    """A host session at hand: what waits for it, and what its hooks are told."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self.rested: list[str] = []
        self.now = 100.0
        self.hooking = Hooking(
            settings, store.inbox, self._count, self.rested.append, lambda: self.now
        )
        self.store = store
        self.waiting = 0
        self._number = 0

    async def _count(self, session: str) -> int:
        assert session == "one"
        return self.waiting

    async def hold(self, relation: str, session: str = "one") -> None:
        """Let *session* lease a turn of somebody who is *relation*."""
        self._number += 1
        number = str(self._number)
        arrival = Arrival("t", f"a:{number}", number, "message", number, "ada", b"{}", b"{}", 1.0)
        receipt = await self.store.inbox.append(arrival)
        view = orjson.dumps({"relation": relation})
        await self.store.inbox.open_turn(Opening(receipt.seq, number, f"a:{number}", view), 9)
        await self.store.inbox.claim(session, 1e12, 9, every)

    async def start(self, **changes: object) -> str:
        answer = await self.take("SessionStart", **changes)
        assert answer["hookSpecificOutput"]["hookEventName"] == "SessionStart"
        return str(answer["hookSpecificOutput"]["additionalContext"])

    async def tool(self, tool: str, **changes: object) -> tuple[str, str]:
        """Ask for *tool*; gives the decision and its reason."""
        answer = await self.take("PreToolUse", tool=tool, agent="", **changes)
        specific = answer.get("hookSpecificOutput", {})
        return (
            specific.get("permissionDecision", ""),
            specific.get("permissionDecisionReason", ""),
        )

    async def stop(self, *, again: bool = False, **changes: object) -> str:
        answer = await self.take("Stop", again=again, **changes)
        assert answer.get("decision", "block") == "block"
        return str(answer.get("reason", ""))

    async def take(self, event: str, **changes: object) -> dict[str, Any]:
        return await self.hooking.take("one", {"event": event, **ATTENDED, **changes})


@pytest.fixture
async def session(stage: Stage) -> AsyncGenerator[Session]:
    settings = stage.settings()
    async with Store.open(settings.folder / "inbox.db", lambda: 1.0) as store:
        yield Session(settings, store)


async def test_session_is_told_the_body_prompt_when_it_starts(session: Session) -> None:
    assert await session.start() == prompts.compose()


async def test_session_is_told_how_much_waits_and_what_it_holds(session: Session) -> None:
    session.waiting = 2
    await session.hold("sponsor")
    await session.hold("sponsor", session="another")

    told = await session.start()

    assert "holds open turns: 1." in told
    assert told.endswith("2 Teams messages wait. Call read_messages.\n")


async def test_session_is_told_the_persona_too(session: Session, stage: Stage) -> None:
    (stage.folder / "persona.md").write_text("Sign as Eda.", encoding="utf-8")

    assert "Sign as Eda." in await session.start()


async def test_first_effect_of_a_session_that_was_not_told_is_held_with_the_prompt_once(
    session: Session,
) -> None:
    """It started before there was a daemon, or its hook failed."""
    first = await session.tool(REPLY)
    session.now += 1.0
    second = await session.tool(REPLY)

    decision, reason = first
    assert decision == "deny"
    assert reason.startswith(prompts.compose())
    assert reason.endswith("call the tool once more.")
    assert second == ("", "")


async def test_effects_that_were_asked_for_together_with_the_one_held_are_held_too(
    session: Session,
) -> None:
    """Of several tool calls in one message, none was made by a model that has read it."""
    together = [(await session.tool(REPLY))[0] for _ in range(3)]
    session.now += 0.25

    assert together == ["deny"] * 3
    assert await session.tool(REPLY) == ("", "")


async def test_session_that_was_told_at_its_start_is_not_held(session: Session) -> None:
    await session.start()

    assert await session.tool(REPLY) == ("", "")


async def test_context_that_was_cleared_is_told_anew(session: Session) -> None:
    await session.start()

    assert (await session.tool(REPLY, id="cleared"))[0] == "deny"
    await session.start(id="cleared too")
    assert await session.tool(REPLY, id="cleared too") == ("", "")


async def test_hosts_tools_fall_under_the_rule_for_whose_turn_is_open(session: Session) -> None:
    assert await session.tool("Bash") == ("", "")

    await session.hold("sponsor")
    of_a_sponsor = await session.tool("Bash")
    await session.hold("allowed")
    decision, reason = await session.tool("Bash")

    assert of_a_sponsor == ("", "")
    assert decision == "ask"
    assert "Teams message" in reason
    assert await session.tool("Read") == ("", "")


async def test_turn_of_another_session_binds_nobody_else(session: Session) -> None:
    await session.hold("allowed", session="another")

    assert await session.tool("Bash") == ("", "")


async def test_turn_that_is_closed_binds_nobody(session: Session) -> None:
    await session.hold("allowed")
    await session.store.inbox.close("1")

    assert await session.tool("Bash") == ("", "")


async def test_sub_agent_may_not_answer(session: Session) -> None:
    await session.start()

    answer = await session.take("PreToolUse", tool=REPLY, agent="a1")

    assert answer["hookSpecificOutput"]["permissionDecision"] == "deny"


async def test_what_asked_for_a_permission_is_over_when_the_session_rests(
    session: Session,
) -> None:
    """Its dialogs are closed then, whoever answered them."""
    await session.tool("Bash")
    assert session.rested == []

    await session.stop()
    await session.start()

    assert session.rested == ["one", "one"]


async def test_session_that_wants_to_rest_is_sent_to_what_waits(session: Session) -> None:
    assert await session.stop() == ""

    session.waiting = 1
    assert await session.stop() == "1 Teams message waits. Call read_messages."


async def test_session_that_will_not_read_is_sent_once_and_again_only_for_more(
    session: Session,
) -> None:
    """A host that never reads must not be kept awake for ever."""
    session.waiting = 1
    await session.stop()

    assert await session.stop(again=True) == ""
    session.waiting = 2
    assert await session.stop(again=True) != ""
    assert await session.stop(again=True) == ""
    assert await session.stop() != ""


async def test_run_for_one_result_is_neither_told_of_messages_nor_kept(session: Session) -> None:
    """Its last words are its result."""
    session.waiting = 1

    assert await session.start(attended=False) == prompts.compose()
    assert await session.stop(attended=False) == ""


@pytest.mark.parametrize("event", [{}, {"event": "Notification"}, {"event": ["Stop"]}])
async def test_event_that_is_not_known_is_answered_with_nothing(
    session: Session, event: dict[str, object]
) -> None:
    assert await session.hooking.take("one", event) == {}


async def test_only_so_many_sessions_are_remembered(session: Session) -> None:
    for number in range(300):
        await session.start(id=str(number))

    assert await session.tool(REPLY, id="299") == ("", "")
    assert (await session.tool(REPLY, id="0"))[0] == "deny"
