"""`entraclaw licences`, typed by an administrator, against the sandbox's Graph."""

from collections.abc import AsyncGenerator, Generator

import pytest

from bot.administered import Administer, administering, appointed
from bot.stage import Stage

E5, TEAMS, MAIL = "SPE_E5", "Microsoft_Teams_Enterprise_New", "EXCHANGESTANDARD"


@pytest.fixture
def administer(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Generator[Administer]:
    with administering(stage, monkeypatch, capsys) as typed:
        yield typed


@pytest.fixture(autouse=True)
async def pools(stage: Stage) -> AsyncGenerator[None]:
    """Some seats of each product are free, and the agent has none of any."""
    await stage.control("PUT", f"agents/{stage.agent.user}/account", {"licences": []})
    for name in (E5, TEAMS, MAIL):
        await stage.control("PUT", f"licences/{name}", {"free": 2})
    yield
    for name in (E5, TEAMS, MAIL):  # the other tests' agents are of the same tenant
        await stage.control("PUT", f"licences/{name}", {"free": 5_000})


async def test_products_are_listed_and_an_agent_without_teams_is_not_well(
    administer: Administer,
) -> None:
    listed = await administer("licences", "list")

    assert listed.code == 1, listed.err
    rows = {line.split()[0]: line.split()[1:] for line in listed.out.splitlines()[1:]}
    assert rows[E5][0] == "2"
    assert rows[E5][2:] == ["yes", "yes", "-"]
    assert rows[TEAMS][2:] == ["yes", "-", "-"]
    assert rows[MAIL][2:] == ["-", "yes", "-"]


async def test_licence_is_assigned_listed_and_removed(administer: Administer) -> None:
    assigned = await administer("licences", "assign", "spe_e5", "--location", "fr")
    listed = await administer("licences", "list", "--json")
    again = await administer("licences", "assign", E5, "--json")
    removed = await administer("licences", "remove", E5)

    assert assigned.code == 0, assigned.err
    assert assigned.out.startswith(f"the agent has a seat of {E5}, used in FR\n")
    assert (listed.code, listed.document["ok"], listed.document["location"]) == (0, True, "FR")
    assert [one["product"] for one in listed.document["products"] if one["held"]] == [E5]
    assert not again.document["new"]
    assert removed.out == f"the agent has no seat of {E5} any more\n"
    assert (await administer("licences", "list")).code == 1


async def test_where_several_would_do_none_is_chosen(stage: Stage, administer: Administer) -> None:
    refused = await administer("licences", "assign")
    await stage.control("PUT", f"licences/{E5}", {"free": 0})
    assigned = await administer("licences", "assign", "--json")

    assert refused.code == 1
    assert f"name one: {TEAMS}, {E5}" in refused.err
    assert (assigned.document["product"], assigned.document["new"]) == (TEAMS, True)


async def test_empty_pool_is_refused_with_the_cure_and_nothing_changes(
    stage: Stage, administer: Administer
) -> None:
    await stage.control("PUT", f"licences/{E5}", {"free": 0})

    refused = await administer("licences", "assign", E5)

    assert refused.code == 1
    assert f"no seat of {E5} is left" in refused.err
    assert "buy one" in refused.err


async def test_unknown_product_and_unknown_country_are_refused(administer: Administer) -> None:
    product = await administer("licences", "assign", "E9")
    place = await administer("licences", "assign", E5, "--location", "Mars")
    nothing = await administer("licences", "remove", E5)

    assert (product.code, place.code, nothing.code) == (1, 1, 1)
    assert "no product E9" in product.err
    assert "two letters" in place.err
    assert "has no seat of" in nothing.err


async def test_whoever_lacks_the_role_is_refused_and_told_where_it_says_which(
    stage: Stage, administer: Administer
) -> None:
    await appointed(stage, "grace", "Application Administrator")
    try:
        refused = await administer("licences", "assign", E5, person="grace")
    finally:
        await appointed(stage, "grace")

    assert refused.code == 3
    assert "Authorization_RequestDenied" in refused.err
    assert "administrator.md#roles" in refused.err


async def test_profile_without_an_agent_user_says_what_to_do(
    stage: Stage, administer: Administer
) -> None:
    (stage.folder / "config.toml").write_text("", encoding="utf-8")

    refused = await administer("licences", "list")

    assert refused.code == 2
    assert "entraclaw setup" in refused.err
