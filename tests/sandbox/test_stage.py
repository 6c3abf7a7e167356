"""What people do, and what the agent is told of it."""

import asyncio

import pytest
from aiohttp import web

from sandbox.reader import Reader
from sandbox.scene import Credential, Hired, Json, Scene
from sandbox.stand import Stand
from sandbox.test_control import complain


async def test_message_that_is_not_delivered_is_said_all_the_same(stand: Stand) -> None:
    receipt = await stand.say("lost", deliver=False)

    reader = await asyncio.to_thread(Reader, stand.scene, stand.agent)
    messages = await asyncio.to_thread(reader.read, receipt["graph_conversation"])
    assert stand.told == []
    assert (receipt["status"], receipt["tries"]) == (0, 0)
    assert [message["id"] for message in messages] == [receipt["activity"]]


async def test_edit_is_told_with_the_same_id_and_a_later_time(stand: Stand) -> None:
    receipt = await stand.say()

    again = await stand.act("edits", activity=receipt["activity"], text="changed")

    first, second = stand.told
    assert second["type"] == "messageUpdate"
    assert second["channelData"]["eventType"] == "editMessage"
    assert second["id"] == first["id"] == again["activity"]
    assert second["text"] == "changed"
    assert second["timestamp"] > first["timestamp"]
    assert second["conversation"] == first["conversation"]
    assert (again["status"], again["tries"]) == (202, 1)


@pytest.mark.parametrize("kind", ["groupChat", "channel"])
async def test_edit_in_a_group_keeps_its_mention_and_its_thread(stand: Stand, kind: str) -> None:
    receipt = await stand.say(kind=kind)

    await stand.act("edits", activity=receipt["activity"], text="changed")

    first, second = stand.told
    assert second["text"] == "<at>Claw</at> changed"
    assert second["entities"] == first["entities"]
    assert second["conversation"] == first["conversation"]


async def test_deletion_is_told_without_words(stand: Stand) -> None:
    receipt = await stand.say()

    await stand.act("deletes", activity=receipt["activity"])

    activity = stand.told[-1]
    assert activity["type"] == "messageDelete"
    assert activity["id"] == receipt["activity"]
    assert activity["channelData"]["eventType"] == "softDeleteMessage"
    assert "text" not in activity


async def test_deleted_message_can_be_brought_back(stand: Stand) -> None:
    receipt = await stand.say()
    await stand.act("deletes", activity=receipt["activity"])

    await stand.act("edits", activity=receipt["activity"], undelete=True)

    reader = await asyncio.to_thread(Reader, stand.scene, stand.agent)
    (message,) = await asyncio.to_thread(reader.read, receipt["graph_conversation"])
    assert stand.told[-1]["channelData"]["eventType"] == "undeleteMessage"
    assert stand.told[-1]["text"] == "hello"
    assert (message["deletedDateTime"], message["body"]["content"]) == (None, "hello")


async def test_reaction_names_the_message_and_has_an_id_of_its_own(stand: Stand) -> None:
    receipt = await stand.say()

    await stand.act(
        "reactions", activity=receipt["activity"], add=["like", "heart"], remove=["sad"]
    )

    activity = stand.told[-1]
    assert activity["type"] == "messageReaction"
    assert activity["replyToId"] == receipt["activity"] != activity["id"]
    assert activity["reactionsAdded"] == [{"type": "like"}, {"type": "heart"}]
    assert activity["reactionsRemoved"] == [{"type": "sad"}]


@pytest.mark.parametrize(
    ("what", "more"),
    [("edits", {"text": "x"}), ("deletes", {}), ("reactions", {"add": ["like"]})],
)
async def test_change_that_is_not_delivered_is_made_all_the_same(
    stand: Stand, what: str, more: Json
) -> None:
    receipt = await stand.say(deliver=False)

    await stand.act(what, activity=receipt["activity"], deliver=False, **more)

    entries = await stand.scene.ask_async("GET", f"transcript?agent={stand.agent.user}")
    assert stand.told == []
    kind = {"edits": "update", "deletes": "delete", "reactions": "reaction"}[what]
    assert [entry["kind"] for entry in entries["entries"]] == ["message", kind]


