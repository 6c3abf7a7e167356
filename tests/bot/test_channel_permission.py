"""What hosts ask over their channel, with a real daemon and the real MCP loop over its socket."""

import pytest

from bot.asking import asking, channel
from bot.beside import Beside, beside
from bot.stage import Stage, until
from entraclaw.bot.permission import PER_SESSION, Behavior
from entraclaw.errors import ApprovalRefused

__all__ = ["beside"]


async def test_channel_relays_both_ways(beside: Beside) -> None:
    async with channel(beside.folder) as talking:
        await talking.ask("qkwzt")
        assert await beside.waiting() == ["qkwzt"]
        beside.daemon.approvals.answer("qkwzt", Behavior.DENY, "desk", "no")

        assert talking.capabilities["experimental"] == {
            "claude/channel": {},
            "claude/channel/permission": {},
        }
        assert await talking.verdict() == {"request_id": "qkwzt", "behavior": "deny"}


async def test_host_that_leaves_withdraws_what_it_asked(beside: Beside) -> None:
    async with channel(beside.folder) as talking, channel(beside.folder, "other") as staying:
        await talking.ask("qkwzt")
        await staying.ask("abcde")
        await beside.waiting(2)
        talking.line.writer.close()

        assert await beside.waiting(1) == ["abcde"]
        with pytest.raises(ApprovalRefused, match="withdrawn"):
            beside.daemon.approvals.answer("qkwzt", Behavior.ALLOW, "desk")


@pytest.mark.parametrize(
    "params",
    [None, {}, [], {"request_id": "abcdl", "tool_name": "Bash"}, {"request_id": 5}],
    ids=str,
)
async def test_request_that_is_none_ends_nothing(beside: Beside, params: object) -> None:
    async with channel(beside.folder) as talking:
        await talking.tell("notifications/claude/channel/permission_request", params)
        await talking.ask("qkwzt")

        assert await beside.waiting() == ["qkwzt"]
        assert await talking.is_served()


async def test_id_that_the_host_repeats_is_asked_once(beside: Beside) -> None:
    async with channel(beside.folder) as talking:
        await talking.ask("qkwzt")
        await talking.ask("qkwzt", {"command": "another"})
        await talking.ask("abcde")

        assert await beside.waiting(2) == ["qkwzt", "abcde"]


async def test_two_hosts_with_one_id_hear_each_its_own_verdict(beside: Beside) -> None:
    async with channel(beside.folder) as one, channel(beside.folder, "other") as other:
        await one.ask("qkwzt")
        await beside.waiting(1)
        await other.ask("qkwzt")
        _, name = await beside.waiting(2)
        assert name != "qkwzt"
        beside.daemon.approvals.answer(name, Behavior.DENY, "desk")
        beside.daemon.approvals.answer("qkwzt", Behavior.ALLOW, "desk")

        assert await one.verdict() == {"request_id": "qkwzt", "behavior": "allow"}
        assert await other.verdict() == {"request_id": "qkwzt", "behavior": "deny"}


async def test_hook_and_channel_at_once_are_one_request_with_two_ways_back(
    beside: Beside,
) -> None:
    async with channel(beside.folder) as talking, asking(beside.folder) as hook:
        await talking.ask("qkwzt")

        async def is_joined() -> bool:
            return [len(one.origins) for one in beside.daemon.approvals.open()] == [2]

        await until(is_joined)
        [name] = await beside.waiting()
        beside.daemon.approvals.answer(name, Behavior.ALLOW, "desk")

        assert await hook.hear() == {"behavior": "allow", "message": ""}
        assert await talking.verdict() == {"request_id": "qkwzt", "behavior": "allow"}


async def test_hook_and_channel_that_ask_different_things_are_two_requests(
    beside: Beside,
) -> None:
    async with channel(beside.folder) as talking, asking(beside.folder, {"command": "ls a"}):
        await talking.ask("qkwzt", {"command": "ls b"})

        assert len(await beside.waiting(2)) == 2


async def test_flood_over_the_channel_stops_at_the_limit(beside: Beside) -> None:
    async with channel(beside.folder) as talking:
        for number in range(10 * PER_SESSION):
            name = f"{number:05}".translate(str.maketrans("0123456789", "abcdefghij"))
            await talking.ask(name, number)
        assert len(await beside.waiting(PER_SESSION)) == PER_SESSION
        assert await talking.is_served()


async def test_channel_is_not_relayed_unless_the_profile_says_so(stage: Stage) -> None:
    """Claude Code: declare it only where whoever answers is authenticated."""
    async with stage.daemon() as daemon, channel(stage.folder) as talking:
        await talking.ask("qkwzt")

        assert await talking.is_served()
        assert talking.capabilities["experimental"] == {"claude/channel": {}}
        assert daemon.approvals.open() == ()
