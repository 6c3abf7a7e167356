"""Decide what a host may do with its tools, by whose messages it works on.

The host asks before it uses a tool, its own or one of ours. What it may do with its own
depends on who wrote the turns that its session holds; several, and the strictest rule
counts. Tools that only look at the machine, or keep the host's own notes, are never
touched. Ours that have an effect wait until the session has been told how things are here,
and are not for sub-agents, which see neither the messages nor the prompt.

Contract: docs/claude-code.md
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum

from entraclaw.bot.gate import Relation

# Claude Code 2.1.330. They read, or change only what the host keeps for itself; what an
# agent that they start does is asked about by itself.
UNTOUCHED = frozenset(
    {
        "Agent", "AskUserQuestion", "BashOutput", "EnterPlanMode", "ExitPlanMode", "Glob", "Grep",
        "LS", "LSP", "ListAgents", "ListMcpResourcesTool", "NotebookRead", "Read",
        "ReadMcpResourceTool", "Skill", "Task", "TaskCreate", "TaskGet", "TaskList", "TaskOutput",
        "TaskUpdate", "TodoRead", "TodoWrite", "ToolSearch",
    }
)  # fmt: skip

# Of our own tools, those without an effect. One that is not listed has one.
LOOKING = frozenset({"find_tool", "read_conversation", "recall", "whoami"})
TAKING = "read_messages"  # takes turns, so not for sub-agents; harmless before the prompt

# As the plugin's server is called, and one that was added by hand under our name.
_OURS = re.compile(r"mcp__(?:plugin_entraclaw_)?entraclaw__([a-z_]+)")


class Rule(StrEnum):
    """What a host may do with its own tools for somebody."""

    HOST = "host"  # as the host itself decides
    ASK = "ask"  # the person at the machine is asked each time
    DENY = "deny"


class Decision(StrEnum):
    """What the host is told."""

    PASS = "pass"  # noqa: S105 - nothing: the host decides
    ASK = "ask"
    DENY = "deny"
    BRIEF = "brief"  # not before the session has been told the body prompt


@dataclass(frozen=True, slots=True)
class Verdict:
    """A decision, and the reason the model is given; empty where it needs none."""

    decision: Decision
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Call:
    """A tool that a host is about to use.

    Attributes:
        tool: Its name, as the host has it.
        is_subagent: It is not the session itself that uses it.
        is_briefed: The session has been told the body prompt.
        relations: Of whoever wrote the turns that the session holds.
    """

    tool: str
    is_subagent: bool
    is_briefed: bool
    relations: Collection[str]


Rules = Mapping[Relation, Rule]

DEFAULTS: Rules = {Relation.SPONSOR: Rule.HOST, Relation.ALLOWED: Rule.ASK}

_PASS = Verdict(Decision.PASS)
_STRICTER = (Rule.HOST, Rule.ASK, Rule.DENY)


def decide(call: Call, rules: Rules) -> Verdict:
    """Say what becomes of *call*."""
    ours = _OURS.fullmatch(call.tool)
    if ours is not None:
        return _for_ours(ours[1], call)
    if call.tool in UNTOUCHED:
        return _PASS
    rule = strictest(call.relations, rules)
    if rule is Rule.HOST:
        return _PASS
    if rule is Rule.ASK:
        return Verdict(
            Decision.ASK, "this session works on a Teams message; look at what it asks for"
        )
    return Verdict(
        Decision.DENY,
        "this machine's tools are not used for whoever sent the open Teams message:"
        " answer with what you know, or say that you cannot",
    )


def strictest(relations: Collection[str], rules: Rules) -> Rule:
    """Find the rule that counts for turns of *relations*; without any turn, the host's own.

    Who is no sponsor falls under the rule for the others, whatever they are.
    """
    found = {
        rules[Relation.SPONSOR if relation == Relation.SPONSOR else Relation.ALLOWED]
        for relation in relations
    }
    return max(found, key=_STRICTER.index, default=Rule.HOST)


def _for_ours(tool: str, call: Call) -> Verdict:
    if tool in LOOKING:
        return _PASS
    if call.is_subagent:
        return Verdict(
            Decision.DENY,
            f"{tool} is for the session itself, not for a sub-agent:"
            " hand back what you found, and it answers",
        )
    if call.is_briefed or tool == TAKING:
        return _PASS
    return Verdict(Decision.BRIEF)
