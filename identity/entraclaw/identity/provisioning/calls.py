"""What provisioning says to Microsoft Graph, and hears: a call, its reply, and lists in pages.

Whatever has an order is a generator: it yields a `Call` and is sent the `Reply`. Who sends
them, with which token, and how often something is tried again is not known here.

Contract: https://learn.microsoft.com/graph/errors, https://learn.microsoft.com/graph/paging
"""

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Literal, TypeAlias, TypeVar, cast
from urllib.parse import quote, urlsplit

from entraclaw.errors import Unreachable

SERVICE = "Microsoft Graph"

Method: TypeAlias = Literal["GET", "POST", "PATCH", "PUT", "DELETE"]
Document: TypeAlias = Mapping[str, object]
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Call:
    """One request to Graph.

    Attributes:
        method: Its HTTP method.
        path: From the version on, quoted, with its query: ``/v1.0/users?$top=1``.
        body: What is sent as JSON; None for nothing.
        awaits: What was made a moment ago and must have become known to Graph before this
            call can do, in words for a person ("the blueprint"). Empty: "not found" is an
            answer like any other, and the call is not made again for it.
    """

    method: Method
    path: str
    body: Document | None = None
    awaits: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """What Graph answered in the end: granted, or refused for good.

    Attributes:
        status: The HTTP status.
        body: The JSON object of the answer; empty where there was none.
    """

    status: int
    body: Document

    @property
    def is_good(self) -> bool:
        """Whether it was done."""
        return HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES

    @property
    def code(self) -> str:
        """Graph's own word for a refusal (``Request_BadRequest``); empty where it has none."""
        return str(self._error.get("code") or "")

    @property
    def message(self) -> str:
        """What Graph says of a refusal, in English; never shown as it is: it may name people."""
        return str(self._error.get("message") or "")

    @property
    def _error(self) -> Document:
        told = self.body.get("error")
        return cast("Document", told) if isinstance(told, dict) else {}


Orders: TypeAlias = Generator[Call, Reply, _T]


def where(path: str, **equal: str) -> str:
    """Add a ``$filter`` to *path*: each name of *equal* has its value."""
    terms = " and ".join(f"{name} eq '{_literal(value)}'" for name, value in equal.items())
    return f"{path}{'&' if '?' in path else '?'}$filter={quote(terms)}"


def key(value: str) -> str:
    """Quote *value* as one segment of a path, whatever is in it."""
    return quote(value, safe="")


def rows(reply: Reply) -> tuple[Document, ...]:
    """Read the objects of a list that Graph answered with.

    Raises:
        Unreachable: It is no list.
    """
    value = reply.body.get("value")
    if not isinstance(value, list):
        raise Unreachable(SERVICE, "its answer makes no sense")
    return tuple(cast("Document", one) for one in cast("list[object]", value) if _is(one))


def next_of(reply: Reply) -> str:
    """Find the path of the page after *reply*; empty if it is the last.

    Of the link only the path counts: nobody is led to another host by an answer.
    """
    link = reply.body.get("@odata.nextLink")
    if not isinstance(link, str):
        return ""
    parts = urlsplit(link)
    return f"{parts.path}?{parts.query}"


def text(document: Document, name: str) -> str:
    """Read the text *name* of an object.

    Raises:
        Unreachable: It is not there.
    """
    value = document.get(name)
    if not isinstance(value, str) or not value:
        raise Unreachable(SERVICE, "its answer makes no sense")
    return value


def _literal(value: str) -> str:
    return value.replace("'", "''")


def _is(one: object) -> bool:
    return isinstance(one, dict)
