"""`entraclaw sponsors`, typed by an administrator, against the sandbox's Graph."""

import asyncio
from collections.abc import Generator

import pytest

from bot.administered import Administer, administering, appointed, confirmed
from bot.proofs import known
from bot.stage import Stage

GRACE, ADA = "grace@contoso.example", "ada@contoso.example"


@pytest.fixture
def administer(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Generator[Administer]:
    with administering(stage, monkeypatch, capsys) as typed:
        yield typed


async def sponsors(administer: Administer, of: str = "user") -> set[str]:
    listed = await administer("sponsors", "list", "--json")
    assert listed.code == 0, listed.err
    return {one["upn"] for one in listed.document[of]["sponsors"]}


async def test_sponsors_of_user_identity_and_blueprint_are_listed(administer: Administer) -> None:
    listed = await administer("sponsors", "list")

    assert (listed.code, listed.out.count(ADA)) == (0, 3), listed
    assert "sign in as an administrator" in listed.err
    assert f"signed in: {ADA}, for this command" in listed.err


async def test_sponsor_is_added_once_another_sponsor_confirmed_it(
    stage: Stage, administer: Administer
) -> None:
    async with known(stage) as daemon:
        typed = asyncio.ensure_future(administer("sponsors", "add", GRACE))
        what = await confirmed(stage, daemon)
        added = await typed

    again = await administer("sponsors", "add", GRACE, "--json")
    assert f"(the directory says: Grace Hopper, {GRACE}) a sponsor of mine" in what
    assert added.out == "Grace Hopper is a sponsor of the agent's user\n"
    assert again.document["changed"] == {"user": False}  # and nothing had to be proved
    assert await sponsors(administer) == {ADA, GRACE}
    assert await sponsors(administer, "identity") == {ADA}


async def test_nobody_becomes_a_sponsor_where_nothing_proves_that_a_person_wants_it(
    administer: Administer,
) -> None:
    refused = await administer("sponsors", "add", GRACE)

    assert refused.code == 1
    assert "nothing here proves" in refused.err
    assert await sponsors(administer) == {ADA}


async def test_sponsor_is_removed_without_a_proof_and_the_last_one_stays(
    stage: Stage, administer: Administer
) -> None:
    await stage.control("PUT", f"agents/{stage.agent.user}", {"sponsors": ["ada", "grace"]})

    removed = await administer("sponsors", "remove", ADA)
    last = await administer("sponsors", "remove", GRACE)

    assert removed.out == "Ada Lovelace is no sponsor any more of the agent's user\n"
    assert last.code == 1
    assert "only sponsor of the agent's user" in last.err
    assert await sponsors(administer) == {GRACE}


async def test_unknown_person_is_refused_before_anything_is_asked(administer: Administer) -> None:
    refused = await administer("sponsors", "add", "nobody@contoso.example")

    assert refused.code == 1
    assert "nobody called nobody@contoso.example" in refused.err


async def test_whoever_lacks_the_role_is_refused_with_where_it_is_told(
    stage: Stage, administer: Administer
) -> None:
    await stage.control("PUT", f"agents/{stage.agent.user}", {"sponsors": ["ada", "grace"]})
    await appointed(stage, "grace", "Application Administrator")
    try:
        refused = await administer("sponsors", "remove", ADA, person="grace")
    finally:
        await appointed(stage, "grace")

    assert refused.code == 3
    assert "403 Authorization_RequestDenied" in refused.err
    assert "administrator.md#roles" in refused.err
