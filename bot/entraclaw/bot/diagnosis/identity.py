"""Judge who the agent is and how it proves it: key, certificate, clock, Entra, each hop. Pure."""

from collections.abc import Iterator, Mapping
from datetime import datetime

from entraclaw.bot.diagnosis import blame, steps
from entraclaw.bot.diagnosis.blame import HOPS, Cause
from entraclaw.bot.diagnosis.facts import Facts, Held, Kept
from entraclaw.bot.diagnosis.finding import Finding, Group
from entraclaw.bot.principal import ActsAs, Inbound
from entraclaw.errors import EntraclawError
from entraclaw.identity.values import Hop
from entraclaw.tools import Own

SIGNING_KEYS = "signing keys"
_SOON_DAYS = 30
_MINUTE_S = 60


def identity(facts: Facts, causes: Mapping[str, Cause]) -> Iterator[Finding]:
    """Give a line for each thing that the agent's proof depends on."""
    yield _line(blame.KEY, causes, _key(facts), was_seen=isinstance(facts.key, Kept))
    yield _certificate(facts, causes)
    yield _line(blame.CLOCK, causes, _clock(facts), was_seen=isinstance(facts.skew_s, float))
    yield _line(blame.ENTRA, causes, "answers", was_seen=isinstance(facts.skew_s, float))
    yield _signing_keys(facts, causes)
    for hop in _hops(facts):
        yield _hop(hop, facts, causes)
    if blame.POLICY in causes:
        yield _red(causes[blame.POLICY])


def _line(name: str, causes: Mapping[str, Cause], says: str, *, was_seen: bool) -> Finding:
    if name in causes:
        return _red(causes[name])
    if was_seen:
        return Finding(name, says, group=Group.IDENTITY)
    return _unseen(name, causes)


def _red(cause: Cause) -> Finding:
    return Finding(cause.name, cause.says, cause.cure, group=Group.IDENTITY)


def _unseen(name: str, causes: Mapping[str, Cause]) -> Finding:
    return Finding(name, blame.first(causes), group=Group.IDENTITY, is_note=True)


def _key(facts: Facts) -> str:
    if not isinstance(facts.key, Kept):
        return ""
    can = "can be copied" if facts.key.exportable else "cannot leave it"
    return f"in {facts.key.store}, where it {can}; signs {facts.key.facts.algorithm}"


def _certificate(facts: Facts, causes: Mapping[str, Cause]) -> Finding:
    name = blame.CERTIFICATE
    if name in causes:
        return _red(causes[name])
    if not isinstance(facts.key, Kept):
        return _unseen(name, causes)
    ends = datetime.fromisoformat(facts.key.facts.ends)
    days = (ends - facts.now).days
    proved = facts.walk is not None and bool(facts.walk.passed)
    says = f"{'registered; ' if proved else ''}good until {ends:%Y-%m-%d}, {days} days"
    if days < _SOON_DAYS:
        cure = "make a new key in time: docs/identity/keys.md"
        return Finding(name, says, cure, group=Group.IDENTITY, is_note=True)
    return Finding(name, says, group=Group.IDENTITY)


def _clock(facts: Facts) -> str:
    if isinstance(facts.skew_s, EntraclawError):
        return ""
    return f"within {max(1, round(abs(facts.skew_s)))} s of Entra's"


def _signing_keys(facts: Facts, causes: Mapping[str, Cause]) -> Finding:
    is_bot = facts.who.inbound is Inbound.BOT
    owner = "the Bot Framework" if is_bot else "Entra"
    match facts.signing_keys:
        case EntraclawError() as error:
            if blame.ENTRA in causes and not is_bot:
                return _unseen(SIGNING_KEYS, causes)
            says = f"{error}: after a restart, no message could be checked and let in"
            at = facts.who.cloud.bot_openid if is_bot else _keys_of(facts)
            return Finding(SIGNING_KEYS, says, steps.reach(at), group=Group.IDENTITY)
        case number:
            says = f"{owner} publishes {number}"
            return Finding(SIGNING_KEYS, says, group=Group.IDENTITY)


def _keys_of(facts: Facts) -> str:
    return f"{facts.who.cloud.login}/{facts.who.agent.tenant}/discovery/v2.0/keys"


def _hops(facts: Facts) -> Iterator[Hop]:
    if facts.who.acts_as is ActsAs.AGENT_USER:
        yield from (Hop.BLUEPRINT, Hop.AGENT, Hop.USER)
    if facts.who.inbound is Inbound.BOT:
        yield Hop.BOT


def _hop(hop: Hop, facts: Facts, causes: Mapping[str, Cause]) -> Finding:
    name = HOPS[hop]
    if name in causes:
        return _red(causes[name])
    if facts.walk is None or hop not in facts.walk.passed:
        return _unseen(name, causes)
    ms = f"{facts.walk.passed[hop]:.0f} ms"
    if hop is not Hop.USER:
        return Finding(name, f"proved, in {ms}", group=Group.IDENTITY)
    return _user(facts, ms)


def _user(facts: Facts, ms: str) -> Finding:
    name, who = blame.USER, f"{facts.who.agent.user}"
    if facts.account is not None and isinstance(me := facts.account.me, Own):
        if me.parent not in {"", facts.who.agent.agent}:
            says = f"it belongs to the agent identity {me.parent}, and settings name another"
            return Finding(name, says, steps.ids("user", "agent"), group=Group.IDENTITY)
        who = me.upn
    return Finding(name, f"{who}; {ms}{_lasts(facts)}", group=Group.IDENTITY)


def _lasts(facts: Facts) -> str:
    tokens = facts.walk.tokens.values() if facts.walk else ()
    lives = [held.lasts_s for held in tokens if isinstance(held, Held)]
    return f", tokens last {min(lives) / _MINUTE_S:.0f} min" if lives else ""
