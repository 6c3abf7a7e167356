"""Which session a program beside a host belongs to."""

import asyncio
from collections.abc import AsyncGenerator
from typing import cast

import pytest

from entraclaw.bot.hosts import Hosts
from entraclaw.bot.local_socket import Guest


def guest(wants: str, session: str, parent: str = "") -> Guest:
    facts = {"parent": parent} if parent else {}
    writer = cast("asyncio.StreamWriter", None)  # nobody writes here
    return Guest(wants, session, 1, asyncio.StreamReader(), writer, facts)


@pytest.fixture
async def hosts() -> AsyncGenerator[Hosts]:
    hosts = Hosts()
    with hosts.noting(guest("mcp", "one", "100")), hosts.noting(guest("mcp", "two", "200")):
        yield hosts


@pytest.mark.parametrize("verb", ["hook", "ask", "ring", "busy"])
async def test_program_of_a_session_that_was_cleared_is_known_by_its_host(
    hosts: Hosts, verb: str
) -> None:
    """Claude Code names a session anew then; its shim never hears of it."""
    assert hosts.known(guest(verb, "new name", "200")).session == "two"


async def test_id_of_a_connected_session_counts_more_than_the_host(hosts: Hosts) -> None:
    assert hosts.known(guest("hook", "one", "200")).session == "one"


@pytest.mark.parametrize("parent", ["", "300"])
async def test_program_of_an_unknown_host_keeps_its_name(hosts: Hosts, parent: str) -> None:
    assert hosts.known(guest("hook", "new name", parent)).session == "new name"


async def test_hosts_without_a_known_process_are_not_taken_for_each_other(hosts: Hosts) -> None:
    with hosts.noting(guest("mcp", "three")):
        assert hosts.known(guest("hook", "new name")).session == "new name"


@pytest.mark.parametrize("verb", ["mcp", "do", "status", "tail"])
async def test_other_guests_are_who_they_say(hosts: Hosts, verb: str) -> None:
    assert hosts.known(guest(verb, "-", "200")).session == "-"


async def test_host_that_has_left_is_forgotten(hosts: Hosts) -> None:
    with hosts.noting(guest("mcp", "three", "300")):
        pass

    assert hosts.known(guest("hook", "new name", "300")).session == "new name"
