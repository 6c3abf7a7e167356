import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entraclaw.identity import Token
from entraclaw.identity.challenge import claims_of, ignore, renewed

CLAIMS = '{"access_token": {"nbf": {"essential": true, "value": "1"}, "x": "\u00ff?>"}}'


def header(claims: bytes, error: str = 'error="insufficient_claims"') -> str:
    return f'Bearer realm="", {error}, claims="{base64.b64encode(claims).decode()}"'


def token(secret: str) -> Token:
    return Token(secret, "graph", acquired_at=0.0, expires_at=1.0)


@pytest.mark.parametrize("strip", ["", "="])
def test_claims_are_read_from_either_alphabet(strip: str) -> None:
    raw = '{"access_token": {"x": "???>>>~~~"}}'
    url = base64.urlsafe_b64encode(raw.encode()).decode().rstrip(strip or None)

    said = f'Bearer error=insufficient_claims, claims="{url}"'

    assert claims_of(header(CLAIMS.encode())) == CLAIMS
    assert claims_of(said) == raw


@pytest.mark.parametrize(
    "said",
    [
        "",
        'Bearer realm=""',
        header(b"{}", 'error="invalid_token"'),
        header(b"[]"),
        header(b"{"),
        header(b"\xff"),
        header(b"[" * 6000),
        header(b'{"access_token": null}'),
        header(b'{"access_token": "nbf"}'),
        'Bearer error="insufficient_claims", claims="A"',
        'Bearer error="insufficient_claims", claims="not base64!"',
        'Bearer error="insufficient_claims", claims="' + "A" * 8196 + '"',
    ],
)
def test_what_demands_nothing_readable_demands_nothing(said: str) -> None:
    assert claims_of(said) == ""


@given(st.text())
def test_no_header_breaks_it(said: str) -> None:
    assert isinstance(claims_of(f'error="insufficient_claims", claims="{said}"'), str)


async def test_successor_is_given_and_the_giver_told_why() -> None:
    told: list[tuple[Token, str]] = []

    async def give() -> Token:
        return token("new")

    def refused(old: Token, claims: str) -> None:
        told.append((old, claims))

    old = token("old")
    fresh = await renewed(give, refused, old, header(b"{}"))

    assert fresh == token("new")
    assert told == [(old, "{}")]


async def test_giver_without_another_leaves_the_refusal() -> None:
    async def give() -> Token:
        return token("old")

    assert await renewed(give, ignore, token("old"), "") is None
