"""One change of who may speak: read from what was typed, told in words, made.

Pure. What a change does to the list is `access`'s to say, and whether the list lets more
people do more afterwards is said here, of any two lists: so no change can be smuggled in
under a name that needs no proof.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from entraclaw.bot.access import Access, Account, read_account, read_code
from entraclaw.bot.plain import plain_name
from entraclaw.errors import EntraclawError

Edit: TypeAlias = Callable[[Access, str, float], Access]  # the list, who says so, unix seconds
Request: TypeAlias = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Change:
    """A change that is ready to be made.

    Attributes:
        what: To end the sentence "somebody asks me to".
        done: What is so afterwards, a sentence without a full stop.
        account: Whom it is about; None where it is about nobody in particular.
        edit: Makes it; may raise `PairingRefused`.
    """

    what: str
    done: str
    account: Account | None
    edit: Edit


def widens(before: Access, after: Access) -> bool:
    """Tell whether somebody may do something by *after* that they may not by *before*."""
    return (
        bool(after.allowed.keys() - before.allowed.keys())
        or bool(before.denied.keys() - after.denied.keys())
        or (after.pairing and not before.pairing)
    )


def read(request: Request, access: Access, now: float) -> Change:
    """Read what is asked for: ``do`` says what, the rest whom.

    A code of pairing is looked up in *access*, so that what is proved names the person.

    Raises:
        PairingRefused: Nobody waits with that code.
        EntraclawError: It is no such request.
    """
    match request.get("do"):
        case "allow":
            return _allow(_account(request), _text(request, "name"))
        case "deny":
            return _deny(_account(request), _text(request, "name"))
        case "remove":
            return _remove(_account(request), access)
        case "pair":
            return _pair(read_code(_text(request, "code")), access, now)
        case "pairing":
            return _pairing(on=request.get("on") is True)
        case _:
            raise EntraclawError("this daemon does not know that change", hint="restart it")


def ids(account: Account) -> str:
    """Write an account as it is typed."""
    return "/".join(account)


def _allow(account: Account, name: str) -> Change:
    noted = plain_name(name)
    return Change(
        f"let {ids(account)} speak" + (f", noted as “{noted}”" if noted else ""),
        f"{ids(account)} may speak",
        account,
        lambda access, by, now: access.allow(account, noted, by, now),
    )


def _deny(account: Account, name: str) -> Change:
    return Change(
        f"refuse {ids(account)}",
        f"{ids(account)} is refused, in silence, unless a sponsor",
        account,
        lambda access, by, now: access.deny(account, name, by, now),
    )


def _remove(account: Account, access: Access) -> Change:
    if access.remove(account) == access:
        raise EntraclawError(
            f"{ids(account)} is not on the list", hint="see `entraclaw access list`"
        )
    return Change(
        f"refuse {ids(account)} no longer",
        f"{ids(account)} is off the list",
        account,
        lambda access, _by, _now: access.remove(account),
    )


def _pair(code: str, access: Access, now: float) -> Change:
    _, who = access.approve(code, "", now)

    def edit(access: Access, by: str, now: float) -> Access:
        return access.approve(code, by, now)[0]

    return Change(
        f"let {ids(who.account)} speak, called “{who.name}” and told a code",
        f"{who.name} {ids(who.account)} may speak".lstrip(),
        who.account,
        edit,
    )


def _pairing(*, on: bool) -> Change:
    return Change(
        "tell colleagues on no list a code, by which a sponsor can let them in",
        f"pairing is {'on' if on else 'off'}",
        None,
        lambda access, _by, _now: access.set_pairing(on=on),
    )


def _account(request: Request) -> Account:
    try:
        return read_account(_text(request, "person"), _text(request, "tenant"))
    except ValueError as error:
        raise EntraclawError(str(error)) from None


def _text(request: Request, name: str) -> str:
    value = request.get(name, "")
    if not isinstance(value, str):
        raise EntraclawError(f"{name} must be a text")
    return value


def differences(before: Access, after: Access) -> list[str]:
    """Say line by line what *after* has that *before* had not, and the reverse.

    Names and dates count: they are what a person reads the list by. Codes of pairing are
    counted, not shown.
    """
    lines = [
        f"{sign} {kind} {ids(account)} {note.name}".rstrip()
        for kind, old, new in (
            ("allowed", before.allowed, after.allowed),
            ("denied", before.denied, after.denied),
        )
        for sign, one, other in (("-", old, new), ("+", new, old))
        for account, note in one.items()
        if other.get(account) != note
    ]
    if before.pairing != after.pairing:
        lines.append(f"+ pairing {'on' if after.pairing else 'off'}")
    if before.pending != after.pending:
        lines.append(f"+ {len(after.pending)} with a code, before {len(before.pending)}")
    return lines
