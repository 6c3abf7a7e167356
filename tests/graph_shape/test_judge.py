"""The judge finds what is planted, and nothing in an answer as Microsoft's own pages show it."""

from typing import Any, TypeAlias

import pytest

from graph_shape.csdl import Csdl, published
from graph_shape.judge import Answer, contradictions
from graph_shape.paths import NoSuchAddressError, leads_to, selected

Json: TypeAlias = dict[str, Any]

GUID = "6f1d5c1e-0b7a-4c55-9a41-3c0f5a2b7d10"
HOST = "https://graph.microsoft.com/v1.0/$metadata#"
MESSAGES = "/v1.0/chats/19:a@thread.v2/messages"


def message(**changes: object) -> Json:
    """A message as https://learn.microsoft.com/graph/api/chatmessage-get shows one."""
    user = {
        "@odata.type": "#microsoft.graph.teamworkUserIdentity",
        "id": GUID,
        "displayName": "Robin Kline",
        "userIdentityType": "aadUser",
        "tenantId": GUID,
    }
    return {
        "@odata.context": f"{HOST}chats('19%3Aa%40thread.v2')/messages/$entity",
        "id": "1612289992105",
        "replyToId": None,
        "etag": "1612289992105",
        "messageType": "message",
        "createdDateTime": "2021-02-02T18:19:52.105Z",
        "chatId": "19:a@thread.v2",
        "importance": "normal",
        "from": {"application": None, "device": None, "user": user},
        "body": {"contentType": "text", "content": "test"},
        "attachments": [],
        "reactions": [],
        **changes,
    }


def blueprint(**changes: object) -> Json:
    key = {"keyId": GUID, "type": "AsymmetricX509Cert", "usage": "Verify", "key": "QUJD"}
    return {
        "@odata.context": f"{HOST}applications/$entity",
        "@odata.type": "#microsoft.graph.agentIdentityBlueprint",
        "id": GUID,
        "appId": GUID,
        "identifierUris": [],
        "keyCredentials": [{**key, "endDateTime": "2027-01-01T00:00:00Z"}],
        **changes,
    }


def no(**changes: object) -> Json:
    inner = {"date": "2026-11-23T19:00:00", "request-id": GUID, "client-request-id": GUID}
    return {"error": {"code": "NotFound", "message": "No.", "innerError": inner, **changes}}


