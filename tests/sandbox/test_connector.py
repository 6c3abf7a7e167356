"""What an agent may say through the connector, and as whom."""

from dataclasses import dataclass
from urllib.parse import quote

import pytest
import requests

from sandbox.scene import CHANNEL, GRAPH, Credential, Hired, Json, Scene


@dataclass(frozen=True, slots=True)
class Chat:
    """A conversation that ada began, and the token of the agent she began it with."""

    scene: Scene
    agent: Hired
    service: str
    conversation: str
    said: str
    token: str

    @property
    def url(self) -> str:
        return f"{self.service}v3/conversations/{quote(self.conversation, safe='')}/activities"

    def send(self, body: object, *, token: str | None = None, under: str = "") -> requests.Response:
        return self.scene.post(self.url + under, token or self.token, body)

    def transcript(self) -> list[Json]:
        mine = f"transcript?agent={self.agent.user}"
        entries: list[Json] = self.scene.ask("GET", mine)["entries"]
        return [entry for entry in entries if entry["conversation"] == self.conversation]


def begin(scene: Scene, agent: Hired, kind: str = "personal") -> Chat:
    body = {"from": "ada", "agent": agent.user, "text": "hello", "kind": kind}
    receipt = scene.ask("POST", "messages", body)
    return Chat(
        scene=scene,
        agent=agent,
        service=scene.ask("GET", f"activity/{agent.user}")["service_url"],
        conversation=receipt["conversation"],
        said=receipt["activity"],
        token=scene.user_token(agent, CHANNEL),
    )


@pytest.fixture
def chat(scene: Scene, agent: Hired) -> Chat:
    return begin(scene, agent)


def refusal(response: requests.Response) -> tuple[int, str]:
    return response.status_code, response.json()["error"]["code"]


def test_answer_is_in_the_transcript_as_the_agent_user(chat: Chat) -> None:
    answer = chat.send({"type": "message", "text": "hi"}, under=f"/{chat.said}")

    question, reply = chat.transcript()
    assert answer.status_code == 201
    assert answer.json() == {"id": reply["id"]}
    assert reply["n"] > question["n"]
    assert reply["kind"] == "message"
    assert reply["text"] == "hi"
    assert reply["reply_to"] == chat.said == question["id"]
    assert reply["from"] == {"oid": chat.agent.user, "name": "Claw"}
    assert reply["sender"] == {
        "oid": chat.agent.user,
        "idtyp": "user",
        "azp": chat.agent.agent,
        "tid": chat.agent.tenant,
    }


def test_people_carry_no_bearer(chat: Chat) -> None:
    question = chat.transcript()[0]

    assert question["sender"] is None
    assert question["from"]["name"] == "Ada Lovelace"


def test_message_can_name_in_its_body_what_it_answers(chat: Chat) -> None:
    chat.send({"type": "message", "text": "hi", "replyToId": chat.said})

    assert chat.transcript()[-1]["reply_to"] == chat.said


@pytest.mark.parametrize("kind", ["groupChat", "channel"])
def test_group_is_answered_under_its_own_name(scene: Scene, agent: Hired, kind: str) -> None:
    chat = begin(scene, agent, kind)

    assert chat.send({"type": "message", "text": "hi"}).status_code == 201
    assert chat.transcript()[-1]["text"] == "hi"


def test_typing_is_seen_and_has_no_id(chat: Chat) -> None:
    answer = chat.send({"type": "typing"})

    assert answer.ok
    assert answer.json() == {}
    assert chat.transcript()[-1]["kind"] == "typing"


def test_message_can_be_changed_and_taken_back_by_its_author(chat: Chat) -> None:
    made = chat.send({"type": "message", "text": "helo"}).json()["id"]
    url = f"{chat.url}/{made}"

    changed = chat.scene.post(url, chat.token, {"type": "message", "text": "hello"}, "PUT")
    removed = chat.scene.post(url, chat.token, None, "DELETE")

    assert changed.json() == {"id": made}
    assert removed.status_code == 200
    assert [entry["kind"] for entry in chat.transcript()[1:]] == ["message", "update", "delete"]
    assert {entry["id"] for entry in chat.transcript()[1:]} == {made}


