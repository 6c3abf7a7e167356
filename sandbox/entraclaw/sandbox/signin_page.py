"""The pages of a sign-in: who are you, type the code, done, and on the way back.

Plain functions that write HTML. Whatever came from outside is escaped here, and
nowhere else is HTML made. No page asks for a password, and every one says that
the tenant is emulated.

Policy: https://www.w3.org/TR/CSP3/
"""

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape
from urllib.parse import urlsplit

from aiohttp import web

from entraclaw.sandbox.directory import Person, Tenant
from entraclaw.sandbox.permission_words import said

_MARK = (
    '<svg class="mark" viewBox="0 0 24 24" aria-hidden="true"><rect width="24" height="24" rx="7"'
    ' class="tile"/><path d="M8 6v8M12 5v10M16 6v8M7 19h10"/></svg>'
)
NEXT = '<svg viewBox="0 0 24 24" aria-hidden="true"><path d="m10 7 5 5-5 5"/></svg>'
_SIGNS = {
    True: '<svg class="sign good" viewBox="0 0 24 24" aria-hidden="true">'
    '<path d="m5 12.5 4.5 4.5L19 7.5"/></svg>',
    False: '<svg class="sign bad" viewBox="0 0 24 24" aria-hidden="true">'
    '<path d="M12 5v8.5M12 18.2v.3"/></svg>',
}
_OPENID = frozenset({"openid", "profile", "email"})


@dataclass(frozen=True, slots=True)
class Choice:
    """What the person is asked: which application, in which tenant, for what.

    *action* is where the answer goes with its *ticket*; *warning* is for codes that
    somebody else might have sent.
    """

    application: str
    tenant: Tenant
    scope: str
    action: str
    ticket: str
    warning: str = ""


def choose(choice: Choice, people: Iterable[Person], redirect: str = "") -> web.Response:
    """Ask who it is; the answer may lead on to *redirect*."""
    name = escape(choice.application)
    faces = "".join(_person(person, choice.tenant) for person in people)
    warning = f'<p class="wrong">{escape(choice.warning)}</p>' if choice.warning else ""
    body = (
        f"<h1>Who is signing in?</h1>"
        f'<p class="lead"><b>{name}</b> wants to act for you at {escape(choice.tenant.name)}.</p>'
        f'{warning}<form method="post" action="{escape(choice.action)}">'
        f'<input type="hidden" name="ticket" value="{escape(choice.ticket)}">'
        f'<ul class="people">{faces}</ul>{_asks(choice.scope)}'
        f'<div class="actions"><button name="person" value="">Cancel</button></div></form>'
    )
    return page("Sign in", body, forms=f"'self' {origin(redirect)}".strip())


def ask_code(*, wrong: str = "") -> web.Response:
    """Ask for the code that a device shows."""
    said = f'<p class="wrong" role="alert">{escape(wrong)}</p>' if wrong else ""
    body = (
        "<h1>Enter the code</h1>"
        '<p class="lead">Type the code that your terminal shows. Only go on if you started '
        f"this sign-in yourself.</p>{said}"
        '<form method="post" action="/devicelogin">'
        '<input class="code" name="user_code" aria-label="Code" '
        'maxlength="16" autocomplete="off" autocapitalize="characters" spellcheck="false" '
        'required autofocus><div class="actions"><button class="go">Next</button></div></form>'
    )
    return page("Enter the code", body)


def told(title: str, sentence: str, *, is_well: bool, status: int = 200) -> web.Response:
    """Say how it ended; there is nothing more to do on the page."""
    body = f'{_SIGNS[is_well]}<h1>{escape(title)}</h1><p class="lead">{escape(sentence)}</p>'
    return page(title, body, status=status)


def send_on(redirect: str, fields: Mapping[str, str]) -> web.Response:
    """Hand *fields* to the application by a form that submits itself.

    https://openid.net/specs/oauth-v2-form-post-response-mode-1_0.html
    """
    nonce = secrets.token_urlsafe(16)
    hidden = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
        for name, value in fields.items()
    )
    body = (
        "<h1>On the way back</h1>"
        '<p class="lead">Your application takes it from here.</p>'
        f'<form method="post" action="{escape(redirect)}">{hidden}'
        '<div class="actions"><button class="go">Go on</button></div></form>'
        f'<script nonce="{nonce}">document.forms[0].submit()</script>'
    )
    return page("On the way back", body, forms=origin(redirect), scripts=f"'nonce-{nonce}'")


def _person(person: Person, tenant: Tenant) -> str:
    place = "" if person.tenant == tenant.id else " · guest"
    return (
        f'<li><button class="person" name="person" value="{escape(person.key)}">'
        f'{face(person)}<span class="name"><b>{escape(person.name)}</b>'
        f"<small>{escape(person.upn)}{place}</small></span>{NEXT}</button></li>"
    )


def _asks(scope: str) -> str:
    # Of a permission's whole name only the last part is for people.
    words = [word.rpartition("/")[2] for word in scope.split() if word.lower() not in _OPENID]
    lines = "".join(
        f"<li><span>{escape(said(word))}<code>{escape(word)}</code></span></li>" for word in words
    )
    return f'<section class="asks"><h2>It will be able to</h2><ul>{lines}</ul></section>'


def face(person: Person) -> str:
    """A person's initials, as a picture of them."""
    initials = "".join(word[0] for word in person.name.split()[:2])
    return f'<span class="face {escape(person.key)}" aria-hidden="true">{escape(initials)}</span>'


def origin(redirect: str) -> str:
    """Where an address is, for a policy; empty for no address."""
    parts = urlsplit(redirect)
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""


def page(
    title: str, body: str, *, status: int = 200, forms: str = "'self'", scripts: str = "'none'"
) -> web.Response:
    """Frame *body*, in which everything is escaped already; *forms* may go where it says."""
    text = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f"<title>{escape(title)} · Entraclaw sandbox</title>"
        '<link rel="stylesheet" href="/signin.css"><link rel="icon" href="data:,"></head><body>'
        f'<main><p class="brand">{_MARK}<span><b>Entraclaw</b> sandbox</span>'
        f"<em>emulated tenant</em></p>{body}</main>"
        '<p class="foot"><b>This is not Microsoft.</b> An emulated tenant on this machine: '
        "no password is asked for, and nothing leaves it.</p></body></html>"
    )
    # The submission may be led on to the application, which is why its origin is in form-action.
    policy = (
        f"default-src 'none'; style-src 'self'; img-src data:; script-src {scripts}; "
        f"form-action {forms}; base-uri 'none'; frame-ancestors 'none'"
    )
    headers = {
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
    }
    return web.Response(text=text, status=status, content_type="text/html", headers=headers)
