"""Name every remote thing once: a cloud profile.

The public cloud, the sovereign ones, the sandbox and a test's own servers differ only
in this value. Built-in profiles are constants; any other is a TOML file with the same
keys, and only such a file may point at loopback or bring its own certificate authority.

Sources: https://learn.microsoft.com/entra/identity-platform/authentication-national-cloud,
https://learn.microsoft.com/graph/deployments,
https://learn.microsoft.com/microsoftteams/platform/bots/how-to/conversations/send-proactive-messages
"""

import ipaddress
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import cast

from entraclaw.errors import BadSettings, Problem

# Microsoft Graph Command Line Tools, the same application in every tenant.
ADMIN_CLIENT = "14d82eec-204b-4c2f-b7e8-296a70dab67e"


@dataclass(frozen=True, slots=True)
class Cloud:
    """The remote names of one cloud.

    Attributes:
        login: Entra's host with scheme; tokens and their keys come from here.
        graph: Microsoft Graph's host with scheme.
        bot_openid: Metadata of the Bot Framework's signing keys.
        bot_issuer: Issuer of classic Bot Framework tokens.
        bot_scope: Scope a classic bot asks for.
        agent_channel: Application that calls us with agentic activities, and the
            resource our answers ask a token for; empty where there is none.
        service_hosts: Exact ``host[:port]`` an answer may be sent to.
        work_iq: Agent 365 Work IQ's host with scheme; empty where there is none.
        storage_scope: Scope of Azure Storage.
        file_hosts: Where the files of this cloud are, in a file profile only: exact
            ``host[:port]``; empty where its kind of cloud has known ones, or none.
        admin_client: Application id of the public client that administrators sign in at.
        tls_ca: Path of an extra CA bundle, in a file profile only, relative to that file.
        is_file: Whether this came from a file.
    """

    login: str
    graph: str
    bot_openid: str
    bot_issuer: str
    bot_scope: str
    agent_channel: str
    service_hosts: tuple[str, ...]
    work_iq: str
    storage_scope: str
    file_hosts: tuple[str, ...] = ()
    admin_client: str = ADMIN_CLIENT
    tls_ca: str = ""
    is_file: bool = False

    @property
    def graph_scope(self) -> str:
        """Scope of Microsoft Graph in this cloud."""
        return f"{self.graph}/.default"

    @property
    def answer_scope(self) -> str:
        """Scope of the token an answer through the connector carries."""
        return f"{self.agent_channel}/.default"


_STORAGE = "https://storage.azure.com/.default"

BUILT_IN: Mapping[str, Cloud] = {
    "public": Cloud(
        login="https://login.microsoftonline.com",
        graph="https://graph.microsoft.com",
        bot_openid="https://login.botframework.com/v1/.well-known/openidconfiguration",
        bot_issuer="https://api.botframework.com",
        bot_scope="https://api.botframework.com/.default",
        agent_channel="5a807f24-c9de-44ee-a3a7-329e88a00ffc",
        service_hosts=("smba.trafficmanager.net",),
        work_iq="https://agent365.svc.cloud.microsoft",
        storage_scope=_STORAGE,
    ),
    "gcch": Cloud(
        login="https://login.microsoftonline.us",
        graph="https://graph.microsoft.us",
        bot_openid="https://login.botframework.azure.us/v1/.well-known/openidconfiguration",
        bot_issuer="https://api.botframework.us",
        bot_scope="https://api.botframework.us/.default",
        agent_channel="6f669b9e-7701-4e2b-b624-82c9207fde26",
        service_hosts=("smba.infra.gov.teams.microsoft.us",),
        work_iq="",
        storage_scope=_STORAGE,
    ),
    "dod": Cloud(
        login="https://login.microsoftonline.us",
        graph="https://dod-graph.microsoft.us",
        bot_openid="https://login.botframework.azure.us/v1/.well-known/openidconfiguration",
        bot_issuer="https://api.botframework.us",
        bot_scope="https://api.botframework.us/.default",
        agent_channel="0a069c81-8c7c-4712-886b-9c542d673ffb",
        service_hosts=("smba.infra.dod.teams.microsoft.us",),
        work_iq="",
        storage_scope=_STORAGE,
    ),
    "china": Cloud(
        login="https://login.partner.microsoftonline.cn",
        graph="https://microsoftgraph.chinacloudapi.cn",
        bot_openid="https://login.botframework.azure.cn/v1/.well-known/openidconfiguration",
        bot_issuer="https://api.botframework.azure.cn",
        bot_scope="https://api.botframework.azure.cn/.default",
        agent_channel="",  # Agent 365 is not offered there
        service_hosts=("frontend.botapi.msg.infra.teams.microsoftonline.cn",),
        work_iq="",
        storage_scope=_STORAGE,
    ),
}


