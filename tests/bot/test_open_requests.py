"""A host may have so much under way and no more."""

import asyncio

import pytest

from entraclaw.bot.open_requests import AT_ONCE, HELD, OpenRequests

BOUND_S = 30.0


async def is_held_up(adding: "asyncio.Task[None]") -> bool:
    """Whether *adding* waits, after everything else had its turn."""
    for _ in range(5):
        await asyncio.sleep(0)
    return not adding.done()


async def test_request_over_the_number_waits_for_an_answer() -> None:
    requests = OpenRequests()
    for number in range(AT_ONCE):
        await requests.add(number, 1)
    adding = asyncio.create_task(requests.add("next", 1))
    assert await is_held_up(adding)

    requests.close("never heard of")
    requests.close(None)
    assert await is_held_up(adding)
    requests.close(0)
    async with asyncio.timeout(BOUND_S):
        await adding
    assert requests.has("next")
    assert not requests.has(0)


async def test_requests_over_the_bytes_wait_and_one_alone_does_not() -> None:
    requests = OpenRequests()
    await requests.add(0, 2 * HELD)
    adding = asyncio.create_task(requests.add(1, 1))
    assert await is_held_up(adding)

    requests.close(0)
    async with asyncio.timeout(BOUND_S):
        await adding


@pytest.mark.parametrize("told", [7, "7"])
async def test_request_taken_back_is_answered_no_more(told: object) -> None:
    requests = OpenRequests()
    await requests.add(7, 1)
    await requests.add(8, 1)
    requests.cancel({"requestId": told})
    requests.cancel(None)
    requests.cancel({"requestId": [7]})

    assert not requests.has(7)
    assert requests.has(8)
