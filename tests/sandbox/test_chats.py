"""Graph's chats: which there are, who is in them, who may read and speak there."""

import pytest

from sandbox.reader import Reader, path, refusal, say
from sandbox.scene import Credential, Hired, Scene
from sandbox.test_connector import begin


def test_chats_are_those_in_which_something_was_said(
    scene: Scene, agent: Hired, reader: Reader
) -> None:
    assert reader.get("me/chats").json()["value"] == []
    one = say(scene, agent)["graph_conversation"]
    group = say(scene, agent, "in the group", kind="groupChat", **{"from": "mallory"})
    say(scene, agent, kind="channel")

    chats = reader.get("me/chats", expand="members,lastMessagePreview").json()["value"]

    assert [chat["id"] for chat in chats] == [one, group["graph_conversation"]]
    assert [chat["chatType"] for chat in chats] == ["oneOnOne", "group"]
    assert [len(chat["members"]) for chat in chats] == [2, 4]
    assert chats[1]["topic"] == "Planning"
    preview = chats[1]["lastMessagePreview"]
    assert preview["from"]["user"]["displayName"] == "Mallory Quinn"
    assert preview["id"] == group["activity"]
    assert not preview["isDeleted"]
    assert "members" not in reader.get("me/chats").json()["value"][0]


def test_chats_come_in_pages_and_newest_first_if_asked(
    scene: Scene, agent: Hired, reader: Reader
) -> None:
    one = say(scene, agent)["graph_conversation"]
    group = say(scene, agent, kind="groupChat")["graph_conversation"]
    newest_first = "lastMessagePreview/createdDateTime desc"

    first = reader.get("me/chats", top="1", orderby=newest_first).json()
    second = reader.get(first["@odata.nextLink"]).json()

    assert [chat["id"] for chat in first["value"]] == [group]
    assert [chat["id"] for chat in second["value"]] == [one]
    assert "@odata.nextLink" not in second


def test_members_are_people_and_the_agent_with_their_tenants(
    scene: Scene, agent: Hired, reader: Reader
) -> None:
    graph_id = say(scene, agent, kind="groupChat")["graph_conversation"]

    members = reader.get(f"{path(graph_id)}/members").json()["value"]

    assert [member["displayName"] for member in members][-2:] == ["Mallory Quinn", "Claw"]
    assert members[-1]["userId"] == agent.user
    assert members[-2]["tenantId"] != members[-1]["tenantId"] == agent.tenant
    assert reader.get(path(graph_id), expand="members").json()["members"] == members


def test_members_take_no_query_option(scene: Scene, agent: Hired, reader: Reader) -> None:
    """Graph refuses `$top` here, which a client that pages everything finds out."""
    graph_id = say(scene, agent)["graph_conversation"]

    assert refusal(reader.get(f"{path(graph_id)}/members", top="5")) == (400, "BadRequest")


def test_agent_can_speak_through_graph_and_is_seen_to(
    scene: Scene, agent: Hired, reader: Reader
) -> None:
    chat = begin(scene, agent)
    graph_id = say(scene, agent)["graph_conversation"]
    body = {"body": {"contentType": "html", "content": "<p>hi</p><p>a &lt; b</p>"}}

    answer = reader.post(f"{path(graph_id)}/messages", body)

    entry = chat.transcript()[-1]
    assert answer.status_code == 201
    assert answer.json()["id"] == entry["id"] == reader.read(graph_id)[0]["id"]
    assert answer.json()["body"] == body["body"]
    assert entry["text"] == "hi\na < b"
    assert (entry["kind"], entry["via"]) == ("message", "graph")
    assert entry["sender"]["oid"] == entry["from"]["oid"] == agent.user


