"""What it takes to widen who may speak: a real daemon, sponsors and strangers in chats."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest

from bot.asking import BOUND_S
from bot.proofs import JOAN, MARY, allowed, asked, asking, decided, known, said, shown, waiting
from bot.stage import PROFILE, Stage, until
from bot.test_approvals_desk import attaches, host, run_within
from entraclaw.bot.access import Access
from entraclaw.bot.access_file import AccessFile
from entraclaw.bot.inbox import State
from entraclaw.bot.notices import Notice
from entraclaw.bot.proof import OPEN_LIMIT, TRIES, read_code

NO_CODE = "TTTTT-TTTT7"
COMMAND = [sys.executable, "-m", "entraclaw", "--profile", PROFILE, "access"]


async def test_sponsor_is_told_what_is_asked_and_confirms_it_in_their_own_chat(
    stage: Stage,
) -> None:
    async with known(stage) as daemon, asked(stage) as (line, code):
        await shown(daemon)
        assert allowed(stage) == set()
        await stage.say(f"confirm {code.lower()}")
        done = (await line.hear())["done"]
        await said(
            stage,
            f"Somebody at my machine asks me to let {JOAN} speak",
            f"Confirmed: {JOAN} may speak.",
        )

    assert done["did"] == f"{JOAN} may speak"
    [entry] = AccessFile(stage.folder).load().allowed.values()
    assert entry.by == done["by"] == (await _sponsor(stage))
    assert [one.state for one in stage.entries()] == [State.DONE] * 2  # no host ever saw it


async def test_sponsor_who_was_not_told_before_is_told_what_the_code_does_first(
    stage: Stage,
) -> None:
    async with stage.daemon(), asked(stage) as (line, code):
        await stage.say(f"confirm {code}")
        await said(stage, f"That code has me let {JOAN} speak")
        assert allowed(stage) == set()
        await stage.say(f"confirm {code}")
        assert "done" in await line.hear()

    assert allowed(stage) == {JOAN}


async def test_code_confirms_the_change_it_was_made_for_and_only_once(stage: Stage) -> None:
    async with known(stage) as daemon, asked(stage) as (joan, code):
        async with asked(stage, MARY) as (mary, other):
            await shown(daemon, 2)
            await stage.say(f"confirm {other}")
            assert (await mary.hear())["done"]["did"].startswith(MARY)
            assert allowed(stage) == {MARY}
            await stage.say(f"confirm {other}")
            await said(stage, Notice.NOT_CONFIRMED)
        assert allowed(stage) == {MARY}
        await stage.say(f"confirm {code}")
        assert (await joan.hear())["done"]["did"].startswith(JOAN)


async def test_code_is_worth_nothing_but_fresh_from_a_sponsor_in_their_own_chat(
    stage: Stage,
) -> None:
    async with known(stage) as daemon, asked(stage) as (_, code):
        await shown(daemon)
        words = f"confirm {code}"
        wrote = await stage.say("hello")
        await stage.say(words, person="grace")
        await stage.say(words, person="mallory")
        await stage.say(words, kind="groupChat")
        await stage.say(f"please {words}")
        edit = {"from": "ada", "activity": wrote["activity"], "text": words}
        await stage.control("POST", "edits", edit)
        await decided(stage, 7)

        assert len(waiting(daemon)) == 1
        assert allowed(stage) == set()


async def test_code_that_came_late_is_worth_nothing(stage: Stage) -> None:
    """Ours: what waited somewhere is not somebody who looks at it now."""
    async with known(stage) as daemon, asked(stage) as (_, code):
        await shown(daemon)
        assert daemon.agency is not None
        await stage.tenant.set_endpoint(stage.agent.user, "https://127.0.0.1:9")
        await stage.say(f"confirm {code}")
        await daemon.agency.controls.do({"verb": "catch-up"})
        await decided(stage, 2)

        assert stage.entries()[-1].arrival.late
        assert len(waiting(daemon)) == 1
        assert allowed(stage) == set()


async def test_wrong_codes_end_what_waits(stage: Stage) -> None:
    async with known(stage) as daemon, asked(stage) as (line, code):
        await shown(daemon)
        for _ in range(TRIES):
            await stage.say(f"confirm {NO_CODE}")
        refused = await line.hear()
        await stage.say(f"confirm {code}")
        await decided(stage, TRIES + 2)

    assert "too many wrong codes" in refused["error"]
    assert allowed(stage) == set()


async def test_sponsor_refuses_what_waits(stage: Stage) -> None:
    async with known(stage) as daemon, asked(stage) as (line, code):
        await shown(daemon)
        await stage.say("refuse")
        refused = await line.hear()
        await said(stage, Notice.NOTHING_CHANGED)
        await stage.say(f"confirm {code}")
        await said(stage, Notice.NOT_CONFIRMED)
        await stage.say("refuse")  # nothing waits: it is a message like any other
        await decided(stage, 4)

    assert "a sponsor refused it" in refused["error"]
    assert stage.entries()[-1].state is State.WAITING
    assert allowed(stage) == set()


async def test_command_that_leaves_takes_its_request_back(stage: Stage) -> None:
    async with known(stage) as daemon:
        async with asked(stage) as (_, code):
            await shown(daemon)

        async def is_gone() -> bool:
            return not waiting(daemon)

        await until(is_gone)
        await stage.say(f"confirm {code}")
        await said(stage, Notice.NOT_CONFIRMED)

    assert allowed(stage) == set()


async def test_what_needs_no_proof_is_done_at_once(stage: Stage) -> None:
    async with stage.daemon():
        for do in ("deny", "pairing"):
            async with asking(stage, do=do, on=False) as line:
                assert "done" in await line.hear()
        async with asking(stage, do="remove") as line:
            assert "let" not in (await line.hear())["asked"]["what"]

    assert len(AccessFile(stage.folder).load().denied) == 1


async def test_forty_at_a_time_are_bounded(stage: Stage) -> None:
    async with stage.daemon(), AsyncExitStack() as stack:
        lines = [await stack.enter_async_context(asking(stage)) for _ in range(40)]
        answers = [await line.hear() for line in lines]

    assert sum("asked" in one for one in answers) == OPEN_LIMIT
    refused = [one["error"] for one in answers if "error" in one]
    assert len(refused) == 40 - OPEN_LIMIT
    assert all("other changes wait for a proof" in one for one in refused)


@pytest.mark.parametrize(
    "changes",
    [{"change": "everything"}, {"change": None}, {"do": "everything"}, {"person": "grace"}],
    ids=str,
)
async def test_odd_request_is_refused(stage: Stage, changes: dict[str, object]) -> None:
    async with stage.daemon(), asking(stage, **changes) as line:
        assert "error" in await line.hear()


async def test_nobody_confirms_while_the_profile_is_locked(stage: Stage) -> None:
    """Ours: a locked profile says nothing, so nobody could be shown what they confirm."""
    async with stage.daemon() as daemon:
        assert daemon.agency is not None
        daemon.agency.lock.lock("a test")
        async with asking(stage) as line:
            refused = await line.hear()

    assert "the profile is locked" in refused["error"]


async def test_without_sponsors_nobody_can_confirm_in_a_chat(stage: Stage) -> None:
    await stage.control("PUT", f"agents/{stage.agent.user}", {"sponsors": []})
    async with stage.daemon(), asking(stage) as line:
        refused = await line.hear()

    assert "Entra names no sponsor" in refused["error"]


# The command, and who types it


@asynccontextmanager
async def typed(stage: Stage, *words: str) -> AsyncGenerator[asyncio.subprocess.Process]:
    """Type `entraclaw access …` in a terminal of nobody's."""
    process = await asyncio.create_subprocess_exec(
        *COMMAND,
        *words,
        env=stage.environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # As a terminal starts it: what runs in a shell's background has SIGINT switched off.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def heard_code(process: asyncio.subprocess.Process) -> str:
    """Read the code that the command shows."""
    assert process.stderr is not None
    line = ""
    async with asyncio.timeout(BOUND_S):
        while not (codes := [*filter(read_code, line.split())]):
            line = (await process.stderr.readline()).decode()
            assert line
    return codes[0]


async def ended(process: asyncio.subprocess.Process) -> tuple[int, str]:
    async with asyncio.timeout(BOUND_S):
        out, _ = await process.communicate()
        return await process.wait(), out.decode()


async def test_command_shows_the_code_waits_and_says_what_is_so(stage: Stage) -> None:
    async with known(stage) as daemon, typed(stage, "allow", JOAN) as process:
        code = await heard_code(process)
        await shown(daemon)
        await stage.say(f"confirm {code}")

        assert await ended(process) == (0, f"{JOAN} may speak\n")


async def test_command_that_is_interrupted_leaves_nothing_behind(stage: Stage) -> None:
    async with known(stage) as daemon, typed(stage, "pairing", "on") as process:
        await heard_code(process)
        process.send_signal(signal.SIGINT)

        assert await ended(process) == (130, "")

        async def is_gone() -> bool:
            return not waiting(daemon)

        await until(is_gone)
    assert AccessFile(stage.folder).load() == Access()


async def test_session_of_a_host_cannot_even_ask(stage: Stage) -> None:
    """Ours: a model that was talked into it must not bother the sponsors, either."""
    async with stage.daemon() as daemon, host(stage.home, attaches()) as process:

        async def is_attached() -> bool:
            return bool((await stage.status())["sessions"])

        await until(is_attached)
        assert await run_within(process, [*COMMAND, "allow", JOAN]) == (1, "")
        assert waiting(daemon) == ()
        code, _ = await run_within(process, [*COMMAND, "deny", JOAN])

    assert (code, allowed(stage)) == (0, set())


async def _sponsor(stage: Stage) -> str:
    people: list[dict[str, Any]] = (await stage.control("GET", "people"))["people"]
    return str(next(one["oid"] for one in people if one["key"] == "ada"))
