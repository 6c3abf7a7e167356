"""Which authorities the connections to Microsoft are checked by."""

import ssl

from entraclaw.errors import BadSettings, Problem


def trust(tls_ca: str) -> ssl.SSLContext:
    """Trust the system's authorities, and those in the bundle *tls_ca* if it is not empty.

    Raises:
        BadSettings: The bundle cannot be read, or holds no certificates.
    """
    context = ssl.create_default_context()
    try:
        if tls_ca:
            context.load_verify_locations(tls_ca)
    except OSError as error:  # SSLError is one
        problem = Problem("cloud.tls_ca", f"{tls_ca} holds no certificates", "correct the path")
        raise BadSettings([problem]) from error
    return context
