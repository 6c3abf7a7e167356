"""Licences: what the tenant has of them, who gets one, and what comes with it."""

from collections.abc import Generator
from dataclasses import dataclass

import pytest
import requests

from sandbox.administrator import Administrator, appoint
from sandbox.reader import Reader, refusal
from sandbox.scene import Credential, Hired, Json, Scene
from sandbox.tenant import Making, code
from sandbox.test_control import complain

E5 = "06ebc4ee-1bb5-47dd-8120-11324bc54e06"
TEAMS = "7e31c0d9-9551-471d-836f-32ee72be4a01"
NOWHERE = "99999999-9999-4999-8999-999999999999"


@dataclass(frozen=True, slots=True)
class Account:
    """A new agent user, without a licence."""

    admin: Administrator
    id: str

    def assign(self, *skus: str, remove: tuple[str, ...] = ()) -> requests.Response:
        added: list[Json] = [{"skuId": sku, "disabledPlans": []} for sku in skus]
        body: Json = {"addLicenses": added, "removeLicenses": list(remove)}
        return self.admin.call("POST", f"users/{self.id}/assignLicense", body)

    def held(self) -> list[str]:
        listed: list[Json] = self.admin.get(f"users/{self.id}/licenseDetails")["value"]
        return [one["skuPartNumber"] for one in listed]


@pytest.fixture(scope="module")
def admin(scene: Scene) -> Administrator:
    return Administrator.sign_in(scene)


@pytest.fixture
def account(scene: Scene, admin: Administrator) -> Generator[Account]:
    made = Making(admin).through("user")
    account = Account(admin, made.user["id"])
    located = admin.call("PATCH", f"users/{account.id}", {"usageLocation": "DE"})
    assert located.status_code == 204
    yield account
    for name in ("SPE_E5", "Microsoft_Teams_Enterprise_New"):
        scene.ask("PUT", f"licences/{name}", {"free": 5_000})


def pool(admin: Administrator, name: str) -> Json:
    [found] = admin.get("subscribedSkus", filter=f"skuPartNumber eq '{name}'")["value"]
    shown: Json = found
    return shown


def test_pool_counts_what_is_used(admin: Administrator, account: Account) -> None:
    before = pool(admin, "SPE_E5")

    answer = account.assign(E5)

    assert answer.status_code == 200
    assert answer.json()["assignedLicenses"] == [{"skuId": E5, "disabledPlans": []}]
    after = pool(admin, "SPE_E5")
    assert after["consumedUnits"] == before["consumedUnits"] + 1
    assert after["prepaidUnits"] == before["prepaidUnits"]
    assert "TEAMS1" in {plan["servicePlanName"] for plan in after["servicePlans"]}
    assert admin.get(f"subscribedSkus/{after['id']}")["skuId"] == E5
    assert account.held() == ["SPE_E5"]


def test_licence_is_taken_and_goes_back_to_the_pool(admin: Administrator, account: Account) -> None:
    account.assign(E5, TEAMS)
    used = pool(admin, "SPE_E5")["consumedUnits"]

    assert account.assign(remove=(E5,)).status_code == 200

    assert account.held() == ["Microsoft_Teams_Enterprise_New"]
    assert pool(admin, "SPE_E5")["consumedUnits"] == used - 1


def test_empty_pool_refuses_and_changes_nothing(scene: Scene, account: Account) -> None:
    told = scene.ask("PUT", "licences/SPE_E5", {"free": 0})
    answer = account.assign(E5, TEAMS)

    assert told["bought"] == told["used"]
    assert code(answer) == (400, "Request_BadRequest")
    assert "does not have any available licenses" in answer.json()["error"]["message"]
    assert account.held() == []

    scene.ask("PUT", "licences/SPE_E5", {"free": 1})
    assert account.assign(E5).status_code == 200
    assert account.assign(E5).status_code == 200  # it has it: that takes no second one


