"""Facts of a healthy agent, and how a change of them is judged."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from entraclaw.bot.diagnosis.blame import causes
from entraclaw.bot.diagnosis.facts import Account, Facts, Held, Kept, Past, Walk, Who
from entraclaw.bot.diagnosis.finding import Finding
from entraclaw.bot.diagnosis.identity import identity
from entraclaw.bot.diagnosis.microsoft import microsoft
from entraclaw.bot.key_look import Facts as KeyFacts
from entraclaw.bot.principal import ActsAs, Inbound
from entraclaw.errors import EntraclawError, HopRefused
from entraclaw.identity import AgentIds, Hop
from entraclaw.identity.cloud import BUILT_IN
from entraclaw.identity.features import CHANNEL, GRAPH, Feature, wanted
from entraclaw.tools import Licence, Own, Person

CLOUD = BUILT_IN["public"]
IDS = AgentIds("t", "blueprint-id", "agent-id", "user-id")
NOW = datetime(2026, 11, 24, tzinfo=UTC)
KEY = KeyFacts(
    "x", "PS256", "2026-01-01T00:00:00+00:00", "2027-01-01T00:00:00+00:00", CLOUD.login, "t"
)
SCOPES = frozenset({"Chat.ReadWrite", "User.Read", "User.ReadBasic.All"})
ADA = Person("a", "Ada", "ada@contoso.example")
LICENCE = Licence("SPE_E5", {"TEAMS1": "Success", "EXCHANGE_S_ENTERPRISE": "Success"})

WHO = Who(
    "default",
    IDS,
    Inbound.AGENTIC,
    ActsAs.AGENT_USER,
    CLOUD,
    (Feature.CHAT,),
    wanted((), CLOUD),
)
BOT = replace(
    WHO, agent=AgentIds("t", bot="bot-id"), inbound=Inbound.BOT, acts_as=ActsAs.BOT, wants=()
)
PASSED = {Hop.BLUEPRINT: 1.0, Hop.AGENT: 1.0, Hop.USER: 1.0}
TOKENS: dict[str, Held | EntraclawError] = {
    GRAPH: Held(SCOPES, 3600),
    CHANNEL: Held(frozenset({"AgentData.ReadWrite"}), 4000),
}
ACCOUNT = Account(Own("Claw", "claw@contoso.example", "agent-id"), (ADA,), (LICENCE,), mailbox=True)
HEALTHY = Facts(
    who=WHO,
    now=NOW,
    platform="linux",
    past=Past(),
    key=Kept("keyring", exportable=True, facts=KEY),
    skew_s=0.4,
    signing_keys=4,
    walk=Walk(PASSED, TOKENS),
    account=ACCOUNT,
)


def judged(facts: Facts = HEALTHY, **changes: Any) -> dict[str, Finding]:  # noqa: ANN401 - fields of a dataclass
    """Every line about *facts* with *changes*, by its name."""
    facts = replace(facts, **changes)
    found = causes(facts)
    listed = [*identity(facts, found), *microsoft(facts, found)]
    by_name = {one.name: one for one in listed}
    assert len(by_name) == len(listed), "two lines have one name"
    return by_name


def red(facts: Facts = HEALTHY, **changes: Any) -> dict[str, Finding]:  # noqa: ANN401 - fields of a dataclass
    return {name: one for name, one in judged(facts, **changes).items() if not one.is_well}


def account(**changes: Any) -> dict[str, Finding]:  # noqa: ANN401 - fields of a dataclass
    """The same for a change of what Graph says."""
    return judged(account=replace(ACCOUNT, **changes))


def refused(code: str, hop: Hop = Hop.BLUEPRINT, *, facts: Facts = HEALTHY) -> dict[str, Finding]:
    """The red lines when *hop* is refused with *code*."""
    error = HopRefused(hop, code, hint="docs/identity/token-chain.md")
    passed: dict[Hop, float] = {
        one: 1.0 for one in Hop if hop is Hop.USER and one in {Hop.BLUEPRINT, Hop.AGENT}
    }
    return red(facts, walk=Walk(passed, {GRAPH: error}), account=None)