@dataclass(frozen=True, slots=True)
class _Shape:
    """What an address must match in full, and what to say when it does not."""

    pattern: str
    reason: str


# A user name, a query, white space, a second spelling of a host: none of them fits.
_HOST = r"(?:[a-z0-9-]+(?:\.[a-z0-9-]+)*|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?"
_SITE = f"https://{_HOST}"
_A_SITE = _Shape(
    _SITE, "must be https:// and a host in lower case, port allowed, nothing behind it"
)
_A_PAGE = _Shape(
    f"{_SITE}(?:/[A-Za-z0-9._~-]+)*",
    "must be an https address without user, query or trailing slash",
)
_AN_ID = _Shape(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", "must be an application id")
_SHAPES: Mapping[str, _Shape] = {
    "admin_client": _AN_ID,
    **dict.fromkeys(("login", "graph", "work_iq"), _A_SITE),
    **dict.fromkeys(("bot_openid", "bot_issuer"), _A_PAGE),
}
_MAY_BE_EMPTY = frozenset({"agent_channel", "work_iq", "tls_ca"})
_LISTS: Mapping[str, bool] = {"service_hosts": True, "file_hosts": False}  # must there be one?
_ABSENT: Mapping[str, object] = {
    "file_hosts": [],
    "admin_client": ADMIN_CLIENT,
    **dict.fromkeys(_MAY_BE_EMPTY, ""),
}
_FROM_FILE = tuple(field.name for field in fields(Cloud) if field.name != "is_file")


def find(name: str, base: Path) -> Cloud:
    """Find the profile a setting names: a built-in one, or a ``.toml`` file.

    Args:
        name: ``public``, ``gcch``, ``dod``, ``china``, or a path, relative to *base*.
        base: The folder of the file the setting stands in.

    Raises:
        BadSettings: There is no such profile, or its file is wrong; all at once.
    """
    if name in BUILT_IN:
        return BUILT_IN[name]
    if not name.endswith(".toml"):
        raise _bad(f"{name!r} is unknown", f"use {', '.join(BUILT_IN)} or a path ending in .toml")
    path = base / name
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise _bad(f"{path} cannot be read", "give the path of a cloud profile") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise _bad(f"{path} is not TOML ({error})", "correct the file") from error
    profile = parse(document)
    return replace(profile, tls_ca=str(path.parent / profile.tls_ca)) if profile.tls_ca else profile


def parse(document: Mapping[str, object]) -> Cloud:
    """Read a profile from its parsed TOML; all problems are named at once.

    Raises:
        BadSettings: A key is missing, unknown or of the wrong kind.
    """
    problems = [_problem(key, "is unknown", "remove it") for key in document.keys() - _FROM_FILE]
    for key in _FROM_FILE:
        reason = _wrong(key, document.get(key, _ABSENT.get(key)))
        if reason:
            problems.append(_problem(key, reason, "correct the cloud profile"))
    if problems:
        raise BadSettings(sorted(problems, key=lambda problem: problem.key))
    texts = {key: cast("str", document.get(key, _ABSENT.get(key))) for key in _FROM_FILE}
    lists = {key: tuple(cast("list[str]", document.get(key, []))) for key in _LISTS}
    return Cloud(**{**texts, **lists, "is_file": True})  # type: ignore[arg-type]  # _wrong checked each value's type


def is_loopback(host: str) -> bool:
    """Tell whether *host* (no port) is this machine: ``localhost`` or a loopback address."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def _wrong(key: str, value: object) -> str | None:
    if value is None:
        return "is missing"
    if key in _LISTS:
        return _wrong_hosts(value, must_be=_LISTS[key])
    if not isinstance(value, str):
        return "must be text"
    if not value:
        return None if key in _MAY_BE_EMPTY else "is empty"
    shape = _SHAPES.get(key)
    if shape is None or re.fullmatch(shape.pattern, value):
        return None
    return shape.reason


def _wrong_hosts(value: object, *, must_be: bool) -> str | None:
    if not isinstance(value, list) or (must_be and not value):
        return "must be a list with at least one host"
    for host in cast("list[object]", value):
        if not isinstance(host, str) or not re.fullmatch(_HOST, host):
            return "must be hosts such as smba.trafficmanager.net, lower case, port allowed"
    return None


def _problem(key: str, reason: str, cure: str) -> Problem:
    return Problem(f"cloud.{key}", reason, cure)


def _bad(reason: str, cure: str) -> BadSettings:
    return BadSettings([Problem("cloud", reason, cure)])
