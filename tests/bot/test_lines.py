"""Lines come whole and in order; one over the limit costs nothing but its bytes."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from entraclaw.bot.lines import read_lines
from entraclaw.bot.passing import Passing

BOUND_S = 30.0
LIMIT = 40


def fed(*chunks: bytes) -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    for chunk in chunks:
        reader.feed_data(chunk)
    reader.feed_eof()
    return reader


@given(st.lists(st.text(alphabet="a\n", max_size=60).map(str.encode), max_size=9))
async def test_lines_are_those_of_the_stream_however_it_is_cut(chunks: list[bytes]) -> None:
    told = [line async for line in read_lines(fed(*chunks), LIMIT)]

    lines = b"".join(chunks).split(b"\n")[:-1]  # what does not end is none
    assert [one.length if isinstance(one, Passing) else len(one) for one in told] == [
        len(line) + 1 for line in lines
    ]
    assert all(
        isinstance(one, Passing) == (len(line) >= LIMIT)
        for one, line in zip(told, lines, strict=True)
    )


async def test_line_over_the_limit_shows_its_outside_and_the_next_comes_whole() -> None:
    long = b"<" + b"x" * 5_000_000 + b">\n"
    told = [line async for line in read_lines(fed(b"a\n", long, b"b\n"), 1 << 20)]

    assert (told[0], told[2]) == (b"a\n", b"b\n")
    assert isinstance(told[1], Passing)
    assert told[1].length == len(long)
    assert told[1].head.startswith(b"<x")
    assert told[1].tail.endswith(b"x>\n")


async def test_stream_that_breaks_ends_the_lines() -> None:
    reader = asyncio.StreamReader()
    reader.feed_data(b"a\nhalf")
    lines = read_lines(reader, LIMIT)
    async with asyncio.timeout(BOUND_S):
        assert await anext(lines) == b"a\n"
        reader.set_exception(ConnectionResetError())
        assert [line async for line in lines] == []
