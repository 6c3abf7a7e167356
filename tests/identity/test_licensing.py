"""Which licence an agent gets, and what is asked of Graph for it."""

import pytest

from entraclaw.errors import CallRefused
from entraclaw.identity.provisioning.calls import Document
from entraclaw.identity.provisioning.licensing import Given, assign, look, remove
from entraclaw.identity.provisioning.pools import (
    LicenceRefused,
    Pool,
    chosen,
    country,
    named,
    plans_of,
    pool_of,
)
from identity.ordered import Turn, no, ok, play, rows

TEAMS, MAIL = frozenset({"TEAMS1"}), frozenset({"EXCHANGE_S_STANDARD"})


def pool(name: str, total: int = 5, used: int = 1, plans: frozenset[str] = TEAMS) -> Pool:
    return Pool(f"sku-{name.lower()}", name, total, used, plans, is_usable=True)


def shown(name: str, total: int = 5, used: int = 1, plan: str = "TEAMS1") -> Document:
    return {
        "skuId": f"SKU-{name}",
        "skuPartNumber": name,
        "capabilityStatus": "Enabled",
        "prepaidUnits": {"enabled": total, "warning": 0},
        "consumedUnits": used,
        "servicePlans": [
            {"servicePlanName": plan, "provisioningStatus": "Success", "appliesTo": "User"}
        ],
    }


def seen(*pools: Document, held: tuple[str, ...] = (), location: str | None = "DE") -> list[Turn]:
    return [
        ("GET /v1.0/users/u?$select=id,usageLocation", ok({"id": "u", "usageLocation": location})),
        ("GET /v1.0/subscribedSkus", rows(*pools)),
        ("GET /v1.0/users/u/licenseDetails", rows(*({"skuId": one} for one in held))),
    ]


ASSIGN = "POST /v1.0/users/u/assignLicense"


def test_pool_says_what_is_left_and_what_it_is_good_for() -> None:
    read = pool_of(shown("SPE_E5", 10, 7))

    assert (read.name, read.sku, read.free, read.has_teams, read.has_mailbox) == (
        "SPE_E5",
        "sku-spe_e5",
        3,
        True,
        False,
    )
    assert pool("X", plans=MAIL).has_mailbox
    assert pool("X", total=1, used=4).free == 0


def test_seats_in_warning_still_work_and_those_of_an_ended_product_do_not() -> None:
    warned = {**shown("A", 0), "prepaidUnits": {"enabled": 0, "warning": 3}}
    ended = {**shown("A", 9), "capabilityStatus": "Suspended"}

    assert pool_of({**warned, "capabilityStatus": "Warning"}).free == 2
    assert pool_of(ended).free == 0
    assert pool_of({"skuId": "a", "skuPartNumber": "A"}).total == 0


@pytest.mark.parametrize(
    ("plan", "counts"),
    [
        ({"provisioningStatus": "Success"}, True),
        ({"provisioningStatus": "PendingProvisioning", "appliesTo": "User"}, True),
        ({"provisioningStatus": "Disabled"}, False),
        ({"provisioningStatus": "Success", "appliesTo": "Company"}, False),
    ],
    ids=["on", "soon", "off", "the company's"],
)
def test_service_counts_if_it_is_on_and_for_people(plan: dict[str, str], *, counts: bool) -> None:
    found = plans_of({"servicePlans": [{"servicePlanName": "TEAMS1", **plan}]})

    assert found == (TEAMS if counts else frozenset())


def test_only_product_with_teams_and_a_free_seat_is_taken() -> None:
    pools = [pool("FULL", 1, 1), pool("MAIL", plans=MAIL), pool("SPE_E5")]

    assert chosen(pools, "", frozenset()).name == "SPE_E5"
    assert chosen(pools, "spe_e5", frozenset()).name == "SPE_E5"
    assert chosen(pools, "sku-mail", frozenset()).name == "MAIL"


def test_what_the_agent_has_already_is_taken_before_anything_new() -> None:
    pools = [pool("A", 1, 1), pool("B")]

    assert chosen(pools, "", frozenset({"sku-a"})).name == "A"
    assert chosen(pools, "A", frozenset({"sku-a"})).name == "A"


