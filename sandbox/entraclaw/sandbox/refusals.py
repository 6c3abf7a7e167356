"""How Entra says no: a number, an OAuth error, a sentence, and ids to quote.

Numbers: https://learn.microsoft.com/entra/identity-platform/reference-error-codes
Shape: https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow
"""

import datetime as dt
from dataclasses import dataclass

from entraclaw.sandbox.documents import Json

_CLIENT = (401, "invalid_client")
_GRANT = (400, "invalid_grant")
_REQUEST = (400, "invalid_request")

_NO_CONSENT = 65001
DOWN, BUSY = 90033, 90055

# AADSTS number: (HTTP status, OAuth error, sentence unless the rule has a better one).
_KINDS: dict[int, tuple[tuple[int, str], str]] = {
    28000: ((400, "invalid_scope"), "Scopes of several resources cannot be asked for at once."),
    50011: (_REQUEST, "The redirect URI is not one that is configured for the application."),
    50013: (_GRANT, "Assertion failed signature validation."),
    50027: (_CLIENT, "Invalid JWT token."),
    50034: (_GRANT, "The user account does not exist in the directory for this application."),
    50057: (_GRANT, "The user account is disabled."),
    50058: ((400, "login_required"), "A silent sign-in was asked for, and nobody is signed in."),
    50097: (_GRANT, "Device authentication is required."),
    50173: (_GRANT, "The provided grant has expired due to it being revoked. Sign in again."),
    54005: (_GRANT, "OAuth2 Authorization code was already redeemed."),
    65004: ((400, "access_denied"), "User declined to consent to access the app."),
    _NO_CONSENT: (_GRANT, "The user or administrator has not consented to use the application."),
    53000: (_GRANT, "Device is not in required device state: a compliant device is required."),
    53003: (_GRANT, "Access has been blocked by Conditional Access policies."),
    70000: (_GRANT, "The provided grant is invalid or malformed."),
    70003: ((400, "unsupported_grant_type"), "The app requested an unsupported grant type."),
    70008: (_GRANT, "The provided authorization code or refresh token has expired."),
    70011: ((400, "invalid_scope"), "The provided value for the parameter 'scope' is not valid."),
    70016: ((400, "authorization_pending"), "Authorization is pending. Continue polling."),
    70018: ((400, "bad_verification_code"), "The verification code is not known, or was used."),
    70019: ((400, "authorization_declined"), "The person declined to sign in."),
    70020: ((400, "expired_token"), "The device code has expired."),
    82001: (
        (400, "unauthorized_client"),
        "Agentic application is not permitted to request app-only tokens for this resource.",
    ),
    90002: (_REQUEST, "Tenant not found."),
    DOWN: ((503, "temporarily_unavailable"), "A transient error has occurred. Please try again."),
    BUSY: ((429, "temporarily_unavailable"), "There are too many incoming requests."),
    90094: ((400, "consent_required"), "An administrator must consent to this application."),
    500011: ((400, "invalid_resource"), "The resource principal was not found in the tenant."),
    500112: (_GRANT, "The reply address is not the one the authorization code was asked with."),
    501481: (_GRANT, "The Code_Verifier does not match the code_challenge."),
    700016: ((400, "unauthorized_client"), "Application was not found in the directory."),
    700023: (_CLIENT, "Client assertion audience claim does not match Realm issuer."),
    700024: (_CLIENT, "Client assertion is not within its valid time range."),
    700027: (_CLIENT, "The certificate that signed the client assertion is not registered."),
    700082: (_GRANT, "The refresh token has expired due to inactivity."),
    700211: (
        _CLIENT,
        "No matching federated identity record found for presented assertion issuer.",
    ),
    900144: (_REQUEST, "The request body must contain a parameter it does not have."),
    1002012: (
        (400, "invalid_scope"),
        "Client credential flows must have a scope value with /.default.",
    ),
    7000112: ((400, "unauthorized_client"), "The application is disabled."),
    7000215: (_CLIENT, "Invalid client secret provided."),
    7000229: (_CLIENT, "The client application is missing service principal in the tenant."),
    7000218: (_CLIENT, "The request body must contain client_assertion or client_secret."),
}


@dataclass(frozen=True, slots=True)
class Refused:
    """Entra's no; *code* is the number after AADSTS."""

    code: int
    status: int
    error: str
    message: str
    suberror: str | None = None


class RefusalError(Exception):
    """One rule said no; the token endpoint answers with `refused`."""

    def __init__(self, code: int, detail: str = "") -> None:
        (status, error), sentence = _KINDS[code]
        suberror = "consent_required" if code == _NO_CONSENT else None
        self.refused = Refused(code, status, error, detail or sentence, suberror)
        super().__init__(f"AADSTS{code}")


def slow_down() -> Refused:
    """The no to whoever polls too often, which has no number: RFC 8628 section 3.5."""
    return Refused(0, 400, "slow_down", "Polled too often.")


def is_known(code: int) -> bool:
    """Whether there is a refusal with this AADSTS number."""
    return code in _KINDS


def explain(refused: Refused, *, login: str, now: float, trace: str, correlation: str) -> Json:
    """The body Entra sends with its no."""
    at = dt.datetime.fromtimestamp(now, dt.UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    ids = f"Trace ID: {trace} Correlation ID: {correlation} Timestamp: {at}"
    number = f"AADSTS{refused.code}: " if refused.code else ""
    body: Json = {
        "error": refused.error,
        "error_description": f"{number}{refused.message} {ids}",
        "error_codes": [refused.code] if refused.code else [],
        "timestamp": at,
        "trace_id": trace,
        "correlation_id": correlation,
        "error_uri": f"{login}/error?code={refused.code}",
    }
    return {**body, "suberror": refused.suberror} if refused.suberror else body