def test_message_sent_through_graph_can_quote_the_one_it_answers(
    scene: Scene, agent: Hired, reader: Reader
) -> None:
    chat = begin(scene, agent)
    graph_id = say(scene, agent)["graph_conversation"]
    quoted = {"id": chat.said, "contentType": "messageReference"}
    body = {"body": {"content": "this one"}, "attachments": [quoted]}

    answer = reader.post(f"{path(graph_id)}/messages", body).json()

    assert chat.transcript()[-1]["reply_to"] == chat.said
    assert answer["attachments"][0]["contentType"] == "messageReference"
    assert '"messagePreview":"hello"' in answer["attachments"][0]["content"]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ([], 400, "BadRequest"),
        ({}, 400, "BadRequest"),
        ({"body": {"content": " "}}, 400, "BadRequest"),
        ({"body": {"content": "x", "contentType": "rtf"}}, 400, "BadRequest"),
        ({"body": {"content": "x"}, "attachments": [7]}, 400, "BadRequest"),
        ({"body": {"content": "x" * 15_000}}, 413, "RequestEntityTooLarge"),
    ],
)
def test_post_that_says_nothing_or_too_much_is_refused(
    scene: Scene, agent: Hired, reader: Reader, body: object, status: int, code: str
) -> None:
    graph_id = say(scene, agent)["graph_conversation"]

    assert refusal(reader.post(f"{path(graph_id)}/messages", body)) == (status, code)
    assert len(reader.read(graph_id)) == 1


@pytest.mark.parametrize("what", ["", "/members", "/messages", "/messages/1"])
def test_chat_of_another_agent_is_closed(
    scene: Scene, credential: Credential, reader: Reader, what: str
) -> None:
    graph_id = say(scene, scene.hire(credential))["graph_conversation"]

    assert refusal(reader.get(path(graph_id) + what)) == (403, "Forbidden")
    assert reader.get("me/chats").json()["value"] == []


def test_chat_of_another_agent_cannot_be_spoken_in(
    scene: Scene, credential: Credential, reader: Reader
) -> None:
    graph_id = say(scene, scene.hire(credential))["graph_conversation"]

    answer = reader.post(f"{path(graph_id)}/messages", {"body": {"content": "hi"}})

    assert refusal(answer) == (403, "Forbidden")


def test_chat_is_unknown_by_its_name_at_the_connector(
    scene: Scene, agent: Hired, reader: Reader
) -> None:
    receipt = say(scene, agent)

    assert refusal(reader.get(path(receipt["conversation"]))) == (404, "NotFound")


def test_channel_is_no_chat(scene: Scene, agent: Hired, reader: Reader) -> None:
    receipt = say(scene, agent, kind="channel")

    assert refusal(reader.get(path(receipt["graph_conversation"]))) == (404, "NotFound")


def test_unknown_message_is_not_found(scene: Scene, agent: Hired, reader: Reader) -> None:
    graph_id = say(scene, agent)["graph_conversation"]

    assert refusal(reader.get(f"{path(graph_id)}/messages/1")) == (404, "NotFound")


@pytest.mark.parametrize(
    ("scopes", "allowed"),
    [
        ([], set[str]()),
        (["Chat.ReadBasic"], {"list"}),
        (["Chat.Read"], {"list", "read"}),
        (["ChatMessage.Send"], {"send"}),
        (["Chat.ReadWrite"], {"list", "read", "send"}),
    ],
)
def test_scopes_say_what_may_be_done(
    scene: Scene, agent: Hired, scopes: list[str], allowed: set[str]
) -> None:
    graph_id = say(scene, agent)["graph_conversation"]
    grants = {"https://graph.microsoft.com": ["User.Read", *scopes]}
    scene.ask("PUT", f"agents/{agent.user}", {"grants": grants})
    reader = Reader(scene, agent)

    answers = {
        "list": reader.get("me/chats"),
        "read": reader.get(f"{path(graph_id)}/messages"),
        "send": reader.post(f"{path(graph_id)}/messages", {"body": {"content": "hi"}}),
    }

    assert {name for name, answer in answers.items() if answer.ok} == allowed
    assert all(answer.ok or refusal(answer) == (403, "Forbidden") for answer in answers.values())
