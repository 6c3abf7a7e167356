"""What stands on the outside of a line is found without the line."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entraclaw.bot import envelope
from entraclaw.bot.passing import HEAD, TAIL, Passing, pieces

Document = dict[str, Any]

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner),
    max_leaves=8,
)
# Text that looks like the outside of a message, inside one.
bait = st.sampled_from(['","id":7}', '{"id":8,"method":"x"}', "\\", '"', "}", ',"id":9,', "\n"])
ids = st.integers() | st.text(max_size=20) | bait


def passed(line: bytes, step: int = 1 << 16) -> Passing:
    passing = Passing()
    for start in range(0, len(line), step):
        passing.add(line[start : start + step])
    return passing


@st.composite
def messages(draw: st.DrawFn) -> tuple[Document, bytes]:
    """A message and a line that says it: members in any order, spaces or none, any escapes."""
    long_one = draw(st.sampled_from(["params", "result", "error"]))
    inner: Document = draw(st.dictionaries(st.text(max_size=6) | bait, anything | bait))
    inner |= draw(st.sampled_from([{}, {"id": 5}, {"method": "x", "id": "y"}]))
    document: Document = {"jsonrpc": "2.0", long_one: inner, "id": draw(ids)}
    if long_one == "params":
        document["method"] = draw(st.sampled_from(["tools/call", "ping", 'a"b']))
    if draw(st.booleans()):
        del document["id"]
    if draw(st.booleans()):
        inner["text"] = draw(st.sampled_from(["x", '"', "\\", "é", '","id":3}'])) * (TAIL + HEAD)
    named = {name: document[name] for name in draw(st.permutations(list(document)))}
    spaced = draw(st.sampled_from([(",", ":"), (", ", ": "), (" ,\t", " : ")]))
    line = json.dumps(named, ensure_ascii=draw(st.booleans()), separators=spaced)
    return document, line.encode() + draw(st.sampled_from([b"\n", b"\r\n", b" \n"]))


@given(messages(), st.integers(min_value=1, max_value=1 << 17))
def test_method_and_id_are_those_of_the_message(told: tuple[Document, bytes], step: int) -> None:
    document, line = told
    seen = envelope.read(passed(line, max(step, len(line) // 64)))

    assert json.loads(b'"%b"' % seen.method) == document.get("method", "")
    assert (json.loads(seen.id) if seen.id else None) == document.get("id")


@given(messages())
def test_equal_ids_are_spelled_alike(told: tuple[Document, bytes]) -> None:
    """A host may escape what the daemon does not."""
    document, line = told
    answer = {"id": document.get("id", 0)}
    dumped = json.dumps(answer, ensure_ascii=False).encode()

    assert envelope.read(passed(line)).id in {b"", envelope.read(passed(dumped)).id}


@given(st.binary(max_size=200) | st.text(alphabet='{}[]":,\\ id1', max_size=60).map(str.encode))
def test_garbage_is_read_without_a_word(line: bytes) -> None:
    envelope.read(passed(line))
    envelope.cancelled(passed(line))


@pytest.mark.parametrize("number", ["null", "true", "{}", "[1]", '"\\ud800"', '"\\q"'])
def test_id_that_may_not_be_one_is_none(number: str) -> None:
    line = f'{{"jsonrpc":"2.0","method":"x","id":{number}}}'

    assert envelope.read(passed(line.encode())).id == b""


def test_last_of_two_ids_counts_as_for_every_parser() -> None:
    assert envelope.read(passed(b'{"id":1,"params":{},"id":2}')).id == b"2"


@pytest.mark.parametrize(
    ("params", "number"),
    [
        ('{"requestId":3,"reason":"x"}', b"3"),
        ('{"reason":"x","requestId" : "a\\u0062"}', b'"ab"'),
        ("{}", b""),
    ],
)
def test_cancelled_request_is_told(params: str, number: bytes) -> None:
    line = f'{{"method":"notifications/cancelled","params":{params}}}'

    assert envelope.cancelled(passed(line.encode())) == number


def test_line_is_kept_whole_up_to_its_limit_only() -> None:
    short, long = b"x" * (HEAD - 1) + b"\n", b"x" * HEAD + b"\n"

    assert passed(short, 7).whole == short
    assert passed(long, 7).whole is None
    assert passed(long, 1 << 20).length == HEAD + 1
    assert len(passed(long).head) + len(passed(long).tail) == HEAD + TAIL


@given(st.binary(max_size=30) | st.text(alphabet="\na", max_size=12).map(str.encode))
def test_pieces_are_the_chunk_cut_after_every_newline(chunk: bytes) -> None:
    cut = list(pieces(chunk))

    assert b"".join(cut) == chunk
    assert all(piece.find(b"\n") in {-1, len(piece) - 1} for piece in cut)
    assert all(piece.endswith(b"\n") for piece in cut[:-1])
    assert b"" not in cut
