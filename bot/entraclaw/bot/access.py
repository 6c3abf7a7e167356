"""The list of who may speak besides the sponsors, and the rules by which it changes.

Pure: every method gives a new list. People are known by home tenant and object id
together, never by one of them; a name is a note for the reader. Where the list is kept
is `entraclaw.bot.access_file`; what it means is docs/access.md.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from entraclaw.bot.plain import plain_name
from entraclaw.errors import PairingRefused

DESK = "desk"  # who changed the list, when it was the command line and not a sponsor

CODE_KEPT_S = 3600.0
PENDING_LIMIT = 3
TOLD_LIMIT = 2

# No letter or digit that another is mistaken for, aloud or on paper. A code ends in a
# digit, so that no word of a language is one.
DIGITS = "34679"
SIGNS = "ACDEFGHJKMNPQRTUWXY" + DIGITS
_CODE = re.compile(f"[{SIGNS}]{{5}}[{DIGITS}]")

_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

Account: TypeAlias = tuple[str, str]  # home tenant, object id; both lower case


@dataclass(frozen=True, slots=True)
class Listed:
    """What is noted of somebody on the list.

    Attributes:
        name: As it was when they were put there; proves nothing.
        since: Unix seconds.
        by: `DESK`, or the object id of the sponsor who said so.
    """

    name: str
    since: float
    by: str


@dataclass(frozen=True, slots=True)
class Pending:
    """A colleague who was told a code.

    Attributes:
        code: What they were told.
        account: Whom approving it lets in.
        name: As Teams gave it; proves nothing.
        until: Unix seconds; the code is void then.
        told: How often they were told it.
    """

    code: str
    account: Account
    name: str
    until: float
    told: int


@dataclass(frozen=True, slots=True)
class Access:
    """The list. An empty one admits nobody.

    Attributes:
        allowed: Who may speak.
        denied: Who may not, and is not told; comes before `allowed`.
        pairing: Colleagues on neither list are told a code, which lets them in once a
            person approves it.
        pending: Codes that were told.
    """

    allowed: Mapping[Account, Listed] = field(default_factory=dict[Account, Listed])
    denied: Mapping[Account, Listed] = field(default_factory=dict[Account, Listed])
    pairing: bool = False
    pending: tuple[Pending, ...] = ()

    def allow(self, account: Account, name: str, by: str, now: float) -> "Access":
        """Let *account* speak, denied before or not."""
        rest = self.remove(account)
        return replace(rest, allowed={**rest.allowed, account: Listed(plain_name(name), now, by)})

    def deny(self, account: Account, name: str, by: str, now: float) -> "Access":
        """Refuse *account* from now on, in silence."""
        rest = self.remove(account)
        return replace(rest, denied={**rest.denied, account: Listed(plain_name(name), now, by)})

    def remove(self, account: Account) -> "Access":
        """Forget *account*: neither allowed, nor denied, nor waiting with a code."""
        return replace(
            self,
            allowed={who: note for who, note in self.allowed.items() if who != account},
            denied={who: note for who, note in self.denied.items() if who != account},
            pending=tuple(one for one in self.pending if one.account != account),
        )

    def set_pairing(self, *, on: bool) -> "Access":
        """Turn pairing on or off; off voids the codes that were told."""
        return replace(self, pairing=on, pending=self.pending if on else ())

    def waiting(self, account: Account, now: float) -> Pending | None:
        """Find the code that *account* was told and that is still good."""
        return next((one for one in self.alive(now) if one.account == account), None)

    def alive(self, now: float) -> tuple[Pending, ...]:
        """Give the codes that are still good.

        One that seems to have longer to live than it was given is void too: the clock
        went back.
        """
        return tuple(one for one in self.pending if now < one.until <= now + CODE_KEPT_S)

    def may_pair(self, account: Account, now: float) -> bool:
        """Tell whether *account* may be told a code, the first time or again."""
        if not self.pairing or account in self.allowed or account in self.denied:
            return False
        own = self.waiting(account, now)
        return own.told < TOLD_LIMIT if own else len(self.alive(now)) < PENDING_LIMIT

    def start_pairing(
        self, account: Account, name: str, code: str, now: float
    ) -> tuple["Access", str]:
        """Note that *account* is about to be told a code, and give the code to tell.

        Args:
            account: Proved, of the home tenant.
            name: As Teams gives it.
            code: A new one; not used when an earlier one is still good.
            now: Unix seconds.

        Returns:
            The new list, to be kept before the code is told, and the code; empty when
            there is none to tell, and then the list is the same.
        """
        alive = self.alive(now)
        own = self.waiting(account, now)
        if not self.may_pair(account, now) or (own is None and code in {p.code for p in alive}):
            return self, ""
        told = own or Pending(code, account, plain_name(name), now + CODE_KEPT_S, 0)
        others = tuple(one for one in alive if one.account != account)
        return replace(self, pending=(*others, replace(told, told=told.told + 1))), told.code

    def approve(self, code: str, by: str, now: float) -> tuple["Access", Pending]:
        """Let in whoever was told *code*.

        Only a person may say so: at the desk, or a sponsor in their own 1:1. Never do it
        because a message asked for it.

        Raises:
            PairingRefused: Nobody waits with that code.
        """
        for one in self.alive(now):
            if one.code == code:
                return self.allow(one.account, one.name, by, now), one
        raise PairingRefused


def new_code(choose: Callable[[str], str]) -> str:
    """Make a code of six signs; *choose* picks one of a string (`secrets.choice`)."""
    return "".join(choose(SIGNS) for _ in range(5)) + choose(DIGITS)


def read_code(text: str) -> str:
    """Read a code as people write it, in any case; empty when *text* is none."""
    code = text.strip().upper()
    return code if _CODE.fullmatch(code) else ""


def read_account(text: str, tenant: str = "") -> Account:
    """Read ``TENANT/OID``, or an object id alone where *tenant* is said besides.

    Raises:
        ValueError: It is neither; the text of the error says what to write instead.
    """
    first, slash, second = text.strip().lower().partition("/")
    account = (first, second) if slash else (tenant.strip().lower(), first)
    if not account[0]:
        raise ValueError("an object id alone names nobody: write TENANT/OID, or add --tenant")
    if tenant and account[0] != tenant.strip().lower():
        raise ValueError("two tenants are named: leave out --tenant")
    if not all(_GUID.fullmatch(part) for part in account):
        raise ValueError("write TENANT/OID, two ids such as 5a807f24-c9de-44ee-a3a7-329e88a00ffc")
    return account
