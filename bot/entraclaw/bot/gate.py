"""Decide who may speak to the agent.

Pure: a sender and what is known about people in, a verdict out. In this version the
agent's sponsors may speak and nobody else may; docs/access.md is the table.
"""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sender:
    """Who an activity says it is from.

    Attributes:
        oid: Entra object id, lower case; empty when the activity names none.
        tenant: The sender's directory, lower case; empty when the activity names none.
    """

    oid: str
    tenant: str


@dataclass(frozen=True, slots=True)
class Deliver:
    """Hand it to the agent."""

    relation: str


@dataclass(frozen=True, slots=True)
class Drop:
    """Record it, and do nothing else."""

    reason: str


Verdict = Deliver | Drop


def may_speak(sender: Sender, sponsors: AbstractSet[str], home: str) -> Verdict:
    """Judge *sender*.

    Args:
        sender: From the admitted activity.
        sponsors: Object ids of the agent user's sponsors. Empty admits nobody.
        home: The agent's own directory.
    """
    if sender.tenant not in {"", home}:
        return Drop("another tenant")
    if sender.oid and sender.oid in sponsors:
        return Deliver("sponsor")
    return Drop("not a sponsor")
