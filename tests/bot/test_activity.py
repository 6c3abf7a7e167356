"""Whatever JSON an activity holds, it is read or refused, never a traceback."""

import unicodedata
from typing import cast

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from entraclaw.bot.activity import normalise, sender
from entraclaw.bot.admission import (
    BODY_LIMIT,
    Caller,
    Door,
    Refused,
    check_body,
    check_head,
    may_send_to,
)
from entraclaw.bot.bearer import read_header
from entraclaw.bot.inbox import Arrival
from entraclaw.bot.plain import plain_name
from entraclaw.identity import AgentIds

GUID = "5a807f24-c9de-44ee-a3a7-329e88a00ffc"
DOOR = Door(AgentIds(GUID, GUID, GUID, GUID), ("smba.trafficmanager.net",))
CALLER = Caller(GUID, "", b"{}", 0.0)
FIELDS = [
    "type",
    "id",
    "conversation",
    "recipient",
    "from",
    "channelData",
    "serviceUrl",
    "text",
    "entities",
    "attachments",
    "timestamp",
    "tenantId",
    "tenant",
    "agenticUserId",
    "aadObjectId",
]

leaves = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=20)
values = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=5), inner, max_size=5)
    ),
    max_leaves=20,
)
activities = st.dictionaries(st.sampled_from(FIELDS), values, max_size=10).map(
    lambda found: {"type": "message", "id": "1", "conversation": {"id": "a:1"}} | found
)


@given(values | activities)
def test_any_json_is_taken_or_refused_with_a_known_status(document: object) -> None:
    outcome = check_body(orjson.dumps(document), CALLER, DOOR, 1.0)

    match outcome:
        case Arrival():
            assert outcome.conversation
            assert outcome.kind
        case Refused():
            assert outcome.status in {400, 403}


@given(st.binary(max_size=200))
def test_any_bytes_are_taken_or_refused_with_a_known_status(body: bytes) -> None:
    outcome = check_body(body, CALLER, DOOR, 1.0)
    assert isinstance(outcome, Arrival) or outcome.status == 400


@given(
    st.sampled_from(["POST", "GET", "HEAD", "PATCH", ""]) | st.text(max_size=8),
    st.dictionaries(
        st.sampled_from(["Content-Type", "Content-Length", "Authorization", "Host"]),
        st.sampled_from(["application/json", "application/json;charset=x", "-1", "9" * 40, "²"])
        | st.text(max_size=30),
    ),
)
@example("POST", {"Content-Length": "\u00b2"})
@example("POST", {"Content-Length": "9" * 5000})
def test_any_method_and_headers_are_passed_on_or_refused_with_a_known_status(
    method: str, headers: dict[str, str]
) -> None:
    refused = check_head(method, headers)
    assert refused is None or refused.status in {405, 413, 415}

    token = read_header(headers.get("Authorization", ""))
    assert isinstance(token, tuple) or token.status == 401


@given(st.text() | st.from_regex(r"Bearer [\w-]{0,40}\.[\w-]{0,40}\.[\w-]{0,40}", fullmatch=True))
def test_any_authorization_is_read_or_refused(authorization: str) -> None:
    token = read_header(authorization)
    assert isinstance(token, tuple) or token.status == 401


@given(activities)
def test_normalised_activity_holds_no_null_no_empty_string_and_no_typeless_entity(
    activity: dict[str, object],
) -> None:
    clean = normalise(activity)
    text = clean.pop("text", None)

    assert text is not None or activity.get("text") is None
    assert not list(_faults(clean))
    entities = clean.get("entities")
    for entity in cast("list[dict[str, object]]", entities if isinstance(entities, list) else []):
        assert entity["type"]
    sender(activity)


def _faults(value: object) -> list[object]:
    if isinstance(value, dict):
        inner = list(cast("dict[str, object]", value).values())
        return [one for one in inner if one is None or one == ""] + _faults(inner)
    if isinstance(value, list):
        return [fault for one in cast("list[object]", value) for fault in _faults(one)]
    return []


@given(st.text())
def test_displayed_name_is_short_and_has_no_control_or_invisible_character(name: str) -> None:
    plain = plain_name(name)

    assert len(plain) <= 64
    assert not [c for c in plain if unicodedata.category(c).startswith("C")]


@given(st.text(max_size=40))
def test_answer_goes_to_an_allowed_host_or_nowhere(text: str) -> None:
    """Ours: whatever stands in front of or behind the host, only the exact one counts."""
    host = "smba.trafficmanager.net"
    for url in (text, f"https://{text}", f"https://{text}{host}", f"https://{host}{text}"):
        if may_send_to(url, (host,)):
            rest = url.lower().removeprefix("https://").removeprefix(host)
            assert rest[:1] in {"", "/", "?", "#"}


def test_body_at_the_limit_is_read_and_one_byte_more_is_not() -> None:
    start = b'{"type":"event","conversation":{"id":"a"},"x":"'
    at_limit = start + b"x" * (BODY_LIMIT - len(start) - 2) + b'"}'

    assert isinstance(check_body(at_limit, CALLER, DOOR, 1.0), Arrival)
    assert check_body(at_limit + b" ", CALLER, DOOR, 1.0) == Refused(413, "length")


def test_edit_is_another_entry_than_the_message_it_edits() -> None:
    message = {"type": "message", "id": "1", "conversation": {"id": "a:1"}}
    edits = [
        {**message, "type": "messageUpdate", "timestamp": f"2026-11-23T19:00:0{n}Z"}
        for n in range(2)
    ]
    outcomes = [check_body(orjson.dumps(one), CALLER, DOOR, 1.0) for one in [message, *edits]]

    assert len({outcome.key for outcome in outcomes if isinstance(outcome, Arrival)}) == 3


def test_empty_text_stays_and_every_other_empty_thing_goes() -> None:
    """An empty message is a message."""
    assert normalise({"text": "", "name": "", "locale": None, "attachments": [None]}) == {
        "text": "",
        "attachments": [],
    }


@pytest.mark.parametrize(
    ("length", "status"),
    [(BODY_LIMIT, None), (BODY_LIMIT + 1, 413), (10**50, 413), (f"000{BODY_LIMIT}", None)],
)
def test_announced_length_is_taken_at_its_word(length: object, status: int | None) -> None:
    headers = {"Content-Length": str(length), "Content-Type": "application/json"}
    refused = check_head("POST", headers)
    assert (refused and refused.status) == status