@pytest.mark.parametrize(
    ("pools", "name", "reason", "cure"),
    [
        ([pool("A"), pool("B")], "", "more than one", "A, B"),
        ([pool("A", 1, 1)], "", r"no seat with Teams is left \(of A\)", "buy"),
        ([pool("M", plans=MAIL)], "", "no product with Teams", "buy"),
        ([pool("A", 2, 2)], "A", r"no seat of A is left \(2 of 2", "take one from"),
        ([pool("A")], "Z", "no product Z", "it has A"),
        ([], "Z", "no product Z", "it has none"),
    ],
    ids=["several", "all taken", "no teams", "empty", "unknown", "nothing"],
)
def test_licence_that_cannot_be_chosen_says_why_and_what_to_do(
    pools: list[Pool], name: str, reason: str, cure: str
) -> None:
    with pytest.raises(LicenceRefused, match=reason) as refused:
        chosen(pools, name, frozenset())

    assert cure in refused.value.hint


def test_country_is_asked_for_or_the_agents_or_the_tenants() -> None:
    assert country("de", "FR", "US") == "DE"
    assert country("", "FR", "US") == "FR"
    assert country("", "", "US") == "US"


@pytest.mark.parametrize(("asked", "reason"), [("Germany", "no country"), ("", "nobody says")])
def test_country_that_is_none_is_refused(asked: str, reason: str) -> None:
    with pytest.raises(LicenceRefused, match=reason) as refused:
        country(asked, "", "")

    assert "--location" in refused.value.hint


def test_looking_reads_pools_what_is_held_and_where() -> None:
    found, _ = play(look("u"), *seen(shown("A"), held=("SKU-A",), location=None))

    assert found.held == {"sku-a"}
    assert found.location == ""


def test_country_comes_before_the_licence_and_the_licence_waits_for_it() -> None:
    given, calls = play(
        assign("u"),
        *seen(shown("A"), location=None),
        ("GET /v1.0/organization?$select=id,countryLetterCode", rows({"countryLetterCode": "us"})),
        ("PATCH /v1.0/users/u", ok()),
        (ASSIGN, ok()),
    )

    assert given == Given(pool_of(shown("A")), "US", is_new=True)
    assert calls[-2].body == {"usageLocation": "US"}
    assert calls[-1].body == {
        "addLicenses": [{"skuId": "sku-a", "disabledPlans": []}],
        "removeLicenses": [],
    }
    assert calls[-1].awaits


def test_licence_that_is_held_is_left_as_it_is() -> None:
    given, calls = play(assign("u", "A"), *seen(shown("A", 1, 1), held=("SKU-A",)))

    assert not given.is_new
    assert [call.method for call in calls] == ["GET"] * 3


def test_tenant_that_says_no_country_needs_one_named() -> None:
    with pytest.raises(LicenceRefused, match="nobody says"):
        play(
            assign("u"),
            *seen(shown("A"), location=None),
            ("GET /v1.0/organization?$select=id,countryLetterCode", rows()),
        )


def test_seat_that_somebody_took_meanwhile_is_told_from_other_refusals() -> None:
    taken = no(400, "Request_BadRequest", "SKU x does not have any available licenses.")

    with pytest.raises(LicenceRefused, match="last seat of A was taken"):
        play(assign("u"), *seen(shown("A")), (ASSIGN, taken))
    with pytest.raises(CallRefused, match="Authorization_RequestDenied"):
        play(assign("u"), *seen(shown("A")), (ASSIGN, no(403, "Authorization_RequestDenied")))


def test_licence_is_taken_away_by_its_name() -> None:
    gone, calls = play(remove("u", "a"), *seen(shown("A"), held=("SKU-A",)), (ASSIGN, ok()))

    assert gone.name == "A"
    assert calls[-1].body == {"addLicenses": [], "removeLicenses": ["sku-a"]}


def test_licence_that_the_agent_has_not_cannot_be_taken() -> None:
    with pytest.raises(LicenceRefused, match="has no seat of A"):
        play(remove("u", "A"), *seen(shown("A")))
    assert named([pool("A")], "SKU-A").name == "A"
