"""Decide where an attachment is fetched from, and with whose token.

An attachment's address was written by whoever sent the message. It is followed only to
three kinds of place, each recognised exactly, and each with the one token it is for:

    connector   https://{service host}/…/v3/attachments/{id}/views/{view}   agent channel
    hosted      {graph}/v1.0/…/hostedContents/{id}/$value                   Graph
    shared      https://{tenant}.sharepoint.com/…, asked of Graph as        Graph
                {graph}/v1.0/shares/u!{address}/driveItem/content

Graph answers the last with a redirect to an address that needs no token and gets none.

https://learn.microsoft.com/graph/api/shares-get
"""

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from entraclaw.errors import AttachmentRefused
from entraclaw.identity.cloud import Cloud

URL_LIMIT = 4096  # characters

# Only this spelling of an address is read: parsers disagree about user names, backslashes,
# tabs and everything that is not ASCII in a host.
_URL = re.compile(
    r"https://(?P<site>[a-z0-9-]+(?:\.[a-z0-9-]+)*(?::[0-9]{1,5})?)(?P<path>(?:/[^\\]*)?)",
    re.IGNORECASE,
)
# One segment of a path, no query: never one that a server could take for "the one above",
# for two segments, or for something encoded twice.
_SEGMENT = (
    r"(?!(?:\.|%2[eE]){1,2}(?:/|$))(?![^/]*%(?:2[5fF]|5[cC]))"
    r"[A-Za-z0-9._~!$&'()*+,;=:@%-]+"
)
_CONNECTOR_PATH = re.compile(rf"(?:/{_SEGMENT}){{0,3}}/v3/attachments/{_SEGMENT}/views/{_SEGMENT}")
_ITEM = rf"messages/{_SEGMENT}(?:/replies/{_SEGMENT})?"
_HOSTED_PATH = re.compile(
    rf"/(?:v1\.0|beta)/(?:(?:users/{_SEGMENT}/|me/)?chats/{_SEGMENT}"
    rf"|teams/{_SEGMENT}/channels/{_SEGMENT})/{_ITEM}/hostedContents/{_SEGMENT}/\$value"
)
_PLAIN_PATH = re.compile(r"[!-~]*")

# Where the files of each cloud are; a leading dot means any host below.
# https://learn.microsoft.com/microsoft-365/enterprise/urls-and-ip-address-ranges
_FILE_HOSTS: Mapping[str, tuple[str, ...]] = {
    "https://graph.microsoft.com": (".sharepoint.com",),
    "https://graph.microsoft.us": (".sharepoint.us",),
    "https://dod-graph.microsoft.us": (".sharepoint-mil.us",),
    "https://microsoftgraph.chinacloudapi.cn": (".sharepoint.cn",),
}


class Bearer(StrEnum):
    """Whose token a request carries."""

    CHANNEL = "channel"
    GRAPH = "graph"


@dataclass(frozen=True, slots=True)
class Places:
    """Where attachments may be.

    Attributes:
        service_hosts: Exact ``host[:port]`` of the connector.
        graph: Microsoft Graph's host with scheme.
        file_hosts: Of SharePoint and OneDrive: ``.suffix``, or an exact ``host[:port]``.
    """

    service_hosts: tuple[str, ...]
    graph: str
    file_hosts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Route:
    """How an attachment is fetched.

    Attributes:
        service: Who is asked, for a person: ``Teams`` or ``Graph``.
        url: What is asked, encoded already.
        bearer: Whose token goes along.
        may_redirect: Whether one redirect to a file host is part of the way.
    """

    service: str
    url: str
    bearer: Bearer
    may_redirect: bool


def places_of(cloud: Cloud, file_hosts: tuple[str, ...] = ()) -> Places:
    """Name the places of *cloud*; *file_hosts* where a file profile has its own."""
    known = file_hosts or _FILE_HOSTS.get(cloud.graph, ())
    return Places(cloud.service_hosts, cloud.graph, known)


def route(url: str, places: Places) -> Route:
    """Decide how *url* is fetched.

    Raises:
        AttachmentRefused: It is none of the three kinds of place.
    """
    site, path = _split(url)
    if site in places.service_hosts and _CONNECTOR_PATH.fullmatch(path):
        return Route("Teams", url, Bearer.CHANNEL, may_redirect=False)
    if f"https://{site}" == places.graph and _HOSTED_PATH.fullmatch(path):
        return Route("Graph", url, Bearer.GRAPH, may_redirect=False)
    if _is_file_host(site, places):
        asked = f"{places.graph}/v1.0/shares/{share_id(url)}/driveItem/content"
        return Route("Graph", asked, Bearer.GRAPH, may_redirect=True)
    raise AttachmentRefused(
        "it is not in Teams, OneDrive or SharePoint",
        hint="ask the sender to attach the file itself",
    )


def check_redirect(location: str, places: Places) -> str:
    """Give the address Graph redirects to, if it is one that a file may be fetched from.

    Raises:
        AttachmentRefused: It is another host, no https, or written oddly.
    """
    site, path = _split(location)
    if not _is_file_host(site, places) or not _PLAIN_PATH.fullmatch(path):
        raise AttachmentRefused("its download is not in OneDrive or SharePoint")
    return location


def share_id(url: str) -> str:
    """Write an address the way Graph names a shared item by it."""
    return f"u!{base64.urlsafe_b64encode(url.encode()).decode().rstrip('=')}"


def _split(url: str) -> tuple[str, str]:
    found = _URL.fullmatch(url) if len(url) <= URL_LIMIT and url.isprintable() else None
    if found is None:
        raise AttachmentRefused("its address is no plain https address")
    return found["site"].lower(), found["path"]


def _is_file_host(site: str, places: Places) -> bool:
    # A suffix never admits a port, and an address of digits has no such suffix.
    return any(
        site.endswith(host) and site != host if host.startswith(".") else site == host
        for host in places.file_hosts
    )
