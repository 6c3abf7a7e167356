"""`entraclaw permissions`, typed by an administrator, against the sandbox's Graph."""

import asyncio
from collections.abc import Generator
from urllib.parse import parse_qs, urlsplit

import pytest

from bot.administered import Administer, administering, appointed, confirmed
from bot.lending import authority
from bot.proofs import known
from bot.stage import Stage
from entraclaw.identity.cloud import BUILT_IN
from entraclaw.identity.features import Feature, wanted
from sandbox.person import Person

WORD = wanted([Feature.WORD], BUILT_IN["public"])[-1].resource
CHANNEL = BUILT_IN["public"].agent_channel


@pytest.fixture
def administer(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Generator[Administer]:
    with administering(stage, monkeypatch, capsys) as typed:
        yield typed


async def row(administer: Administer, name: str, *words: str) -> dict[str, list[str]]:
    """What `show` says of one resource."""
    shown = await administer("permissions", "show", *words, "--json")
    found: dict[str, dict[str, list[str]]] = {
        one["name"]: one for one in shown.document["resources"]
    }
    return found[name]


async def test_agent_that_has_what_it_needs_is_well_and_more_is_named(
    administer: Administer,
) -> None:
    shown = await administer("permissions", "show")

    assert shown.code == 0, shown.err
    graph, rest, *_ = shown.out.split("extra")
    assert graph.split() == [
        *("Graph", "granted", "Chat.ReadWrite", "ChatMessage.Send", "User.Read"),
        "User.ReadBasic.All",
    ]
    assert rest.split()[:2] == ["Calendars.ReadWrite", "Files.ReadWrite.All"]
    assert "as itself" not in shown.out


async def test_what_a_feature_lacks_is_missing_and_the_exit_code_says_so(
    administer: Administer,
) -> None:
    shown = await administer("permissions", "show", "--with", "word", "--json")

    assert shown.code == 1
    assert shown.document["features"] == ["chat", "word"]
    assert not shown.document["ok"]
    [lacks] = [one for one in shown.document["resources"] if one["missing"]]
    assert (lacks["name"], lacks["missing"]) == ("Work IQ Word", ["Tools.ListInvoke.All"])


async def test_what_was_revoked_is_granted_again_once_a_sponsor_confirmed_it(
    stage: Stage, administer: Administer
) -> None:
    revoked = await administer("permissions", "revoke", "--with", "mail", "--json")
    assert revoked.document["revoked"] == {"Graph": ["Mail.ReadWrite", "Mail.Send"]}
    assert (await row(administer, "Graph", "--with", "mail"))["missing"] == [
        "Mail.ReadWrite",
        "Mail.Send",
    ]

    async with known(stage) as daemon:
        typed = asyncio.ensure_future(administer("permissions", "grant", "--with", "mail"))
        what = await confirmed(stage, daemon)
        granted = await typed

    assert what == "get these permissions at Microsoft: Graph: Mail.ReadWrite, Mail.Send"
    assert granted.code == 0, granted.err
    assert granted.out.startswith("granted: Graph: Mail.ReadWrite, Mail.Send\n")
    after = await row(administer, "Graph", "--with", "mail")
    assert after["missing"] == []
    assert "Files.ReadWrite.All" in after["granted"]  # what others granted stayed


async def test_nothing_is_asked_or_proved_where_nothing_is_missing(administer: Administer) -> None:
    granted = await administer("permissions", "grant")

    assert (granted.code, granted.out) == (0, "nothing is missing\n")


async def test_nothing_is_granted_where_nothing_proves_that_a_person_wants_it(
    administer: Administer,
) -> None:
    await administer("permissions", "revoke", "--with", "calendar")

    refused = await administer("permissions", "grant", "--with", "calendar")

    assert refused.code == 1
    assert "nothing here proves" in refused.err
    assert (await row(administer, "Graph", "--with", "calendar"))["missing"] != []


async def test_whatever_no_feature_needs_goes_with_extra_and_the_rest_stays(
    administer: Administer,
) -> None:
    revoked = await administer("permissions", "revoke", "--extra")

    assert "revoked: Azure Storage: user_impersonation" in revoked.out
    assert "out of features in config.toml" in revoked.out
    shown = await administer("permissions", "show", "--json")
    assert shown.code == 0
    assert [one["extra"] for one in shown.document["resources"]] == [[], []]


async def test_revoking_needs_to_be_told_what(administer: Administer) -> None:
    nothing = await administer("permissions", "revoke")
    chat = await administer("permissions", "revoke", "--with", "chat")

    assert (nothing.code, chat.code) == (2, 2)
    assert "--extra" in nothing.err


def consented(stage: Stage, page: str, person: str) -> None:
    browser = Person(authority(stage))
    assert browser.choose(browser.open(page), person).ok
    browser.close()


async def consenting(stage: Stage, page: str) -> dict[str, list[str]]:
    """The query of the page that somebody else must open."""
    address = urlsplit(page)
    assert address.path == f"/{stage.agent.tenant}/v2.0/adminconsent"
    return parse_qs(address.query)


async def test_whoever_may_not_consent_at_all_is_given_the_page_for_all_of_it(
    stage: Stage, administer: Administer
) -> None:
    refused = await administer("permissions", "grant", "--json", person="grace")

    assert refused.code == 3
    query = await consenting(stage, refused.document["consent_page"])
    assert query["client_id"] == [stage.agent.agent]
    assert f"{CHANNEL}/AgentData.ReadWrite" in query["scope"][0]


async def test_whoever_lacks_the_role_to_grant_is_given_the_page_on_which_another_consents(
    stage: Stage, administer: Administer
) -> None:
    await administer("permissions", "revoke", "--with", "mail")
    await appointed(stage, "grace", "Application Administrator")
    await administer("permissions", "show", person="grace")  # consents, and is then dismissed
    async with known(stage) as daemon:
        await administer("permissions", "grant", person="grace")
        await appointed(stage, "grace")
        typed = asyncio.ensure_future(
            administer("permissions", "grant", "--with", "mail", "--json", person="grace")
        )
        await confirmed(stage, daemon)
        refused = await typed

    assert refused.code == 3, refused.err
    assert refused.document["granted"] == {}
    query = await consenting(stage, refused.document["consent_page"])
    assert [one.rsplit("/", 1)[-1] for one in query["scope"][0].split()] == [
        "Mail.ReadWrite",
        "Mail.Send",
    ]
    await asyncio.to_thread(consented, stage, refused.document["consent_page"], "ada")
    assert (await row(administer, "Graph", "--with", "mail"))["missing"] == []


async def test_resource_that_the_tenant_has_not_is_said_and_the_rest_is_granted(
    stage: Stage, administer: Administer
) -> None:
    await administer("permissions", "revoke", "--with", "files")
    await stage.control("PUT", f"apis/{WORD}", {"present": False})
    try:
        async with known(stage) as daemon:
            typed = asyncio.ensure_future(
                administer("permissions", "grant", "--with", "word", "--json")
            )
            await confirmed(stage, daemon)
            granted = await typed
    finally:
        await stage.control("PUT", f"apis/{WORD}", {"present": True})

    assert granted.code == 3
    assert granted.document["granted"] == {"Graph": ["Files.ReadWrite.All"]}
    assert "no service principal" in granted.document["left"]["Work IQ Word"][0]
