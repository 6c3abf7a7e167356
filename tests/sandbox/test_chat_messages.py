"""What Graph says was said, to an agent user who was there."""

import pytest

from sandbox.reader import Reader, path, refusal, say
from sandbox.scene import BOUND_S, Hired, Scene
from sandbox.test_connector import Chat, begin


@pytest.fixture
def reader(scene: Scene, agent: Hired) -> Reader:
    return Reader(scene, agent)


def test_said_and_answered_are_one_chat_under_its_other_name(
    scene: Scene, agent: Hired, reader: Reader
) -> None:
    chat = begin(scene, agent)
    made = chat.send({"type": "message", "text": "hi **you**"}, under=f"/{chat.said}").json()["id"]
    graph_id = say(scene, agent, "bye", deliver=False)["graph_conversation"]

    last, answer, first = reader.read(graph_id)

    assert first["id"] == chat.said
    assert first["from"]["user"]["displayName"] == "Ada Lovelace"
    assert first["from"]["user"]["userIdentityType"] == "aadUser"
    assert first["from"]["user"]["tenantId"] == agent.tenant
    assert first["body"] == {"contentType": "text", "content": "hello"}
    assert first["createdDateTime"] == first["lastModifiedDateTime"] < last["createdDateTime"]
    assert first["chatId"] == graph_id
    assert first["messageType"] == "message"
    assert (first["lastEditedDateTime"], first["deletedDateTime"]) == (None, None)
    assert answer["id"] == made
    assert answer["from"]["user"]["id"] == agent.user
    assert answer["body"] == {"contentType": "html", "content": "<p>hi <strong>you</strong></p>"}
    assert last["body"]["content"] == "bye"


def test_one_message_is_the_same_alone_and_in_the_list(
    scene: Scene, agent: Hired, reader: Reader
) -> None:
    graph_id = say(scene, agent)["graph_conversation"]
    (listed,) = reader.read(graph_id)

    alone = reader.get(f"{path(graph_id)}/messages/{listed['id']}").json()

    assert alone.pop("@odata.context").startswith(scene.cloud["graph"])
    assert alone == listed


def test_mention_is_told_as_a_mention(scene: Scene, agent: Hired, reader: Reader) -> None:
    graph_id = say(scene, agent, "a < b", kind="groupChat")["graph_conversation"]

    (message,) = reader.read(graph_id)

    assert message["body"]["content"] == '<p><at id="0">Claw</at> a &lt; b</p>'
    assert message["mentions"][0]["mentioned"]["user"]["id"] == agent.user


@pytest.mark.parametrize(
    "order", [{}, {"orderby": "createdDateTime desc"}, {"orderby": "lastModifiedDateTime desc"}]
)
def test_messages_come_newest_first_in_pages(
    scene: Scene, agent: Hired, reader: Reader, order: dict[str, str]
) -> None:
    receipts = [say(scene, agent, f"m{n}") for n in range(5)]

    pages = reader.pages(receipts[0]["graph_conversation"], top="2", **order)

    assert pages == [["m4", "m3"], ["m2", "m1"], ["m0"]]


def test_page_holds_twenty_messages_unless_asked_otherwise(
    scene: Scene, agent: Hired, reader: Reader
) -> None:
    receipts = [say(scene, agent, f"m{n}") for n in range(21)]

    pages = reader.pages(receipts[0]["graph_conversation"])

    assert [len(page) for page in pages] == [20, 1]


def test_edit_moves_a_message_to_the_front_of_what_changed_only(
    scene: Scene, agent: Hired, reader: Reader
) -> None:
    receipts = [say(scene, agent, f"m{n}") for n in range(3)]
    graph_id, name = receipts[0]["graph_conversation"], receipts[0]["activity"]

    scene.ask("POST", "edits", {"from": "ada", "activity": name, "text": "changed"})

    assert reader.pages(graph_id) == [["changed", "m2", "m1"]]
    assert reader.pages(graph_id, orderby="createdDateTime desc") == [["m2", "m1", "changed"]]
    message = reader.read(graph_id)[0]
    assert message["createdDateTime"] < message["lastModifiedDateTime"]
    assert message["lastEditedDateTime"] == message["lastModifiedDateTime"]


def test_deleted_message_stays_without_its_words(
    scene: Scene, agent: Hired, reader: Reader
) -> None:
    receipt = say(scene, agent, "regretted", kind="groupChat")

    scene.ask("POST", "deletes", {"from": "ada", "activity": receipt["activity"]})

    (message,) = reader.read(receipt["graph_conversation"])
    assert message["deletedDateTime"] == message["lastModifiedDateTime"]
    assert message["body"]["content"] == ""
    assert message["mentions"] == []


def test_reactions_of_people_and_of_the_agent_are_listed(
    scene: Scene, agent: Hired, reader: Reader
) -> None:
    chat = begin(scene, agent)
    ada = {"from": "ada", "activity": chat.said}
    scene.post(f"{chat.url}/{chat.said}/reactions/1f440_eyes", chat.token, None, "PUT")
    receipt = scene.ask("POST", "reactions", {**ada, "add": ["like", "heart"]})
    scene.ask("POST", "reactions", {**ada, "remove": ["like"]})

    (message,) = reader.read(receipt["graph_conversation"])

    reactions = [(r["reactionType"], r["user"]["user"]["id"]) for r in message["reactions"]]
    assert reactions == [("\N{EYES}", agent.user), ("heart", receipt_author(scene))]
    assert message["lastModifiedDateTime"] > message["createdDateTime"]
    assert message["lastEditedDateTime"] is None


