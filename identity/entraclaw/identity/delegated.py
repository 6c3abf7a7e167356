"""Get tokens as the person who signed in, without ever asking that person anything.

`entraclaw sign-in` leaves a refresh token, sealed; here it is traded for access tokens, and
the one that comes with each answer takes its place. Nobody signed in, a sign-in that has
ended, another account: each is `SignedOut`, and nobody else steps in.

The file is looked at each time, so that what another process did (signed in, or out) holds
at once. Every call blocks: `entraclaw.identity.minter` keeps it off the event loop.

Contract, with sources: docs/identity/delegated.md
"""

import threading
from collections.abc import Callable, Mapping

import msal

from entraclaw.errors import HopRefused, SignedOut
from entraclaw.identity.cloud import Cloud
from entraclaw.identity.entra import Clock, Entra, PublicApplication, Result, reached
from entraclaw.identity.refusals import must_sign_in
from entraclaw.identity.sign_in_file import Account, Mark, SignIn, SignInFile
from entraclaw.identity.values import Hop, HopTiming, Token

# Asked for by name, each for what is done today. `.default` would ask for all that somebody
# ever registered for the application: more than is needed, and an administrator's to give.
_FEATURES = ("User.Read", "Chat.ReadWrite", "ChatMessage.Send")
UNREAD: Mark = (-1, -1, -1)  # the mark of no file that there is
_ENDED = "the sign-in has ended, or was revoked"


class LastingCache(msal.SerializableTokenCache):  # type: ignore[misc]  # msal ships no types
    """msal's cache without access tokens: the minter keeps those, and nothing on the disk does."""

    def modify(
        self,
        credential_type: str,
        old_entry: Mapping[str, str],
        new_key_value_pairs: Mapping[str, str] | None = None,
    ) -> None:
        """Keep what lasts."""
        if credential_type != self.CredentialType.ACCESS_TOKEN:
            super().modify(credential_type, old_entry, new_key_value_pairs)  # pyright: ignore[reportUnknownMemberType]  # msal ships no types


class Delegated:
    """The person signed in at one public client: a `TokenSource`."""

    def __init__(
        self,
        file: SignInFile,
        cloud: Cloud,
        client: tuple[str, str],
        clock: Clock,
        observe: Callable[[HopTiming], None],
    ) -> None:
        """Remember who and where; nothing is read or asked before the first token is.

        Args:
            file: What the person's sign-in left.
            cloud: Which Entra.
            client: The tenant and the public client in it.
            clock: Dates tokens.
            observe: Told how long each request took.
        """
        tenant, self._client = client
        self._file, self._tenant = file, tenant
        self._scopes = {cloud.graph_scope: scopes(cloud)}
        self._entra = Entra(cloud, tenant, clock, observe, first=Hop.PERSON)
        self._lock = threading.Lock()
        self._mark: Mark | None = UNREAD
        self._held: SignIn | None = None
        self._ended: Mark | None = None  # the file with which Entra said no

    def account(self) -> Account | None:
        """Name the person we act for; None if nobody is signed in.

        Raises:
            SignInUnreadable: What is kept of the sign-in cannot be opened.
            KeyUnavailable: The keyring cannot be used, or is locked.
        """
        with self._lock:
            held = self._read()
        return held.account if held else None

    def mark(self) -> Mark | None:
        """Tell the sign-in as it is from what it was or will be; None if there is none."""
        return self._file.mark()

    @property
    def is_good(self) -> bool:
        """Whether there is a sign-in of which Entra has not said that it is over."""
        mark = self._file.mark()
        return mark is not None and mark != self._ended

    def token(self, scope: str, claims: str = "") -> Token:
        """Get a token of the person for *scope*.

        *claims* is what a resource demands of the token (a claims challenge, JSON).

        Raises:
            SignedOut: Nobody is signed in, or not any more.
            HopRefused: Entra said no for another reason.
            Unreachable: Entra did not answer.
            KeyUnavailable: The sign-in cannot be read or written right now.
            KeyMisused: Entra's metadata is for another tenant or login host.
        """
        wanted = self._scopes.get(scope)
        if wanted is None:
            raise SignedOut(
                "nobody signed in for this resource",
                hint="what is asked for as a person is named in docs/identity/delegated.md",
            )
        with self._lock:  # not while Entra is asked: others want to know who it is
            held, mark = self._read(), self._mark
        if held is None:
            raise SignedOut("nobody is signed in to act for")
        if mark == self._ended:
            raise SignedOut(_ENDED)
        return self._renewed(held, mark, wanted, scope, claims)

    def _read(self) -> SignIn | None:
        mark = self._file.mark()
        if mark != self._mark:
            # One that cannot be opened is tried again: the keyring may be unlocked by then.
            self._held, self._mark = None, UNREAD
            self._held = self._file.read()
            self._mark = mark
        return self._held

    def _renewed(
        self, held: SignIn, mark: Mark | None, wanted: list[str], scope: str, claims: str
    ) -> Token:
        cache = LastingCache()
        cache.deserialize(held.cache)  # pyright: ignore[reportUnknownMemberType]  # the same
        try:
            with reached():
                application = self._entra.public_application(self._client, cache)
                token = self._entra.asked(
                    Hop.PERSON, scope, lambda: self._ask(application, held, wanted, claims)
                )
        except HopRefused as error:
            if not must_sign_in(error.code):
                raise
            self._ended = mark
            raise SignedOut(f"{_ENDED} ({error.code})") from None
        self._keep(held, mark, cache)
        return token

    def _ask(
        self, application: PublicApplication, held: SignIn, wanted: list[str], claims: str
    ) -> Result:
        home = f"{held.account.oid}.{self._tenant}"
        theirs = [one for one in application.get_accounts() if one["home_account_id"] == home]
        if theirs:
            granted = application.acquire_token_silent_with_error(
                wanted, theirs[0], force_refresh=True, claims_challenge=claims or None
            )
            if granted:
                return granted
        raise SignedOut("what was kept of the sign-in is of no use")

    def _keep(self, held: SignIn, mark: Mark | None, cache: LastingCache) -> None:
        """Put the new refresh token in the place of the old; whoever changed it meanwhile wins."""
        fresh = SignIn(held.account, str(cache.serialize()))
        is_kept = self._file.renew(fresh, mark)
        with self._lock:
            now = self._read()
        if not is_kept and (now is None or now.account.oid != held.account.oid):
            raise SignedOut("the person signed out a moment ago")


def scopes(cloud: Cloud) -> list[str]:
    """Name the permissions that a person is asked for at Graph."""
    return [f"{cloud.graph}/{feature}" for feature in _FEATURES]
