"""The proxy that leads to Microsoft, where the machine's environment names one."""

from urllib.parse import urlsplit

from requests.utils import get_environ_proxies, select_proxy

from entraclaw.identity.cloud import is_loopback


def proxy_of(login: str) -> str | None:
    """Find the proxy for *login*, a URL, by HTTPS_PROXY and NO_PROXY; None to go directly.

    What is on this machine needs none. Everything else of the environment that could lead
    tokens astray (another bundle of authorities, a netrc) is not looked at.
    """
    if is_loopback(urlsplit(login).hostname or ""):
        return None
    return select_proxy(login, get_environ_proxies(login))
