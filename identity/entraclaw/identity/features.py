"""What each feature of the agent needs to be granted: which resource, which delegated scopes.

Pure data, read by whoever grants consent and by whoever compares it with what is there. A
broader scope stands for the ones it includes.

Scopes: https://learn.microsoft.com/graph/permissions-reference. The agent channel's, without
which no answer leaves the connector: docs/identity/token-chain.md. Work IQ has one resource
for each of its servers: https://learn.microsoft.com/microsoft-365/agents-sdk/
"""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import StrEnum

from entraclaw.identity.cloud import Cloud

GRAPH, CHANNEL, WORK_IQ_WORD = "Graph", "agent channel", "Work IQ Word"

_WORD_SERVER = "c2d0c2b6-8013-4346-9f8b-b81d3b754a29"  # the same in every tenant that has it


class Feature(StrEnum):
    """What the agent is to do; it always chats."""

    CHAT = "chat"
    MAIL = "mail"
    CALENDAR = "calendar"
    FILES = "files"
    WORD = "word"


@dataclass(frozen=True, slots=True)
class Want:
    """Delegated scopes of one resource.

    Attributes:
        name: What people call the resource.
        resource: Its address or application id, with which a scope begins.
        scopes: The permissions, such as ``ChatMessage.Send``.
    """

    name: str
    resource: str
    scopes: frozenset[str]

    @property
    def scope(self) -> str:
        """What a token for it is asked for with."""
        return f"{self.resource}/.default"

    def missing(self, held: AbstractSet[str]) -> tuple[str, ...]:
        """Name the scopes that *held* neither has nor includes, in alphabetical order."""
        covered = frozenset(held).union(*(included(one) for one in held))
        return tuple(sorted(self.scopes - covered))


_SCOPES: Mapping[Feature, Mapping[str, frozenset[str]]] = {
    Feature.CHAT: {
        GRAPH: frozenset({"Chat.Read", "ChatMessage.Send", "User.Read", "User.ReadBasic.All"}),
        CHANNEL: frozenset({"AgentData.ReadWrite"}),
    },
    Feature.MAIL: {GRAPH: frozenset({"Mail.ReadWrite", "Mail.Send"})},
    Feature.CALENDAR: {GRAPH: frozenset({"Calendars.ReadWrite"})},
    Feature.FILES: {GRAPH: frozenset({"Files.ReadWrite.All"})},
    Feature.WORD: {
        GRAPH: frozenset({"Files.ReadWrite.All"}),
        WORK_IQ_WORD: frozenset({"Tools.ListInvoke.All"}),
    },
}

_INCLUDED: Mapping[str, frozenset[str]] = {
    "Chat.ReadWrite": frozenset({"Chat.Read", "ChatMessage.Send"}),
    "User.ReadWrite": frozenset({"User.Read"}),
    "User.Read.All": frozenset({"User.Read", "User.ReadBasic.All"}),
}


def wanted(features: Iterable[Feature], cloud: Cloud) -> tuple[Want, ...]:
    """List what *features* need in *cloud*, each resource once, Graph first."""
    resources = {GRAPH: cloud.graph, CHANNEL: cloud.agent_channel, WORK_IQ_WORD: _WORD_SERVER}
    needs: dict[str, frozenset[str]] = {}
    for feature in {Feature.CHAT, *features}:
        for name, scopes in _SCOPES[feature].items():
            needs[name] = needs.get(name, frozenset()) | scopes
    return tuple(
        Want(name, resource, needs[name]) for name, resource in resources.items() if name in needs
    )


def included(scope: str) -> frozenset[str]:
    """Name the scopes that *scope* stands for besides itself."""
    return _INCLUDED.get(scope, frozenset())


def is_offered(feature: Feature, cloud: Cloud) -> bool:
    """Tell whether *cloud* has what *feature* needs."""
    return bool(cloud.work_iq) or WORK_IQ_WORD not in _SCOPES[feature]