def judged(
    path: str, body: object, status: int = 200, *, method: str = "GET", select: str = ""
) -> list[str]:
    named = frozenset(filter(None, select.split(",")))
    return contradictions(published(), Answer(method, path, status, body, named))


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        (f"{MESSAGES}/1612289992105", message(), 200),
        (MESSAGES, {"@odata.context": f"{HOST}chats('a')/messages", "value": [message()]}, 200),
        ("/v1.0/applications(appId='a')", blueprint(), 200),
        ("/v1.0/applications/a/microsoft.graph.agentIdentityBlueprint", blueprint(), 200),
        ("/v1.0/applications/a", None, 204),
        ("/v1.0/applications/a/microsoft.graph.agentIdentityBlueprint/sponsors/a/$ref", None, 204),
        ("/v1.0/users/a", no(), 404),
        ("/v1.0/applications/a/removeKey", None, 204),
        (f"{MESSAGES}/1/hostedContents/1/$value", b"PNG", 200),
    ],
)
def test_answer_as_microsoft_shows_it_is_contradicted_by_nothing(
    path: str, body: object, status: int
) -> None:
    assert judged(path, body, status) == []


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"colour": "red"}, "colour: chatMessage has no such property"),
        ({"messageType": "massage"}, "messageType: chatMessageType has no member 'massage'"),
        ({"messageType": None}, "messageType: chatMessageType has no member None"),
        ({"id": 7}, "id: Edm.String is due, and it is 7"),
        ({"createdDateTime": "2021-02-02"}, "createdDateTime: Edm.DateTimeOffset is due, and"),
        ({"createdDateTime": "2021-02-02T18:19:52"}, "createdDateTime: Edm.DateTimeOffset is due"),
        ({"attachments": None}, "attachments: a list is due, and it is None"),
        ({"attachments": [{"size": 1}]}, "attachments[0].size: chatMessageAttachment has no such"),
        ({"body": "test"}, "body: itemBody is due, and it is 'test'"),
        ({"body": {"contentType": "pdf"}}, "body.contentType: bodyType has no member 'pdf'"),
        ({"from": {"robot": None}}, "from.robot: chatMessageFromIdentitySet has no such property"),
        ({"colour@odata.count": 1}, "colour@odata.count: chatMessage has no such property"),
        ({"@odata.type": "#microsoft.graph.user"}, "@odata.type: '#microsoft.graph.user' is no"),
        ({"@odata.type": "chatMessage"}, "@odata.type: 'chatMessage' is no chatMessage"),
        ({"@odata.type": 1}, "@odata.type: 1 is no chatMessage"),
        ({"policyViolation": {}}, "policyViolation: chatMessagePolicyViolation is not in the"),
        ({"@odata.context": None}, "@odata.context is missing"),
        ({"@odata.context": "x"}, "@odata.context is not of this service: x"),
        ({"@odata.context": f"{HOST}chats"}, "@odata.context tells of a list of chat, and the"),
        ({"@odata.context": f"{HOST}teams"}, "@odata.context: nothing is called teams"),
        ({"@odata.context": f"{HOST}users/$entity"}, "@odata.context tells of one user, and"),
    ],
)
def test_planted_mistake_in_a_message_is_found(changes: Json, sentence: str) -> None:
    found = judged(f"{MESSAGES}/1612289992105", message(**changes))

    assert any(one.startswith(sentence) for one in found), found


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"appRoles": [{"id": "7"}]}, "appRoles[0].id: Edm.Guid is due, and it is '7'"),
        ({"appRoles": [{"isEnabled": "yes"}]}, "appRoles[0].isEnabled: Edm.Boolean is due, and"),
        ({"requiredResourceAccess": [{"resourceAppId": None}]}, "requiredResourceAccess[0].reso"),
        ({"api": {"requestedAccessTokenVersion": True}}, "api.requestedAccessTokenVersion: Edm."),
        ({"keyCredentials": [{"key": "?"}]}, "keyCredentials[0].key: Edm.Binary is due, and"),
        ({"tags": ["a", 7]}, "tags[1]: Edm.String is due, and it is 7"),
        ({"tags": "a"}, "tags: a list is due, and it is 'a'"),
    ],
)
def test_planted_mistake_in_an_application_is_found(changes: Json, sentence: str) -> None:
    found = judged("/v1.0/applications/a", blueprint(**changes))

    assert any(one.startswith(sentence) for one in found), found


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        ({"value": message()}, "value: a list is due"),
        ({"value": [1]}, "value[0]: chatMessage is due, and it is 1"),
        ({"value": [{"subject": None}]}, "value[0].id is missing"),
        ({"value": [], "count": 0}, "count stands beside the list"),
        ({}, "value: a list is due, and it is None"),
    ],
)
def test_planted_mistake_in_a_list_is_found(answer: Json, sentence: str) -> None:
    found = judged(MESSAGES, {"@odata.context": f"{HOST}chats('a')/messages", **answer})

    assert any(one.startswith(sentence) for one in found), found


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"code": "NotFound", "message": "No."}, "code: oDataError has no such property"),
        ({"error": "NotFound"}, "error: mainError is due, and it is 'NotFound'"),
        (no(message=""), "error.message is missing"),
        (no(code=404), "error.code: Edm.String is due, and it is 404"),
        (no(innerError={"date": "today"}), "error.innerError.date: Edm.DateTimeOffset is due"),
        (no(innerError={"date": "2026-11-23T19:00:00"}), "error.innerError.request-id is missing"),
        (no(innererror={}), "error.innererror: mainError has no such property"),
        ("No.", ": oDataError is due, and it is 'No.'"),
        (None, ": oDataError is due, and it is None"),
    ],
)
def test_refusal_in_another_envelope_is_found(body: object, sentence: str) -> None:
    found = judged("/v1.0/users/a", body, 404)

    assert any(one.startswith(sentence) for one in found), found