def test_account_without_a_country_gets_none(admin: Administrator) -> None:
    made = Making(admin).through("user")
    answer = Account(admin, made.user["id"]).assign(TEAMS)

    assert code(answer) == (400, "Request_BadRequest")
    assert "invalid usage location" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"addLicenses": [{"skuId": NOWHERE}], "removeLicenses": []}, "valid company License"),
        ({"addLicenses": [{"skuId": E5}]}, "removeLicenses"),
        ({"addLicenses": None, "removeLicenses": []}, "addLicenses"),
        ({"addLicenses": ["SPE_E5"], "removeLicenses": []}, "addLicenses"),
        ({"addLicenses": [{"skuId": E5}], "removeLicenses": [E5]}, "duplicate"),
        ({"addLicenses": [], "removeLicenses": [E5]}, "does not have a corresponding license"),
        (
            {"addLicenses": [{"skuId": E5, "disabledPlans": [TEAMS]}], "removeLicenses": []},
            "disabledPlans",
        ),
    ],
)
def test_change_that_makes_no_sense_is_refused(account: Account, body: Json, words: str) -> None:
    answer = account.admin.call("POST", f"users/{account.id}/assignLicense", body)

    assert code(answer) == (400, "Request_BadRequest")
    assert words in answer.json()["error"]["message"]
    assert account.held() == []


def test_licence_administrator_may_and_agent_administrator_may_not(
    scene: Scene, account: Account
) -> None:
    appoint(scene, "grace", "Agent ID Administrator", "Cloud Application Administrator")
    agents = Administrator.fresh(scene, "grace")
    appoint(scene, "grace", "License Administrator", "Cloud Application Administrator")
    licences = Administrator.fresh(scene, "grace")
    appoint(scene, "grace")

    assert code(Account(agents, account.id).assign(TEAMS))[0] == 403
    assert Account(licences, account.id).assign(TEAMS).status_code == 200
    weak = Administrator.fresh(scene, "mallory", ["User.Read"])
    assert code(weak.call("GET", "subscribedSkus"))[0] == 403
    assert code(weak.call("GET", f"users/{account.id}/licenseDetails"))[0] == 403


def test_nobody_and_nothing_are_not_found(admin: Administrator) -> None:
    assert code(Account(admin, NOWHERE).assign(TEAMS))[0] == 404
    assert code(admin.call("GET", f"users/{NOWHERE}/licenseDetails"))[0] == 404
    assert code(admin.call("GET", f"subscribedSkus/{NOWHERE}"))[0] == 404


def test_people_have_the_usual_licence(admin: Administrator) -> None:
    assert Account(admin, "grace@contoso.example").held() == ["SPE_E5"]


def test_agent_reads_its_own_licences(reader: Reader) -> None:
    listed = reader.get(f"users/{reader.agent.user}/licenseDetails").json()["value"]

    assert [one["skuPartNumber"] for one in listed] == ["SPE_E5"]


def test_mailbox_comes_some_time_after_the_licence_that_brings_it(
    scene: Scene, admin: Administrator, agent: Hired, credential: Credential
) -> None:
    del credential
    reader, account = Reader(scene, agent), Account(admin, agent.user)
    assert account.assign(remove=(E5,)).status_code == 200
    scene.ask("PUT", "settings", {"known_after_s": {"mailbox": 60}})
    try:
        assert account.assign(E5).status_code == 200
        assert refusal(reader.get("me/mailFolders/inbox")) == (404, "MailboxNotEnabledForRESTAPI")
        scene.ask("PUT", "clock", {"ahead_s": 61})
        assert reader.get("me/mailFolders/inbox").status_code == 200
        assert account.assign(TEAMS).status_code == 200
        assert reader.get("me/mailFolders/inbox").status_code == 200
    finally:
        scene.ask("PUT", "settings", {"known_after_s": {"mailbox": 0}})
        scene.ask("PUT", "clock", {"ahead_s": 0})


def test_control_says_what_it_does_not_know(scene: Scene) -> None:
    assert "part number" in complain(scene, "PUT", "licences/NOTHING", {"free": 1})
    assert "negative" in complain(scene, "PUT", "licences/SPE_E5", {"free": -1})
    assert "no API" in complain(scene, "PUT", f"apis/{NOWHERE}", {})
