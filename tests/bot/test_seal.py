"""The seal: what it takes for a file to count."""

import hmac
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entraclaw.bot import seal
from entraclaw.bot.seal import Broken, Changed, Intact

NAME, LIST, BEFORE = "access.json", b'{"pairing": false}', b"{}"


def mac(words: bytes) -> bytes:
    return hmac.digest(b"the key", words, "sha256")


def sealed(payload: bytes = LIST, number: int = 3, before: bytes | None = BEFORE) -> bytes:
    return seal.write(seal.make(NAME, number, before=before, payload=payload, kept="file", mac=mac))


def judge(found: bytes | None, raw: bytes | None, known: int = 3) -> seal.Verdict:
    return seal.judge(NAME, found, raw, known, mac)


def changed(**changes: object) -> bytes:
    return json.dumps({**json.loads(sealed()), **changes}).encode()


def test_file_that_is_as_it_was_sealed_counts() -> None:
    assert judge(LIST, sealed()) == Intact(LIST)


def test_seal_is_written_and_read_the_same() -> None:
    made = seal.make(NAME, 3, before=None, payload="ä".encode(), kept="file", mac=mac)

    assert seal.read(seal.write(made)) == made


@pytest.mark.parametrize("found", [b"{}  ", LIST + b"\n", b"", None], ids=str)
def test_file_that_was_changed_does_not_count_and_what_was_sealed_is_known(
    found: bytes | None,
) -> None:
    assert judge(found, sealed()) == Changed(LIST)


def test_write_that_broke_off_after_the_seal_counts_as_done() -> None:
    """Ours: a power cut between two files is nobody's tampering."""
    assert judge(BEFORE, sealed()) == Intact(LIST)
    assert judge(None, sealed(before=None, number=1), known=0) == Intact(LIST)


def test_older_file_with_its_own_seal_does_not_count() -> None:
    assert judge(LIST, sealed(number=2)) == Broken("is an older one, or of another file")


def test_seal_that_is_newer_than_what_is_remembered_counts() -> None:
    """The number is remembered last: a power cut before that must not lock people out."""
    assert judge(LIST, sealed(number=4)) == Intact(LIST)


def test_seal_of_another_file_does_not_count() -> None:
    assert isinstance(seal.judge("policy.toml", LIST, sealed(), 0, mac), Broken)


@pytest.mark.parametrize(
    "changes",
    [{"payload": "{}"}, {"number": 4}, {"before": ""}, {"name": "x"}, {"mac": ""}, {"mac": "ä"}],
    ids=str,
)
def test_seal_that_was_written_by_somebody_else_does_not_count(changes: dict[str, object]) -> None:
    assert judge(LIST, changed(**changes)) == Broken("was not made with the key of this profile")


@pytest.mark.parametrize(
    "raw",
    [b"", b"[]", b"{", changed(number="3"), changed(number=0), changed(more=1), changed(mac=None)],
    ids=str,
)
def test_seal_that_cannot_be_read_does_not_count(raw: bytes) -> None:
    assert judge(LIST, raw) == Broken("is damaged")


def test_seal_that_is_gone_is_told_from_one_that_never_was() -> None:
    assert judge(LIST, None) == Broken("is gone")
    assert judge(LIST, None, known=0) == Changed(None)
    assert judge(None, None, known=0) == Intact(None)


@given(st.binary())
def test_no_bytes_in_place_of_a_seal_do_worse_than_not_count(raw: bytes) -> None:
    assert isinstance(judge(LIST, raw), Broken)


@given(st.sampled_from(["name", "before", "payload", "mac", "kept"]), st.text())
def test_no_words_in_a_seal_count_but_those_that_were_sealed(field: str, text: str) -> None:
    verdict = judge(LIST, changed(**{field: text}))
    is_the_same = field == "kept" or text == json.loads(sealed())[field]

    assert isinstance(verdict, Intact) is is_the_same
