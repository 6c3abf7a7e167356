"""Find what is wrong with the way to tokens: each cause once, under the name it belongs to.

One cause stops everything behind it, so that what came of a later step says nothing more.
Pure. The numbers: docs/identity/token-chain.md#what-a-refusal-means
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from entraclaw.bot.diagnosis import steps
from entraclaw.bot.diagnosis.facts import Facts, Held, Kept
from entraclaw.errors import EntraclawError, HopRefused, KeyMisused, Unreachable
from entraclaw.identity.features import Want
from entraclaw.identity.values import Hop

CERTIFICATE, CLOCK, ENTRA, KEY = "certificate", "clock", "Entra", "key"
POLICY, USER = "Conditional Access", "agent user"
HOPS: Mapping[Hop, str] = {
    Hop.BLUEPRINT: "blueprint",
    Hop.AGENT: "agent identity",
    Hop.USER: USER,
    Hop.BOT: "bot",
}

SKEWED_S = 60.0
_POLICIES = frozenset({"AADSTS53000", "AADSTS53003"})


@dataclass(frozen=True, slots=True)
class Cause:
    """Why something is red.

    Attributes:
        name: Of the line it makes red.
        says: One sentence without a full stop.
        cure: One command, or one step.
    """

    name: str
    says: str
    cure: str


def first(causes: Mapping[str, Cause]) -> str:
    """Say what is in the way of everything that could not be asked."""
    name = next(iter(causes), "")
    return f"not known: {name} comes first" if name else "not known"


def causes(facts: Facts) -> Mapping[str, Cause]:
    """List what is wrong from the key to the tokens, by the name of its line."""
    found: dict[str, Cause] = {}
    for cause in _causes(facts):
        found.setdefault(cause.name, cause)
    return found


def _causes(facts: Facts) -> Iterator[Cause]:
    yield from _of_key(facts)
    yield from _of_clock(facts)
    if isinstance(facts.skew_s, EntraclawError) and not _has_token(facts):
        yield _of_entra(facts.skew_s, facts)
    else:
        yield from _of_walk(facts)


def _has_token(facts: Facts) -> bool:
    tokens = facts.walk.tokens.values() if facts.walk else ()
    return any(isinstance(came, Held) for came in tokens)


def _of_key(facts: Facts) -> Iterator[Cause]:
    if not isinstance(facts.key, Kept):
        cure = facts.key.hint or "entraclaw key list says what each store holds"
        yield Cause(KEY, str(facts.key), cure)
        return
    key = facts.key.facts
    if (key.login, key.tenant) != (facts.who.cloud.login, facts.who.agent.tenant):
        says = f"it was made for the tenant {key.tenant} at {key.login}, and signs for no other"
        yield Cause(KEY, says, "correct tenant and cloud in config.toml, or make a new key")
    if facts.now >= (ends := datetime.fromisoformat(key.ends)):
        yield Cause(CERTIFICATE, f"it ended on {ends:%Y-%m-%d}", steps.renew())
    if facts.now < (begins := datetime.fromisoformat(key.begins)):
        says = f"the key's certificate begins on {begins:%Y-%m-%d}, which is not yet here"
        yield Cause(CLOCK, says, steps.clock(facts.platform))


def _of_clock(facts: Facts) -> Iterator[Cause]:
    if isinstance(facts.skew_s, float) and abs(facts.skew_s) >= SKEWED_S:
        minutes = f"{abs(facts.skew_s) / 60:.0f} min"
        way = "behind" if facts.skew_s > 0 else "ahead of"
        yield Cause(
            CLOCK, f"this machine's is {minutes} {way} Entra's", steps.clock(facts.platform)
        )


def _of_walk(facts: Facts) -> Iterator[Cause]:
    if facts.walk is None:
        return
    blocked: list[str] = []
    for name, came in facts.walk.tokens.items():
        match came:
            case HopRefused(code=code, is_passing=False) if code in _POLICIES:
                blocked.append(name)
            case EntraclawError() as error:
                yield _of_error(error, name, facts)
            case _:
                pass
    if blocked:
        says = f"a policy of the tenant blocks the agent at {' and '.join(blocked)}"
        yield Cause(POLICY, says, steps.policy(facts.who))


def _of_error(error: EntraclawError, resource: str, facts: Facts) -> Cause:
    match error:
        case HopRefused(is_passing=True) | Unreachable():
            return _of_entra(error, facts)
        case HopRefused():
            return _of_hop(error, resource, facts)
        case KeyMisused():  # the key was looked at before: it is the metadata
            return Cause(ENTRA, str(error), error.hint)
        case _:
            return Cause(KEY, str(error), error.hint or steps.AGAIN)


def _of_entra(error: EntraclawError, facts: Facts) -> Cause:
    who = facts.who
    match error:
        case HopRefused(code="AADSTS90002"):
            return Cause(
                ENTRA, f"it knows no tenant {who.agent.tenant}", steps.ids("tenant", "cloud")
            )
        case (
            HopRefused(retry_after=seconds, is_passing=True)
            | Unreachable(retry_after=seconds, is_passing=True)
        ):
            says = "it is busy, and asks to be left alone"
            return Cause(
                ENTRA, f"{says} for {seconds:.0f} s" if seconds else says, steps.wait(seconds)
            )
        case HopRefused():
            return Cause(ENTRA, str(error), error.hint)
        case _:
            return Cause(ENTRA, str(error), steps.reach(who.cloud.login))


def _of_hop(error: HopRefused, resource: str, facts: Facts) -> Cause:
    hop = Hop(error.hop)
    known = _KNOWN.get(error.code)
    if known is not None:
        return known(hop, facts)
    if hop is Hop.USER and (want := _want(resource, facts.who.wants)) is not None:
        return _of_resource(error, want, facts)
    return Cause(HOPS[hop], f"Entra refused it ({error.code})", error.hint)


def _of_resource(error: HopRefused, want: Want, facts: Facts) -> Cause:
    match error.code:
        case "AADSTS65001":
            says = f"nobody consented to {', '.join(sorted(want.scopes))}, or it was taken back"
            return Cause(want.name, says, steps.consent(facts.who, want, want.scopes))
        case "AADSTS500011":
            return Cause(want.name, "the tenant does not know this resource", steps.resource(want))
        case code:
            return Cause(want.name, f"Entra gives no token for it ({code})", error.hint)


def _want(name: str, wants: Sequence[Want]) -> Want | None:
    return next((want for want in wants if want.name == name), None)


def _unregistered(hop: Hop, facts: Facts) -> Cause:
    where = HOPS[hop]
    says = f"it is not registered on the {where}"
    if isinstance(facts.key, Kept) and facts.past.sent_at > _begins(facts.key):
        says = (
            f"it was registered on the {where}, an answer went out with it on "
            f"{_day(facts.past.sent_at)}, and is not any more: another machine's took its place, "
            "or somebody removed it"
        )
    return Cause(CERTIFICATE, says, steps.register(facts.who))


def _begins(key: Kept) -> float:
    return datetime.fromisoformat(key.facts.begins).timestamp()


def _wrong_credential(_: Hop, facts: Facts) -> Cause:
    return Cause(CERTIFICATE, "Entra does not take what it signs", steps.register(facts.who))


def _untimely(_: Hop, facts: Facts) -> Cause:
    says = "Entra says that what this machine signs is not valid now"
    return Cause(CLOCK, says, steps.clock(facts.platform))


def _no_tenant(_: Hop, facts: Facts) -> Cause:
    says = f"it knows no tenant {facts.who.agent.tenant}"
    return Cause(ENTRA, says, steps.ids("tenant", "cloud"))


def _unknown_application(hop: Hop, _: Facts) -> Cause:
    name = HOPS[hop]
    says = f"the tenant has no such {name}: its id is wrong, or it was deleted"
    return Cause(name, says, steps.ids({Hop.AGENT: "agent"}.get(hop, hop.value)))


def _no_principal(hop: Hop, facts: Facts) -> Cause:
    name = HOPS[hop]
    return Cause(name, f"the {name} has no principal in this tenant", steps.principal(facts.who))


def _disabled(hop: Hop, facts: Facts) -> Cause:
    agent = facts.who.agent
    ids = {Hop.BLUEPRINT: agent.blueprint, Hop.BOT: agent.bot}
    return Cause(HOPS[hop], "it is disabled", steps.enable(ids.get(hop, agent.agent)))


def _not_its_own(_: Hop, __: Facts) -> Cause:
    says = "it is not one of this blueprint's"
    return Cause(HOPS[Hop.AGENT], says, steps.ids("blueprint", "agent"))


def _no_user(_: Hop, facts: Facts) -> Cause:
    if facts.past.sent_at and facts.past.is_same:
        says = f"it answered on {_day(facts.past.sent_at)}, and is gone: somebody deleted it"
        return Cause(USER, says, steps.restore(facts.who))
    says = "there is none of this id, or it belongs to another agent identity"
    return Cause(USER, says, steps.ids("user", "agent"))


def _user_disabled(_: Hop, facts: Facts) -> Cause:
    return Cause(USER, "it is disabled", steps.enable_user(facts.who))


def _day(unix: float) -> str:
    return f"{datetime.fromtimestamp(unix, UTC):%Y-%m-%d}"


_KNOWN: Mapping[str, Callable[[Hop, Facts], Cause]] = {
    "AADSTS700027": _unregistered,
    "AADSTS7000215": _wrong_credential,
    "AADSTS7000222": _wrong_credential,
    "AADSTS700024": _untimely,
    "AADSTS90002": _no_tenant,
    "AADSTS700016": _unknown_application,
    "AADSTS7000229": _no_principal,
    "AADSTS7000112": _disabled,
    "AADSTS700211": _not_its_own,
    "AADSTS50034": _no_user,
    "AADSTS50057": _user_disabled,
}
