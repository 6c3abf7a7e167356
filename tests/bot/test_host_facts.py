"""What a host says about itself in the environment comes to the daemon as it was said."""

import os
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entraclaw.bot import host_facts
from hosts.standin import environment


def test_claude_code_is_told_with_its_project_and_its_inbox() -> None:
    told = environment({}, "s1", project="/home/ada/my files", inbox=("/run/s1.sock", "t"))

    assert dict(parse_qsl(host_facts.tell(told, 42))) == {
        "host": "claude-code",
        "entry": "cli",
        "project": "/home/ada/my files",
        "inbox": "1",
        "parent": "42",
    }
    assert host_facts.session(told) == "s1"
    assert host_facts.inbox(told) == ("/run/s1.sock", "t")


def test_host_that_says_nothing_has_a_parent_and_a_session_of_its_own() -> None:
    assert host_facts.tell({}, 42) == "parent=42"
    assert host_facts.inbox({}) is None
    assert host_facts.session({}) != host_facts.session({})
    assert len(host_facts.session({})) == 24


@pytest.mark.parametrize("given_id", ["", "héllo", "a b", "x" * 65, "../x", "a\nb", "---"])
def test_session_id_that_is_no_plain_word_is_replaced(given_id: str) -> None:
    made = host_facts.session({"CLAUDE_CODE_SESSION_ID": given_id})

    assert made.isalnum()
    assert made != given_id


@given(st.binary(max_size=300).filter(lambda raw: b"\0" not in raw))
def test_any_folder_is_told_in_plain_letters(raw: bytes) -> None:
    told = host_facts.tell({"CLAUDE_PROJECT_DIR": os.fsdecode(raw)}, 1)

    assert all("!" <= letter <= "~" for letter in told)
    facts = dict(parse_qsl(told, errors="surrogateescape"))
    assert os.fsencode(facts.get("project", "")) == raw
