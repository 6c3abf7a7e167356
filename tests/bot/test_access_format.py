"""The list is read as it was written, and other bytes are refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entraclaw.bot.access import DESK, Access, Listed, Pending
from entraclaw.bot.access_format import decode, encode
from entraclaw.bot.plain import plain_name

GUIDS = st.uuids().map(str)
SECONDS = st.floats(0, 253402300799)
NAMES = st.text().map(plain_name)
ACCOUNTS = st.tuples(GUIDS, GUIDS)
LISTS = st.dictionaries(
    ACCOUNTS, st.builds(Listed, NAMES, SECONDS, st.one_of(st.just(DESK), GUIDS)), max_size=3
)
WAITING = st.builds(
    Pending, st.text("ACDEF34679"), ACCOUNTS, NAMES, SECONDS, st.integers(1, 1 << 40)
)


@given(st.builds(Access, LISTS, LISTS, st.booleans(), st.lists(WAITING, max_size=3).map(tuple)))
def test_list_is_read_as_it_was_written(access: Access) -> None:
    assert decode(encode(access)) == access


@given(st.binary())
def test_no_bytes_do_worse_than_be_refused(raw: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        decode(raw)
