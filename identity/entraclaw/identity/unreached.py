"""Say why nobody could be asked, and what to look at: names, lines, certificates, proxies.

Pure: it reads what the HTTP client raised.
"""

import ssl

import requests
from urllib3.exceptions import NameResolutionError, NewConnectionError

from entraclaw.errors import Unreachable

_PAGE = "docs/identity/troubles.md"
_OWN_CA = "a proxy may look into the traffic: name its authority as tls_ca in a cloud profile"
_TLS = "look at this machine's clock, and at what may answer in its place"
_PROXY = "correct HTTPS_PROXY, the user and password in it too, or except the host by NO_PROXY"
_NAME = "look at the network and its DNS, and at login in the cloud profile"
_LATE = "look at the network, and try again"
_LINE = "look at the network; where only a proxy leads out, name it by HTTPS_PROXY"

# X509_V_ERR_…_SELF_SIGNED_CERT, …_SELF_SIGNED_CERT_IN_CHAIN, …_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
# …_UNABLE_TO_VERIFY_LEAF_SIGNATURE: https://docs.openssl.org/3.0/man3/X509_STORE_CTX_get_error
_UNKNOWN_AUTHORITY = frozenset({18, 19, 20, 21})


def unreached(service: str, error: OSError) -> Unreachable:
    """Say in plain words why *service* was not reached; *error* is requests' own."""
    reason, cure = _of(error)
    return Unreachable(service, reason, hint=f"{cure} ({_PAGE})")


def never_sent(error: OSError) -> bool:
    """Tell whether nothing can have been sent when *error*, requests' own, was raised."""
    if isinstance(error, (requests.exceptions.ProxyError, requests.exceptions.SSLError)):
        return True
    return isinstance(error, requests.ConnectTimeout) or isinstance(
        _reason(error), NewConnectionError
    )


def _of(error: OSError) -> tuple[str, str]:
    match error:
        case requests.exceptions.ProxyError():
            return "the proxy on the way refuses, or is not there", _PROXY
        case requests.exceptions.SSLError():
            return _of_tls(_innermost(error))
        case requests.exceptions.Timeout():
            return "it does not answer in time", _LATE
        case _ if isinstance(_reason(error), NameResolutionError):
            return "its name is not known here", _NAME
        case requests.exceptions.ConnectionError():
            return "nobody answers there, or the line breaks off", _LINE
        case _:
            return type(error).__name__, _LINE


def _of_tls(inner: object) -> tuple[str, str]:
    if not isinstance(inner, ssl.SSLCertVerificationError):
        return "it does not speak TLS as it should", _TLS
    if inner.verify_code in _UNKNOWN_AUTHORITY:
        return "its certificate is not signed by an authority this machine trusts", _OWN_CA
    return f"its certificate is not good: {inner.verify_message.rstrip('.')}", _TLS


def _innermost(error: OSError) -> object:
    reason = _reason(error)
    return reason.args[0] if isinstance(reason, Exception) and reason.args else reason


def _reason(error: OSError) -> object:
    """Unwrap what requests wrapped: urllib3's error of giving up, and its reason."""
    return getattr(error.args[0] if error.args else None, "reason", None)
