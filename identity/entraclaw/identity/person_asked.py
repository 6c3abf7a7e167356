"""Ask a person to sign in, by a page in a browser of this machine or a code typed elsewhere.

The flows are msal's (PKCE, state, nonce, polling). Here is what everybody who signs somebody
in has in common: how they are asked, and what is said when it came to nothing.

https://learn.microsoft.com/entra/msal/python/
"""

from collections.abc import Callable, Mapping, Sequence

from entraclaw.errors import SignInRefused
from entraclaw.identity.entra import PublicApplication, Result
from entraclaw.identity.loopback import Receiver
from entraclaw.identity.refusals import Said, code_in, sign_in_hint
from entraclaw.identity.values import Hop, HopTiming

TIMEOUT_S = 300.0  # how long a person has for the page

# RFC 8628 section 3.5: msal goes on after these.
GO_ON = frozenset({"authorization_pending", "slow_down"})


def by_browser(
    application: PublicApplication,
    scopes: Sequence[str],
    show: Callable[[str], None],
    timeout_s: float,
    hint: str | None = None,
) -> Result:
    """Have *show* open the page, and wait for its answer; *hint* is the account to begin with."""
    with Receiver(show) as receiver:
        return application.acquire_token_interactive(
            list(scopes),
            # Whoever is signed in in the browser is not taken without a word.
            prompt=None if hint else "select_account",
            login_hint=hint,
            timeout=timeout_s,
            port=receiver.port,
            auth_code_receiver=receiver,
        )


def by_code(
    application: PublicApplication, scopes: Sequence[str], show: Callable[[str, str], None]
) -> Result:
    """Have *show* tell a page's address and the code to type there, and wait for it."""
    flow = application.initiate_device_flow(list(scopes))
    show(text(flow, "verification_uri"), text(flow, "user_code"))
    return application.acquire_token_by_device_flow(flow)


def answered(ask: Callable[[], Result], hop: Hop, *, by_code: bool, again: str) -> Result:
    """Give what *ask* was granted; *again* is how whoever came too late tries once more.

    Raises:
        SignInRefused: Entra said no, or nobody came in time.
    """
    try:
        result = ask()
    except Said as said:
        raise refused(said.code, hop, by_code=by_code) from None
    except RuntimeError:
        # msal's for both; what it says of an ID token is that token's claims.
        raise SignInRefused(
            "nobody signed in in time, or the answer was not for us", hint=again
        ) from None
    if "access_token" not in result:
        told = code_in(str(result.get("error_description", "")))
        raise refused(told or str(result.get("error")), hop, by_code=by_code)
    return result


def refused(code: str, hop: Hop, *, by_code: bool) -> SignInRefused:
    """Say that Entra refused a sign-in with *code*, and what to do."""
    hint = sign_in_hint(code, by_code=by_code, hop=hop)
    return SignInRefused(f"Entra refused it ({code})", hint=hint, code=code)


def text(document: Mapping[str, object], key: str) -> str:
    """Read what Entra must have answered.

    Raises:
        ValueError: It did not.
    """
    value = document.get(key)
    if not isinstance(value, str) or not value:
        raise ValueError(f"{key} is missing from Entra's answer")
    return value


def unobserved(timing: HopTiming) -> None:
    """Keep no account of how long a hop took: a person's part in it is the longest."""
    del timing
