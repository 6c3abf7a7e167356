"""The bodies of control requests, read once into what they ask for.

Whatever does not fit is refused here with a plain sentence, before anything
changes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TypeVar
from urllib.parse import urlsplit

from entraclaw.sandbox.agent import Agent
from entraclaw.sandbox.certificates import Certificate
from entraclaw.sandbox.conversations import Kind
from entraclaw.sandbox.directory import Directory, Person
from entraclaw.sandbox.documents import DocumentError, Json, flag, number, part, text, texts
from entraclaw.sandbox.extras import Extras, read_extras
from entraclaw.sandbox.passes import Forgery, Pass, Signer
from entraclaw.sandbox.resources import Catalogue
from entraclaw.sandbox.tokens import Algorithm

_POLICIES = (53000, 53003)  # AADSTS numbers of Conditional Access

_Choice = TypeVar("_Choice", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Hire:
    """A new agent, or a new bot; *sponsors* are object ids."""

    name: str
    sponsors: tuple[str, ...]
    endpoint: str | None
    certificate: Certificate


@dataclass(frozen=True, slots=True)
class Words:
    """A message from a person to an agent."""

    person: Person
    agent: Agent
    text: str
    kind: Kind
    mention: bool
    wait: bool
    thread: str | None = None
    extras: Extras = field(default_factory=Extras)


@dataclass(frozen=True, slots=True)
class Change:
    """What of an agent changes; None leaves a thing as it is."""

    endpoint: str | None
    enabled: bool | None
    sponsors: tuple[str, ...] | None
    grants: Mapping[str, frozenset[str]]
    identity_enabled: bool | None
    blueprint_enabled: bool | None
    blocked: int | None


class Asks:
    """Reads bodies against the directory: the people and agents they name must exist."""

    def __init__(self, directory: Directory, resources: Catalogue) -> None:
        self._directory, self._resources = directory, resources

    def hire(self, body: Json) -> Hire:
        """Read `POST /control/agents`."""
        return Hire(
            name=_filled(body, "name"),
            sponsors=self._sponsors(body),
            endpoint=_endpoint(body),
            certificate=read_certificate(body),
        )

    def register(self, body: Json) -> Hire:
        """Read `POST /control/bots`: a bot has no sponsors."""
        return self.hire({**body, "sponsors": []})

    def change(self, body: Json) -> Change:
        """Read `PUT /control/agents/{user}`."""
        grants = part(body, "grants")
        return Change(
            endpoint=_endpoint(body),
            enabled=_flag(body, "enabled"),
            identity_enabled=_flag(body, "identity_enabled"),
            blueprint_enabled=_flag(body, "blueprint_enabled"),
            blocked=_policy(body),
            sponsors=self._sponsors(body) if "sponsors" in body else None,
            grants={self._resource(name): frozenset(texts(grants, name)) for name in grants},
        )

    def words(self, body: Json) -> Words:
        """Read `POST /control/messages`."""
        words = self._words(body, self.person(text(body, "from")))
        thread = text(body, "thread", "") or None
        return replace(words, thread=thread, extras=read_extras(body))

    def spoken(self, body: Json) -> Words:
        """Read `POST /page/messages`: somebody pressed Enter, in a thread or not."""
        _filled(body, "text")
        words = self._words(body, self.person(text(body, "person")))
        return replace(words, thread=text(body, "thread", "") or None)

    def _words(self, body: Json, person: Person) -> Words:
        kind = _choice(body, "kind", Kind.PERSONAL)
        return Words(
            person=person,
            agent=self.agent(text(body, "agent")),
            text=text(body, "text"),
            kind=kind,
            # In a group an agent is told only what is said to it by name.
            mention=flag(body, "mention", default=kind is not Kind.PERSONAL),
            wait=flag(body, "wait", default=True),
        )

    def agent(self, user: str) -> Agent:
        """Find an agent by its user's object id, or a bot by its app id.

        Raises:
            DocumentError: There is none.
        """
        agent = self._directory.agent(user)
        if agent is None:
            raise DocumentError("there is no agent with this user id")
        return agent

    def person(self, key: str) -> Person:
        """Find a person by the key scripts use.

        Raises:
            DocumentError: There is nobody.
        """
        person = self._directory.person(key)
        if person is None:
            raise DocumentError("there is no person with this key")
        return person

    def _sponsors(self, body: Json) -> tuple[str, ...]:
        return tuple(self.person(key).oid for key in texts(body, "sponsors"))

    def _resource(self, name: str) -> str:
        resource = self._resources.resource(name)
        if resource is None:
            raise DocumentError("grants names a resource that does not exist")
        return resource


def read_certificate(body: Json) -> Certificate:
    """Read the PEM certificate in *body*."""
    try:
        return Certificate.read(text(body, "certificate"))
    except ValueError:
        raise DocumentError("certificate must be one PEM certificate with an RSA key") from None


def read_forgery(body: Json) -> tuple[Pass, Forgery]:
    """Read what kind of token is asked for, and how it differs from an honest one."""
    forgery = Forgery(
        claims=part(body, "claims"),
        header=part(body, "header"),
        algorithm=_choice(body, "alg", Algorithm.RS256),
        signer=_choice(body, "key", Signer.OWN),
    )
    if "lifetime_s" in body:
        forgery = replace(forgery, lifetime_s=number(body, "lifetime_s"))
    return _choice(body, "kind", Pass.AGENTIC), forgery


def _flag(body: Json, name: str) -> bool | None:
    return flag(body, name, default=False) if name in body else None


def _policy(body: Json) -> int | None:
    if body.get("blocked") is None:
        return None
    code = int(number(body, "blocked"))
    if code not in _POLICIES:
        raise DocumentError("blocked must be one of: 53000, 53003, or null")
    return code


def _filled(body: Json, name: str) -> str:
    value = text(body, name).strip()
    if not value:
        raise DocumentError(f"{name} must not be empty")
    return value


def _endpoint(body: Json) -> str | None:
    if body.get("endpoint") is None:
        return None
    url = text(body, "endpoint")
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise DocumentError("endpoint must be an http or https URL")
    return url


def _choice(body: Json, name: str, default: _Choice) -> _Choice:
    words = [member.value for member in type(default)]
    value = text(body, name, default.value)
    if value not in words:
        raise DocumentError(f"{name} must be one of: {', '.join(words)}")
    return type(default)(value)
