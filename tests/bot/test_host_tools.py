"""What a host may do is decided by whose messages it works on; ours."""

import pytest

from entraclaw.bot.gate import Relation
from entraclaw.bot.host_tools import (
    DEFAULTS,
    UNTOUCHED,
    Call,
    Decision,
    Rule,
    Verdict,
    decide,
    strictest,
)

OURS = "mcp__plugin_entraclaw_entraclaw__"
BY_HAND = "mcp__entraclaw__"
STRICT = {Relation.SPONSOR: Rule.ASK, Relation.ALLOWED: Rule.DENY}


def decided(
    tool: str,
    *relations: str,
    rules: dict[Relation, Rule] | None = None,
    is_subagent: bool = False,
    is_briefed: bool = True,
) -> Verdict:
    call = Call(tool, is_subagent, is_briefed, relations)
    return decide(call, DEFAULTS if rules is None else rules)


@pytest.mark.parametrize("tool", ["Bash", "Write", "WebFetch", "mcp__github__create_issue"])
def test_host_decides_as_ever_while_no_turn_is_open(tool: str) -> None:
    assert decided(tool, rules=STRICT).decision is Decision.PASS


@pytest.mark.parametrize(
    ("relations", "expected"),
    [
        (("sponsor",), Decision.PASS),
        (("allowed",), Decision.ASK),
        (("sponsor", "allowed"), Decision.ASK),
        (("",), Decision.ASK),
        (("a new kind",), Decision.ASK),
    ],
)
def test_strictest_of_the_open_turns_counts(relations: tuple[str, ...], expected: Decision) -> None:
    assert decided("Bash", *relations).decision is expected


def test_rules_are_the_settings_own() -> None:
    assert decided("Bash", "sponsor", rules=STRICT).decision is Decision.ASK
    assert decided("Bash", "sponsor", "allowed", rules=STRICT).decision is Decision.DENY
    assert strictest([], STRICT) is Rule.HOST


@pytest.mark.parametrize("tool", sorted(UNTOUCHED))
def test_tools_that_only_look_are_never_touched(tool: str) -> None:
    assert decided(tool, "allowed", rules=STRICT, is_subagent=True) == Verdict(Decision.PASS)


@pytest.mark.parametrize("tool", ["Read2", "read", "mcp__other__Read", "Bash"])
def test_tool_that_is_only_called_like_one_of_them_is_no_such_tool(tool: str) -> None:
    assert decided(tool, "allowed", rules=STRICT).decision is Decision.DENY


@pytest.mark.parametrize("tool", ["reply", "react", "done", "use_tool", "send", "attach", "newest"])
@pytest.mark.parametrize("server", [OURS, BY_HAND])
def test_our_tools_with_an_effect_wait_for_the_body_prompt(server: str, tool: str) -> None:
    held = decided(server + tool, "allowed", rules=STRICT, is_briefed=False)
    told = decided(server + tool, "allowed", rules=STRICT)

    assert held.decision is Decision.BRIEF
    assert told.decision is Decision.PASS


@pytest.mark.parametrize("tool", ["whoami", "find_tool", "read_conversation", "recall"])
def test_our_tools_that_only_look_never_wait(tool: str) -> None:
    assert decided(OURS + tool, is_briefed=False, is_subagent=True).decision is Decision.PASS


def test_reading_messages_does_not_wait_but_is_not_for_a_sub_agent() -> None:
    """They would be leased to a session whose own context never sees them."""
    assert decided(f"{OURS}read_messages", is_briefed=False).decision is Decision.PASS
    assert decided(f"{OURS}read_messages", is_subagent=True).decision is Decision.DENY


@pytest.mark.parametrize("is_briefed", [True, False])
def test_sub_agent_may_not_answer_and_is_told_who_does(*, is_briefed: bool) -> None:
    verdict = decided(f"{OURS}reply", is_subagent=True, is_briefed=is_briefed)

    assert verdict.decision is Decision.DENY
    assert verdict.reason.startswith("reply is for the session itself")


@pytest.mark.parametrize(
    "tool", ["mcp__entraclaw2__reply", "mcp__plugin_other_entraclaw__reply", "mcp__entraclaw__"]
)
def test_server_of_another_name_is_not_ours(tool: str) -> None:
    assert decided(tool, "allowed", is_briefed=False).decision is Decision.ASK


@pytest.mark.parametrize("relation", ["sponsor", "allowed"])
def test_sub_agent_uses_the_hosts_tools_under_the_sessions_rule(relation: str) -> None:
    """It works for the session, so for the same turn."""
    assert decided("Bash", relation, is_subagent=True) == decided("Bash", relation)
