"""The page on which an administrator allows an application something for everybody."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape

from aiohttp import web

from entraclaw.sandbox.directory import Person, Tenant
from entraclaw.sandbox.permission_words import said
from entraclaw.sandbox.signin_page import NEXT, face, origin, page


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, and where the answer goes with its *ticket*.

    *scopes* and *roles* are permissions by the name of their API. *wrong* says why it is
    asked once more. *is_agent*: the application acts as an account of its own.
    """

    application: str
    tenant: Tenant
    scopes: Mapping[str, tuple[str, ...]]
    roles: Mapping[str, tuple[str, ...]]
    action: str
    ticket: str
    is_agent: bool
    redirect: str = ""
    wrong: str = ""


def ask(question: Question, people: Iterable[tuple[Person, tuple[str, ...]]]) -> web.Response:
    """Ask one of *people*, each with the names of their directory roles."""
    name, home = escape(question.application), escape(question.tenant.name)
    wrong = f'<p class="wrong" role="alert">{escape(question.wrong)}</p>' if question.wrong else ""
    faces = "".join(_person(person, roles) for person, roles in people)
    as_whom = "as its own account" if question.is_agent else "as whoever signs in there"
    groups = "".join(
        [
            *(_group(question, api, as_whom, names) for api, names in question.scopes.items()),
            *(_group(question, api, "with no account", n) for api, n in question.roles.items()),
        ]
    )
    body = (
        f"<h1>Allow this for everybody?</h1>"
        f'<p class="lead"><b>{name}</b> asks an administrator of {home}. '
        "Whoever says yes says it for the whole organization, until it is taken back.</p>"
        f'{wrong}{groups}<form method="post" action="{escape(question.action)}">'
        f'<input type="hidden" name="ticket" value="{escape(question.ticket)}">'
        f'<h2 class="who">Allow it as</h2><ul class="people">{faces}</ul>'
        '<div class="actions"><button name="person" value="">Do not allow it</button></div></form>'
    )
    return page("Allow for everybody", body, forms=f"'self' {origin(question.redirect)}".strip())


def _group(question: Question, api: str, as_whom: str, names: tuple[str, ...]) -> str:
    words = {"whose": "its", "whom": "itself"} if question.is_agent else {}
    lines = "".join(
        f"<li><span>{escape(said(name, **words))}<code>{escape(name)}</code></span></li>"
        for name in names
    )
    title = f"{escape(api)}, {as_whom}"
    return f'<section class="asks"><h2>{title}</h2><ul>{lines}</ul></section>'


def _person(person: Person, roles: tuple[str, ...]) -> str:
    held = ", ".join(roles) or "no directory role"
    return (
        f'<li><button class="person" name="person" value="{escape(person.key)}">{face(person)}'
        f'<span class="name"><b>{escape(person.name)}</b><small>{escape(held)}</small></span>'
        f"{NEXT}</button></li>"
    )