def test_answer_to_what_was_selected_must_say_so_and_may_leave_out_the_id() -> None:
    body = {"@odata.context": f"{HOST}applications(appId)/$entity", "appId": GUID}

    assert judged("/v1.0/applications/a", body, select="appId") == []
    assert judged("/v1.0/applications/a", body) == [
        "@odata.context tells of other properties than were selected: applications(appId)/$entity",
        "id is missing",
    ]


def test_what_is_made_is_answered_with_itself() -> None:
    assert judged(MESSAGES, message(), 201, method="POST") == []
    assert judged(MESSAGES, message())[0].startswith("@odata.context tells of one chatMessage")


def test_answer_without_content_has_no_body() -> None:
    assert judged("/v1.0/applications/a", {}, 204) == ["an answer without content has a body"]


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("/v1.0/robots/a", "/v1.0/robots/a: nothing is called robots"),
        ("/v1.0/users/a/robots", "/v1.0/users/a/robots: user has no robots"),
        ("/v1.0/users/a/graph.agentIdentity", "graph.agentIdentity: agentIdentity is no user"),
        ("/v1.0/", "the address is empty"),
        ("/v1.0/users(a))", "'users(a))' is not made of segments"),
    ],
)
def test_path_that_graph_does_not_have_is_a_contradiction(path: str, why: str) -> None:
    [sentence] = judged(path, {})

    assert sentence.endswith(why)


def test_selection_is_read_out_of_a_context_and_a_key_is_none() -> None:
    assert selected("users('a')/licenseDetails(id,skuId)") == {"id", "skuId"}
    assert selected("applications(appId='a')/$entity") == frozenset()
    with pytest.raises(NoSuchAddressError, match="what is not an entity set"):
        leads_to(published(), "Collection(Edm.String)")


SCHEMA = """
<edmx:Edmx Version="4.0" xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx">
  <edmx:DataServices>
    <Schema Namespace="microsoft.graph" xmlns="http://docs.oasis-open.org/odata/ns/edm">
      <ComplexType Name="clock">
        <Property Name="day" Type="Edm.Date" />
        <Property Name="time" Type="Edm.TimeOfDay" />
        <Property Name="span" Type="Edm.Duration" />
        <Property Name="rate" Type="Edm.Double" />
        <Property Name="ticks" Type="Edm.Int32" Nullable="false" />
      </ComplexType>
      <EntityContainer Name="GraphService">
        <Singleton Name="clock" Type="microsoft.graph.clock" />
      </EntityContainer>
    </Schema>
  </edmx:DataServices>
</edmx:Edmx>
"""


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("day", "2026-11-23", "23.11.2026"),
        ("time", "08:00:00.0000000", "8 am"),
        ("span", "P1DT2H", "2 hours"),
        ("rate", 1, True),
        ("ticks", 1, 1.5),
        ("ticks", 0, None),
    ],
)
def test_every_primitive_has_its_own_form(name: str, good: object, bad: object) -> None:
    """The CSDL as Microsoft publishes it is read as it stands."""
    csdl = Csdl(SCHEMA)

    def told(value: object) -> list[str]:
        body = {"@odata.context": f"{HOST}clock", name: value}
        return contradictions(csdl, Answer("GET", "/v1.0/clock", 200, body))

    assert told(good) == []
    assert len(told(bad)) == 1


def test_excerpt_knows_what_is_inherited_and_no_type_that_was_not_cut() -> None:
    assert "identityParentId" in published().fields("agentUser")
    assert published().kind("windowsUpdateCatalogItem") is None
