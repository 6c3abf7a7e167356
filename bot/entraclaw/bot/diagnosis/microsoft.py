"""Judge what Microsoft 365 grants and gives: consent, sponsors, licence, mailbox. Pure."""

from collections.abc import Iterator, Mapping

from entraclaw.bot.diagnosis import blame, steps
from entraclaw.bot.diagnosis.blame import Cause
from entraclaw.bot.diagnosis.facts import Account, Facts, Held
from entraclaw.bot.diagnosis.finding import Finding, Group
from entraclaw.bot.principal import ActsAs
from entraclaw.errors import CallRefused, EntraclawError, Unreachable
from entraclaw.identity.features import GRAPH, Feature, Want
from entraclaw.tools import Licence

_MAILS = frozenset({Feature.MAIL, Feature.CALENDAR})
_NO_MAILBOX = frozenset({"MailboxNotEnabledForRESTAPI", "ErrorNonExistentMailbox"})
_UNAUTHORISED, _NOT_FOUND = 401, 404
_SUCCESS, _PENDING = "Success", "Pending"
# Add-ons to Teams and devices of its own begin with the same word.
_TEAMS, _NOT_TEAMS = "TEAMS", ("TEAMSPRO", "TEAMSMULTIGEO", "TEAMS_ROOM", "TEAMS_PREM")
_EXCHANGE = "EXCHANGE_S_"


def microsoft(facts: Facts, causes: Mapping[str, Cause]) -> Iterator[Finding]:
    """Give a line for each resource, and for what Graph says of the agent user."""
    if facts.who.acts_as is not ActsAs.AGENT_USER:
        says = f"acts_as is {facts.who.acts_as}: the agent has no account here"
        yield _note("account", says)
        return
    for want in facts.who.wants:
        yield _resource(want, facts, causes)
    if facts.account is None:
        yield from (_unasked(name, causes) for name in ("sponsors", "licence", "mailbox"))
        return
    yield _sponsors(facts.account)
    yield _licence(facts.account)
    yield _mailbox(facts.account, facts)


def _resource(want: Want, facts: Facts, causes: Mapping[str, Cause]) -> Finding:
    if want.name in causes:
        cause = causes[want.name]
        return _red(want.name, cause.says, cause.cure)
    held = facts.walk.tokens.get(want.name) if facts.walk else None
    if not isinstance(held, Held):
        return _unasked(want.name, causes)
    if held.scopes is None:
        return _note(want.name, "gives a token that only it can read: its scopes are not known")
    missing = want.missing(held.scopes)
    if missing:
        says = f"not granted: {', '.join(missing)}"
        return _red(want.name, says, steps.consent(facts.who, want, missing))
    trouble = _trouble(facts) if want.name == GRAPH else None
    return trouble or _line(want.name, f"granted: {', '.join(sorted(want.scopes))}")


def _trouble(facts: Facts) -> Finding | None:
    """Say why Graph does not answer, whatever it was asked."""
    account = facts.account
    if account is None:
        return None
    for came in (account.me, account.sponsors, account.licences, account.mailbox):
        match came:
            case CallRefused(is_passing=True) as error:
                says = f"it is busy, or in trouble ({error.status} {error.code})"
                return _red(GRAPH, says, f"{error.hint or 'wait a minute'}, then {steps.AGAIN}")
            case CallRefused(status=status) as error if status == _UNAUTHORISED:
                says = f"it does not take the token that Entra gave ({error.code})"
                return _red(GRAPH, says, steps.wait(None))
            case Unreachable() as error:
                return _red(GRAPH, str(error), steps.reach(facts.who.cloud.graph))
            case _:
                pass
    return None


def _sponsors(account: Account) -> Finding:
    match account.sponsors:
        case EntraclawError() as error:
            return _unread("sponsors", error)
        case ():
            says = "none that is a user: only people on the list may speak to the agent"
            return _red("sponsors", says, steps.sponsor())
        case people:
            return _line("sponsors", ", ".join(one.name for one in people))


def _licence(account: Account) -> Finding:
    match account.licences:
        case EntraclawError() as error:
            return _unread("licence", error)
        case ():
            return _red("licence", "none is assigned to the agent user", steps.licence())
        case licences:
            return _of_plans(licences)


def _of_plans(licences: tuple[Licence, ...]) -> Finding:
    names = ", ".join(one.name for one in licences)
    teams = {
        state
        for one in licences
        for plan, state in one.plans.items()
        if plan.startswith(_TEAMS) and not plan.startswith(_NOT_TEAMS)
    }
    if _SUCCESS in teams:
        return _line("licence", f"{names}, with Teams")
    if any(state.startswith(_PENDING) for state in teams):
        return _note("licence", f"{names}: Teams is being set up, which takes some minutes")
    says = f"Teams is turned off in {names}" if teams else f"no Teams in {names}"
    return _red("licence", says, steps.licence())


def _mailbox(account: Account, facts: Facts) -> Finding:
    match account.mailbox:
        case None:
            return _note("mailbox", "not known: no permission for mail is granted")
        case CallRefused(status=status, code=code) if status == _NOT_FOUND or code in _NO_MAILBOX:
            return _no_mailbox(account, facts)
        case EntraclawError() as error:
            return _unread("mailbox", error)
        case _:
            return _line("mailbox", "Exchange answers for it")


def _no_mailbox(account: Account, facts: Facts) -> Finding:
    licences = account.licences if isinstance(account.licences, tuple) else None
    if licences == ():
        return _note("mailbox", "none, as there is no licence")
    comes = licences is None or any(
        plan.startswith(_EXCHANGE) and state != "Disabled"
        for one in licences
        for plan, state in one.plans.items()
    )
    if comes:
        says = "not ready: Exchange has none yet; after a licence it takes 15 minutes and more"
        return _red("mailbox", says, steps.wait(900))
    if _MAILS & set(facts.who.features):
        return _red("mailbox", "no licence comes with one", steps.licence(" PRODUCT"))
    return _note("mailbox", "no licence comes with one, and nothing here needs it")


def _unread(name: str, error: EntraclawError) -> Finding:
    return _note(name, f"not known: {error}")


def _unasked(name: str, causes: Mapping[str, Cause]) -> Finding:
    return _note(name, blame.first(causes))


def _line(name: str, says: str) -> Finding:
    return Finding(name, says, group=Group.MICROSOFT)


def _note(name: str, says: str) -> Finding:
    return Finding(name, says, group=Group.MICROSOFT, is_note=True)


def _red(name: str, says: str, cure: str) -> Finding:
    return Finding(name, says, cure, group=Group.MICROSOFT)
