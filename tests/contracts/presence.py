"""What every `Presence` keeps its word on. A way's test inherits this and plays the person."""

import asyncio

import pytest

from entraclaw.bot.presence import Presence

BOUND_S = 30.0
WHAT = "let 6f1d5c1e-0b7a-4c55-9a41-3c0f5a2b7d10/x speak, noted as “Grace” $(true) <b>; -x"


class PresenceContract:
    """Override the fixtures: one system each, with somebody in front of it."""

    look_s = 0.05  # how long to see that nobody says yes

    @pytest.fixture
    def agreeing(self) -> Presence:
        """Somebody who says yes."""
        raise NotImplementedError

    @pytest.fixture
    def refusing(self) -> Presence:
        """Somebody who says no, or cannot prove who they are."""
        raise NotImplementedError

    @pytest.fixture
    def silent(self) -> Presence:
        """Nobody."""
        raise NotImplementedError

    def test_it_can_be_asked_here_and_has_a_name(self, agreeing: Presence) -> None:
        assert agreeing.unavailable() is None
        assert agreeing.way.isalnum()

    async def test_person_who_agrees_is_a_yes(self, agreeing: Presence) -> None:
        async with asyncio.timeout(BOUND_S):
            assert await agreeing.ask(WHAT) is True

    async def test_person_who_does_not_is_a_no(self, refusing: Presence) -> None:
        async with asyncio.timeout(BOUND_S):
            assert await refusing.ask(WHAT) is False

    async def test_question_is_taken_back_when_nobody_waits_for_its_answer(
        self, silent: Presence
    ) -> None:
        asking = asyncio.create_task(silent.ask(WHAT))
        await asyncio.sleep(0)
        asking.cancel()
        async with asyncio.timeout(BOUND_S):
            with pytest.raises(asyncio.CancelledError):
                await asking

    async def test_one_yes_is_good_for_one_question(
        self, agreeing: Presence, silent: Presence
    ) -> None:
        """Ours: a system that remembers a password would say yes to whoever asks next."""
        async with asyncio.timeout(BOUND_S):
            assert await agreeing.ask(WHAT) is True
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(self.look_s):
                    await silent.ask(WHAT)