def receipt_author(scene: Scene) -> str:
    oid: str = scene.ask("GET", "people")["people"][0]["oid"]
    return oid


def test_filter_counts_only_with_the_same_order(scene: Scene, agent: Hired, reader: Reader) -> None:
    """Graph ignores it otherwise, without a word."""
    receipts = [say(scene, agent, f"m{n}") for n in range(3)]
    graph_id = receipts[0]["graph_conversation"]
    middle = reader.read(graph_id)[1]["lastModifiedDateTime"]
    newer, older = f"lastModifiedDateTime gt {middle}", f"createdDateTime lt {middle}"

    assert reader.pages(graph_id, filter=newer) == [["m2", "m1", "m0"]]
    assert reader.pages(graph_id, filter=newer, orderby="createdDateTime desc") == [
        ["m2", "m1", "m0"]
    ]
    by_change = "lastModifiedDateTime desc"
    assert reader.pages(graph_id, filter=newer, orderby=by_change) == [["m2"]]
    assert reader.pages(graph_id, filter=older, orderby="createdDateTime desc") == [["m0"]]
    both = f"{newer} and lastModifiedDateTime lt 2099-01-01T00:00:00Z"
    assert reader.pages(graph_id, filter=both, orderby=by_change, top="1") == [["m2"]]


@pytest.mark.parametrize(
    "query",
    [
        {"top": "51"},
        {"top": "0"},
        {"top": "many"},
        {"orderby": "createdDateTime"},
        {"orderby": "createdDateTime asc"},
        {"orderby": "subject desc"},
        {"orderby": "createdDateTime desc", "filter": "createdDateTime gt 2026-01-01T00:00:00Z"},
        {"orderby": "createdDateTime desc", "filter": "createdDateTime lt yesterday"},
        {"orderby": "createdDateTime desc", "filter": "createdDateTime lt 2026-01-01T00:00:00"},
        {"orderby": "createdDateTime desc", "filter": "nonsense"},
        {"search": "hello"},
        {"skiptoken": "mine"},
        {"skiptoken": "\N{BLACK STAR}"},
    ],
)
def test_query_that_graph_does_not_support_is_refused(
    scene: Scene, agent: Hired, reader: Reader, query: dict[str, str]
) -> None:
    graph_id = say(scene, agent)["graph_conversation"]

    assert refusal(reader.get(f"{path(graph_id)}/messages", **query)) == (400, "BadRequest")


def test_events_are_nobodys_and_named_only_to_who_asks(
    scene: Scene, agent: Hired, reader: Reader
) -> None:
    change = {"type": "conversationUpdate", "membersAdded": [{"id": "29:1x"}]}
    receipt = scene.ask("POST", "activities", {"agent": agent.user, "activity": change})
    graph_id = receipt["graph_conversation"]

    (event,) = reader.read(graph_id)
    headers = {
        "Authorization": f"Bearer {reader.token}",
        "Prefer": "include-unknown-enum-members",
    }
    url = f"{scene.cloud['graph']}/v1.0/{path(graph_id)}/messages/{event['id']}"
    named = scene.session.get(url, headers=headers, timeout=BOUND_S).json()

    assert event["from"] is None
    assert event["messageType"] == "unknownFutureValue"
    assert event["body"]["content"] == "<systemEventMessage/>"
    assert named["messageType"] == "systemEventMessage"


def test_message_of_an_app_and_of_another_time_say_so(
    scene: Scene, agent: Hired, reader: Reader
) -> None:
    receipt = say(scene, agent, "from an app", application="Deploy", deliver=False)
    say(scene, agent, "old", sent_at="2026-01-02T03:04:05.678Z", deliver=False)

    old, app = reader.read(receipt["graph_conversation"])

    assert app["from"]["application"]["displayName"] == "Deploy"
    assert app["from"]["user"] is None
    assert old["createdDateTime"] == "2026-01-02T03:04:05.678Z" < app["createdDateTime"]
    assert old["lastModifiedDateTime"] >= app["lastModifiedDateTime"]


def test_same_activity_sent_twice_is_one_message(
    scene: Scene, agent: Hired, reader: Reader
) -> None:
    sent = {"agent": agent.user, "activity": {"id": "1763930000001"}}
    scene.ask("POST", "activities", sent)
    receipt = scene.ask("POST", "activities", sent)

    (message,) = reader.read(receipt["graph_conversation"])

    assert message["createdDateTime"] == "2025-11-23T20:33:20.001Z"


def test_chat_shows_what_its_reader_answered(chat_of: Chat, reader: Reader) -> None:
    chat_of.send({"type": "message", "text": "- a\n- b `c`\n\n```py\nx < 1\n```"})
    graph_id = reader.get("me/chats").json()["value"][0]["id"]

    assert reader.read(graph_id)[0]["body"]["content"] == (
        "<ul><li>a</li><li>b <code>c</code></li></ul><pre><code>x &lt; 1</code></pre>"
    )


def test_plain_words_through_the_connector_are_kept_as_html(chat_of: Chat, reader: Reader) -> None:
    chat_of.send({"type": "message", "text": "2 < 3 **kg**\nnow", "textFormat": "plain"})
    graph_id = reader.get("me/chats").json()["value"][0]["id"]

    body = reader.read(graph_id)[0]["body"]

    assert body == {"contentType": "html", "content": "<p>2 &lt; 3 **kg**<br>now</p>"}


@pytest.fixture
def chat_of(scene: Scene, agent: Hired) -> Chat:
    return begin(scene, agent)