def test_message_of_somebody_else_cannot_be_changed(chat: Chat) -> None:
    url = f"{chat.url}/{chat.said}"

    assert refusal(chat.scene.post(url, chat.token, {"text": "forged"}, "PUT")) == (
        403,
        "Forbidden",
    )


def test_unknown_message_cannot_be_changed(chat: Chat) -> None:
    answer = chat.scene.post(f"{chat.url}/1", chat.token, {"text": "x"}, "PUT")

    assert refusal(answer) == (404, "ActivityNotFoundInConversation")


def test_unknown_conversation_is_not_found(chat: Chat) -> None:
    url = f"{chat.service}v3/conversations/a%3A1nowhere/activities"

    answer = chat.scene.post(url, chat.token, {"type": "message", "text": "hi"})

    assert refusal(answer) == (404, "ConversationNotFound")


def test_agent_cannot_speak_in_a_conversation_of_another(
    chat: Chat, scene: Scene, credential: Credential
) -> None:
    token = scene.user_token(scene.hire(credential), CHANNEL)

    answer = chat.send({"type": "message", "text": "hi"}, token=token)

    assert refusal(answer) == (403, "BotNotInConversationRoster")


def test_token_for_graph_is_refused(chat: Chat) -> None:
    token = chat.scene.user_token(chat.agent, GRAPH)

    assert refusal(chat.send({"type": "message", "text": "hi"}, token=token))[0] == 401


def test_app_only_token_is_refused(chat: Chat) -> None:
    first, _ = chat.scene.walk(chat.agent)
    form = chat.scene.agent_form(chat.agent, first, scope=CHANNEL)
    token = chat.scene.grant(chat.agent, form)["access_token"]

    assert refusal(chat.send({"type": "message", "text": "hi"}, token=token))[0] == 403


def test_token_that_has_expired_is_refused(chat: Chat) -> None:
    first, second = chat.scene.walk(chat.agent)
    form = chat.scene.user_form(chat.agent, first, second, scope=CHANNEL)
    chat.scene.ask("PUT", "settings", {"token_lifetime_s": 0})
    try:
        token = chat.scene.grant(chat.agent, form)["access_token"]
    finally:
        chat.scene.ask("PUT", "settings", {"token_lifetime_s": None})

    assert refusal(chat.send({"type": "message", "text": "hi"}, token=token))[0] == 401


def test_words_that_are_no_token_are_refused(chat: Chat) -> None:
    assert refusal(chat.send({"type": "message", "text": "hi"}, token="hello"))[0] == 401


def test_disabled_agent_falls_silent_at_once(chat: Chat) -> None:
    chat.scene.ask("PUT", f"agents/{chat.agent.user}", {"enabled": False})

    assert refusal(chat.send({"type": "message", "text": "hi"}))[0] == 403


def test_another_tenant_in_the_path_is_refused(chat: Chat) -> None:
    url = chat.url.replace(chat.agent.tenant, "00000000-0000-4000-8000-000000000000")

    assert refusal(chat.scene.post(url, chat.token, {"type": "message", "text": "x"}))[0] == 403


@pytest.mark.parametrize(
    ("text", "status"),
    [("x" * 51_000, 201), ("x" * 51_300, 413), ("\N{GRINNING FACE}" * 25_700, 413)],
    ids=["just fits", "too long", "few characters, many units"],
)
def test_message_over_100_kb_of_utf_16_is_refused(chat: Chat, text: str, status: int) -> None:
    answer = chat.send({"type": "message", "text": text})

    assert answer.status_code == status
    if status == 413:
        assert refusal(answer) == (413, "MessageSizeTooBig")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ([], "BadSyntax"),
        ({"type": "message"}, "BadSyntax"),
        ({"type": "message", "text": 7}, "BadSyntax"),
        ({"type": "handoff", "text": "x"}, "BadArgument"),
    ],
)
def test_body_that_is_no_message_is_refused(chat: Chat, body: object, code: str) -> None:
    assert refusal(chat.send(body)) == (400, code)
