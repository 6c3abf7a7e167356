"""What the connector does beside taking messages: reactions, members, attachments."""

import asyncio
import ssl
from typing import Any
from urllib.parse import quote

import pytest
import requests
from aiohttp import ClientSession, TCPConnector
from microsoft_agents.hosting.core.connector.client import ConnectorClient

from sandbox.scene import BOUND_S, CHANNEL, Credential, Endpoint, Hired, Listen, Scene
from sandbox.test_connector import Chat, begin, refusal


@pytest.fixture
def chat(scene: Scene, agent: Hired) -> Chat:
    return begin(scene, agent)


def test_reaction_is_seen_once_with_its_sender_and_can_be_taken_back(chat: Chat) -> None:
    url = f"{chat.url}/{chat.said}/reactions/2705_whiteheavycheckmark"

    answers = [chat.scene.post(url, chat.token, None, how) for how in ("PUT", "PUT", "DELETE")]
    again = chat.scene.post(url, chat.token, None, "DELETE")

    reacted, taken_back = chat.transcript()[1:]
    assert all(answer.status_code == 200 for answer in [*answers, again])
    assert (reacted["kind"], taken_back["kind"]) == ("reaction", "unreaction")
    assert reacted["id"] == reacted["reply_to"] == chat.said
    assert reacted["text"] == "2705_whiteheavycheckmark"
    assert reacted["sender"]["oid"] == reacted["from"]["oid"] == chat.agent.user


@pytest.mark.parametrize("kind", ["groupChat", "channel"])
def test_reaction_reaches_groups_too(scene: Scene, agent: Hired, kind: str) -> None:
    chat = begin(scene, agent, kind)

    assert scene.post(f"{chat.url}/{chat.said}/reactions/like", chat.token, None, "PUT").ok
    assert chat.transcript()[-1]["kind"] == "reaction"


def test_unknown_reaction_and_unknown_message_are_refused(chat: Chat) -> None:
    odd = chat.scene.post(f"{chat.url}/{chat.said}/reactions/shrug", chat.token, None, "PUT")
    nowhere = chat.scene.post(f"{chat.url}/1/reactions/like", chat.token, None, "PUT")

    assert refusal(odd) == (400, "BadArgument")
    assert refusal(nowhere) == (404, "ActivityNotFoundInConversation")
    assert len(chat.transcript()) == 1


def test_agent_cannot_react_where_it_is_not(
    chat: Chat, scene: Scene, credential: Credential
) -> None:
    other = begin(scene, scene.hire(credential))

    answer = scene.post(f"{other.url}/{other.said}/reactions/like", chat.token, None, "PUT")

    assert refusal(answer) == (403, "BotNotInConversationRoster")


def members(chat: Chat, under: str = "") -> Any:  # noqa: ANN401  # a list, or one, or a refusal
    url = chat.url.replace("/activities", f"/members{under}")
    return chat.scene.post(url, chat.token, None, "GET").json()


def test_members_of_a_chat_and_of_a_group_are_listed(chat: Chat, scene: Scene) -> None:
    group = begin(scene, chat.agent, "groupChat")

    two, four = members(chat), members(group)

    assert [member["name"] for member in two] == ["Ada Lovelace", "Claw"]
    assert [member["name"].split()[0] for member in four] == ["Ada", "Grace", "Mallory", "Claw"]
    assert four[2]["tenantId"] != four[3]["tenantId"] == chat.agent.tenant
    assert four[3]["aadObjectId"] == chat.agent.user


def test_one_member_is_found_by_either_name(chat: Chat, scene: Scene) -> None:
    ada = scene.ask("GET", "people")["people"][0]

    one = members(chat, f"/{ada['oid']}")

    assert one["userPrincipalName"] == "ada@contoso.example"
    assert members(chat, f"/{ada['id']}") == one
    assert members(chat, "/nobody")["error"]["code"] == "MemberNotFoundInConversation"


async def test_picture_is_for_those_who_are_in_the_conversation(
    scene: Scene, credential: Credential, listen: Listen
) -> None:
    url = await listen(endpoint := Endpoint())
    agent = await asyncio.to_thread(scene.hire, credential, endpoint=url)
    picture = {"name": "x.png", "content_type": "image/png", "bytes": "cG5n"}
    said = {"from": "ada", "agent": agent.user, "text": "look", "attachments": [picture]}
    await scene.ask_async("POST", "messages", said)
    address = endpoint.arrivals[0].activity["attachments"][0]["contentUrl"]

    def read(where: str, who: Hired) -> requests.Response:
        return scene.post(where, scene.user_token(who, CHANNEL), None, "GET")

    content = await asyncio.to_thread(read, address, agent)
    about = await asyncio.to_thread(read, address.removesuffix("/views/original"), agent)
    small = await asyncio.to_thread(read, address.replace("original", "thumbnail"), agent)
    other = await asyncio.to_thread(scene.hire, credential)
    refused = await asyncio.to_thread(read, address, other)
    unsigned = await asyncio.to_thread(scene.session.get, address, timeout=BOUND_S)

    assert (content.content, content.headers["Content-Type"]) == (b"png", "image/png")
    assert about.json()["views"] == [{"viewId": "original", "size": 3}]
    assert small.status_code == 404
    assert refusal(refused) == (403, "BotNotInConversationRoster")
    assert unsigned.status_code == 401


async def test_stock_client_reads_members_and_attachments(
    scene: Scene, credential: Credential, listen: Listen
) -> None:
    url = await listen(endpoint := Endpoint())
    agent = await asyncio.to_thread(scene.hire, credential, endpoint=url)
    picture = {"name": "x.png", "content_type": "image/png", "bytes": "cG5n"}
    said = {"from": "ada", "agent": agent.user, "text": "look", "attachments": [picture]}
    await scene.ask_async("POST", "messages", said)
    activity = endpoint.arrivals[0].activity
    name = activity["attachments"][0]["contentUrl"].split("/")[-3]
    token = await asyncio.to_thread(scene.user_token, agent, CHANNEL)
    trust = TCPConnector(ssl=ssl.create_default_context(cafile=scene.ca))
    session = ClientSession(base_url=activity["serviceUrl"], connector=trust)
    async with session, asyncio.timeout(BOUND_S):
        client = ConnectorClient(activity["serviceUrl"], token, session=session)
        place = quote(activity["conversation"]["id"], safe="")

        people = await client.conversations.get_conversation_members(place)
        paged = await client.conversations.get_conversation_paged_members(place)
        ada = await client.conversations.get_conversation_member(
            place, activity["from"]["aadObjectId"]
        )
        about = await client.attachments.get_attachment_info(name)

    assert [person.name for person in people] == ["Ada Lovelace", "Claw"]
    assert [person.name for person in paged.members] == ["Ada Lovelace", "Claw"]
    assert ada.id == activity["from"]["id"]
    assert about.name == "x.png"