@pytest.mark.parametrize(
    ("what", "body", "word"),
    [
        ("edits", {"from": "grace", "text": "forged"}, "somebody else"),
        ("edits", {"undelete": True}, "not deleted"),
        ("edits", {}, "text"),
        ("edits", {"activity": "1", "text": "x"}, "no such message"),
        ("deletes", {"from": "grace"}, "somebody else"),
        ("reactions", {}, "reaction"),
        ("reactions", {"add": "like"}, "strings"),
        ("reactions", {"from": "grace", "add": ["like"]}, "not in this conversation"),
        ("messages", {"text": "x", "quote": "1"}, "no such message"),
        ("messages", {"text": "x", "attachments": "x"}, "attachments"),
        ("messages", {"text": "x", "attachments": [{"name": "x"}]}, "content_type"),
        (
            "messages",
            {"text": "x", "attachments": [{"name": "x", "content_type": "a/b", "bytes": "%"}]},
            "base64",
        ),
        ("messages", {"text": "x", "sent_at": "yesterday"}, "sent_at"),
        ("messages", {"text": "x", "sent_at": "2026-01-01T00:00:00"}, "zone"),
    ],
)
def test_nonsense_is_answered_with_a_plain_sentence_and_leaves_no_trace(
    scene: Scene, agent: Hired, what: str, body: Json, word: str
) -> None:
    said = scene.ask("POST", "messages", {"from": "ada", "agent": agent.user, "text": "hello"})
    asked = {"from": "ada", "agent": agent.user, "activity": said["activity"], **body}
    if what == "messages":
        asked.pop("activity")

    assert word in complain(scene, "POST", what, asked)

    assert len(scene.ask("GET", f"transcript?agent={agent.user}")["entries"]) == 1


async def test_answer_to_an_invoke_is_in_the_receipt(scene: Scene, credential: Credential) -> None:
    answer = {"statusCode": 200, "type": "application/vnd.microsoft.activity.message", "value": "x"}

    async def take(request: web.Request) -> web.Response:
        kind = (await request.json())["type"]
        return web.json_response(answer) if kind == "invoke" else web.Response(text="plain")

    app = web.Application()
    app.router.add_post("/", take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    agent = await asyncio.to_thread(scene.hire, credential, endpoint=site.name)
    sent = {"agent": agent.user, "activity": {"type": "invoke", "name": "adaptiveCard/action"}}

    receipt = await scene.ask_async("POST", "activities", sent)
    other = await scene.ask_async("POST", "activities", {"agent": agent.user})
    await runner.cleanup()

    assert (receipt["status"], receipt["body"]) == (200, answer)
    assert other["body"] == "plain"


async def test_activity_can_be_somebody_elses_and_lack_its_id(stand: Stand) -> None:
    odd = {"id": None, "from": {"tenantId": "t"}, "channelId": "agents"}
    sent = {"agent": stand.agent.user, "kind": "groupChat", "mention": False, "activity": odd}

    receipt = await stand.act("activities", **{**sent, "from": "mallory"})

    (activity,) = stand.told
    assert receipt["activity"] is activity["id"] is None
    assert activity["from"]["name"] == "Mallory Quinn"
    assert activity["from"]["tenantId"] == "t"
    assert activity["conversation"]["conversationType"] == "groupChat"
    assert receipt["conversation"] == activity["conversation"]["id"]


async def test_words_can_carry_overrides_too(stand: Stand) -> None:
    more: Json = {"from": "mallory", "activity": {"from": {"tenantId": "t"}}}

    await stand.say(**more)

    assert stand.told[0]["from"]["tenantId"] == "t"
    assert stand.told[0]["text"] == "hello"


def test_transcript_of_one_agent_holds_nothing_of_another(
    scene: Scene, credential: Credential, agent: Hired
) -> None:
    other = scene.hire(credential)
    for who in (agent, other, agent):
        scene.ask("POST", "messages", {"from": "ada", "agent": who.user, "text": who.user})

    seen = scene.ask("GET", f"transcript?agent={agent.user}")

    assert [entry["text"] for entry in seen["entries"]] == [agent.user, agent.user]
    later = scene.ask("GET", f"transcript?agent={agent.user}&after={seen['last']}&wait_s=0.1")
    assert later["entries"] == []
    assert later["last"] == seen["last"]
