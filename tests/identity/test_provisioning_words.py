"""What is said to Graph and heard from it, and what of it means what; nothing is sent."""

import base64
import json
from urllib.parse import parse_qs, urlsplit

import pytest

from entraclaw.errors import CallRefused, Unreachable
from entraclaw.identity.cloud import BUILT_IN
from entraclaw.identity.features import Feature, wanted
from entraclaw.identity.provisioning.admin_claims import held, shut_out
from entraclaw.identity.provisioning.blocked import GRAPH_APP, Kind, blocked
from entraclaw.identity.provisioning.calls import Reply, key, next_of, rows, text, where
from entraclaw.identity.provisioning.consent import consent_page
from entraclaw.identity.provisioning.granted import app_of
from entraclaw.identity.provisioning.refused import accepted, listed, refusal
from identity.ordered import no, ok, play
from identity.ordered import rows as page

PUBLIC = BUILT_IN["public"]


def test_filter_quotes_what_it_is_given() -> None:
    path = where("/v1.0/users?$top=1", mail="o'brien@contoso.com", kind="a&b")

    query = parse_qs(urlsplit(path).query)
    assert query["$filter"] == ["mail eq 'o''brien@contoso.com' and kind eq 'a&b'"]
    assert where("/v1.0/users", id="1") == "/v1.0/users?$filter=id%20eq%20%271%27"


def test_name_is_one_segment_whatever_is_in_it() -> None:
    assert key("../me?x=/") == "..%2Fme%3Fx%3D%2F"


def test_list_is_read_to_its_end_and_its_links_lead_to_no_other_host() -> None:
    link = "https://evil.example/v1.0/users?$skiptoken=2"
    first = Reply(200, {"value": [{"id": "1"}, "junk"], "@odata.nextLink": link})

    found, _ = play(
        listed("/v1.0/users"),
        ("GET /v1.0/users", first),
        ("GET /v1.0/users?$skiptoken=2", page({"id": "2"})),
    )

    assert found == [{"id": "1"}, {"id": "2"}]


def test_list_without_an_end_is_given_up() -> None:
    again = Reply(200, {"value": [], "@odata.nextLink": "https://graph/v1.0/users?a=b"})
    turns = [("GET /v1.0/users?a=b", again)] * 100

    with pytest.raises(Unreachable, match="no end"):
        play(listed("/v1.0/users?a=b"), *turns)


@pytest.mark.parametrize("body", [{}, {"value": None}, {"value": {}}])
def test_answer_that_is_no_list_makes_no_sense(body: dict[str, object]) -> None:
    with pytest.raises(Unreachable, match="makes no sense"):
        rows(Reply(200, body))


@pytest.mark.parametrize("body", [{}, {"id": ""}, {"id": 7}])
def test_answer_without_what_it_must_have_makes_no_sense(body: dict[str, object]) -> None:
    with pytest.raises(Unreachable, match="makes no sense"):
        text(body, "id")


def test_refusal_names_graphs_code_and_the_cure_but_not_its_words() -> None:
    with pytest.raises(CallRefused, match="403 Authorization_RequestDenied") as refused:
        accepted(no(403, "Authorization_RequestDenied", "ada@contoso.com may not"))

    assert "administrator.md#roles" in refused.value.hint
    assert "ada" not in f"{refused.value}{refused.value.hint}"
    assert refusal(Reply(418, {"error": "tea"})).code == "no reason given"
    assert refusal(no(400, "X"), "do this").hint == "do this"
    assert accepted(ok({"id": "1"})) == {"id": "1"}
    assert next_of(ok()) == ""


def jwt(claims: object) -> str:
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"e30.{body}.c2ln"


WIDE = "Directory.AccessAsUser.All"


@pytest.mark.parametrize(
    ("granted", "names"),
    [
        ({"scope": "https://graph.microsoft.com/User.Read openid"}, "User.Read openid"),
        ({"access_token": jwt({"scp": WIDE})}, WIDE),
        ({"access_token": jwt(["scp"])}, ""),
        ({"access_token": jwt({})}, ""),
        ({"access_token": "opaque"}, ""),
        ({"access_token": "a.!!!!.c"}, ""),
        ({"access_token": "a.bm90IGpzb24.c"}, ""),
        ({}, ""),
    ],
    ids=["answer", "token", "no object", "no scp", "opaque", "no base64", "no json", "nothing"],
)
def test_sign_in_holds_what_answer_and_token_say(granted: dict[str, str], names: str) -> None:
    assert held(granted) == set(names.split())


def test_two_old_permissions_shut_a_client_out_of_agents_and_of_nothing_else() -> None:
    holds = frozenset({"Directory.ReadWrite.All", "Directory.AccessAsUser.All", "User.Read"})

    assert shut_out(frozenset({"AgentIdUser.ReadWrite.All"}), holds) == (
        "Directory.AccessAsUser.All",
        "Directory.ReadWrite.All",
    )
    assert shut_out(frozenset({"LicenseAssignment.ReadWrite.All"}), holds) == ()
    assert shut_out(frozenset({"AgentIdUser.ReadWrite.All"}), frozenset({"User.Read"})) == ()


def test_blocked_permissions_are_known_by_resource_and_by_how_they_are_held() -> None:
    asked = ["Chat.Read.All", "User.ReadWrite.All", "Directory.AccessAsUser.All"]

    assert blocked(GRAPH_APP, asked, Kind.DELEGATED) == (
        "Directory.AccessAsUser.All",
        "User.ReadWrite.All",
    )
    assert blocked(GRAPH_APP, asked, Kind.APPLICATION) == ("Chat.Read.All", "User.ReadWrite.All")
    assert blocked("e406a681-f3d4-42a8-90b6-c2b029497af1", asked, Kind.DELEGATED) == ()


@pytest.mark.parametrize("cloud", BUILT_IN)
def test_no_feature_needs_what_no_agent_is_granted(cloud: str) -> None:
    """Microsoft's table: asking for one of them would end in a consent that cannot be given."""
    for want in wanted(Feature, BUILT_IN[cloud]):
        assert blocked(app_of(want), want.scopes, Kind.DELEGATED) == ()


def test_consent_page_asks_for_each_scope_of_each_resource_in_the_agents_tenant() -> None:
    scopes = [(PUBLIC.graph, "Mail.Send"), (PUBLIC.agent_channel, "AgentData.ReadWrite")]

    address = urlsplit(consent_page(PUBLIC, "t-1", "a-1", scopes, "default"))

    assert (address.netloc, address.path) == ("login.microsoftonline.com", "/t-1/v2.0/adminconsent")
    assert parse_qs(address.query) == {
        "client_id": ["a-1"],
        "scope": [
            f"{PUBLIC.agent_channel}/AgentData.ReadWrite https://graph.microsoft.com/Mail.Send"
        ],
        "redirect_uri": ["https://entra.microsoft.com/TokenAuthorize"],
        "state": ["default"],
    }
