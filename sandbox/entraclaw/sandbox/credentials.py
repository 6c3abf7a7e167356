"""Who may change an application's certificates, and what a change may be.

Two ways. Somebody with the permission writes the whole list, and whatever is not in it is
gone. Or the application itself adds and removes one, with a proof that it has a key that is
registered and in force; that needs no permission.

Add key: https://learn.microsoft.com/graph/api/agentidentityblueprint-addkey
Update: https://learn.microsoft.com/graph/api/agentidentityblueprint-update
Proof: https://learn.microsoft.com/graph/application-rollkey-prooftoken
"""

from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Sequence
from typing import cast

from entraclaw.sandbox.administrators import Act, permit_admin
from entraclaw.sandbox.bearers import Bearer
from entraclaw.sandbox.certificates import Certificate
from entraclaw.sandbox.directory import Application
from entraclaw.sandbox.documents import DocumentError, Json, number, text
from entraclaw.sandbox.envelopes import GraphError
from entraclaw.sandbox.tokens import TokenError, read_header, read_signed

_DIRECTORY = "00000002-0000-0000-c000-000000000000"
_LONGEST_PROOF_S = 600
_ALGORITHMS = ("RS256", "PS256")


def permit(
    bearer: Bearer, application: Application, *, writing: bool, is_owner: bool = False
) -> None:
    """Let *bearer* read or write the whole list of *application*, or refuse.

    Raises:
        GraphError: It may not.
    """
    if _is_itself(bearer, application) and not writing:
        return
    act = Act.CERTIFY_BLUEPRINT if writing else Act.READ_BLUEPRINT
    permit_admin(bearer, act, is_owner=is_owner)


def permit_roll(bearer: Bearer, application: Application, proof: str, now: float) -> None:
    """Let *bearer* add or remove one certificate of *application*, by its *proof*, or refuse.

    Raises:
        GraphError: It may not, or the proof is none.
    """
    if not _is_itself(bearer, application):
        permit(bearer, application, writing=True)
    try:
        claims = _proven(proof, application.certificates, now)
        is_good = (
            claims.get("aud") == _DIRECTORY
            and claims.get("iss") == application.id
            and number(claims, "nbf") <= now < number(claims, "exp")
            and number(claims, "exp") - number(claims, "nbf") <= _LONGEST_PROOF_S
        )
    except (TokenError, DocumentError):
        is_good = False
    if not is_good:
        # Graph says no more than this, whatever is wrong with a proof:
        # https://github.com/microsoftgraph/microsoft-graph-docs/issues/10686
        message = "Access Token missing or malformed."
        raise GraphError(401, "Authentication_MissingOrMalformed", message)


def added(body: Json, now: float, known_from: float) -> Certificate:
    """Read a new keyCredential; Entra's login servers know it from *known_from*.

    Raises:
        GraphError: It is none, or has ended.
    """
    if (body.get("type"), body.get("usage")) != ("AsymmetricX509Cert", "Verify"):
        raise _bad("Key credential type or usage is not supported.")
    try:
        der = b64decode(text(body, "key"), validate=True)
        read = Certificate.read_der(der)
    except (Base64Error, ValueError, DocumentError):
        raise _bad(
            "Invalid value specified for property 'key' of resource 'KeyCredential'."
        ) from None
    if read.ends <= now:
        raise GraphError(400, "KeyCredentialsInvalidEndDate", "Key credential end date is invalid.")
    called = read.named(text(body, "displayName", ""), text(body, "customKeyIdentifier", ""))
    return called.known_since(known_from)


def rewritten(
    body: Json, current: Sequence[Certificate], now: float, known_from: float
) -> tuple[Certificate, ...]:
    """Read a whole list: known ones by their keyId, with or without their key, and new ones.

    Raises:
        GraphError: An entry is neither.
    """
    listed: object = body.get("keyCredentials")
    if not isinstance(listed, list):
        raise _bad(
            "Invalid value specified for property 'keyCredentials' of resource 'Application'."
        )
    known = {one.key_id: one for one in current}
    entries = cast("list[object]", listed)
    return tuple(_entry(entry, known, now, known_from) for entry in entries)


def _entry(
    entry: object, known: dict[str, Certificate], now: float, known_from: float
) -> Certificate:
    if not isinstance(entry, dict):
        raise _bad(
            "Invalid value specified for property 'keyCredentials' of resource 'Application'."
        )
    document = cast("Json", entry)
    kept = known.get(text(document, "keyId", "").lower())
    if kept is None:
        return added(document, now, known_from)
    whole = kept.document(is_whole=True)
    if document.get("key") not in {None, whole["key"]}:
        raise _bad("Update to existing credential with KeyId is not allowed.")
    return kept


def _proven(proof: str, certificates: Sequence[Certificate], now: float) -> Json:
    """Read the claims of *proof*, which one of *certificates* that is in force signed."""
    header = read_header(proof)
    names = {name: header.get(name) for name in ("x5t", "x5t#S256", "kid")}
    for one in certificates:
        named = [one.goes_by(name, str(value)) for name, value in names.items() if value]
        if named and all(named) and one.is_valid(now):
            return read_signed(proof, one.key, _ALGORITHMS)
    raise TokenError("no certificate that is in force signed it")


def _is_itself(bearer: Bearer, application: Application) -> bool:
    is_app = bearer.idtyp == "app" and bearer.azp == application.app
    return is_app and bearer.tid == application.tenant


def _bad(message: str) -> GraphError:
    return GraphError(400, "Request_BadRequest", message)
