"""Faults of the connector and of Graph, switched on and off again."""

from collections.abc import Generator

import pytest
import requests

from sandbox.reader import Reader, path, refusal
from sandbox.scene import Hired, Json, Scene
from sandbox.test_connector import Chat, begin
from sandbox.test_control import complain


@pytest.fixture
def chat(scene: Scene, agent: Hired) -> Generator[Chat]:
    yield begin(scene, agent)
    scene.ask("PUT", "faults", {"connector": None, "graph": None})


def fail(chat: Chat, **how: object) -> None:
    fail_at("connector", chat, **how)


def fail_at(host: str, chat: Chat, **how: object) -> None:
    chat.scene.ask("PUT", "faults", {host: how})


def texts(chat: Chat) -> list[str]:
    return [entry["text"] for entry in chat.transcript()]


def send(chat: Chat, text: str = "hi") -> requests.Response:
    return chat.send({"type": "message", "text": text})


def test_error_comes_as_often_as_asked_and_has_no_effect(chat: Chat) -> None:
    fail(chat, status=429, retry_after=2, times=2)

    first, second, third = send(chat), send(chat), send(chat)

    assert refusal(first) == refusal(second) == (429, "Throttled")
    assert first.headers["Retry-After"] == "2"
    assert third.status_code == 201
    assert texts(chat) == ["hello", "hi"]
    assert chat.scene.ask("GET", "faults")["connector"]["met"] == 2


def test_error_of_the_service_carries_no_advice_unless_asked(chat: Chat) -> None:
    fail(chat, status=503)

    answer = send(chat)

    assert refusal(answer) == (503, "ServiceError")
    assert "Retry-After" not in answer.headers


@pytest.mark.parametrize(("when", "said"), [("before", ["hello"]), ("after", ["hello", "hi"])])
def test_connection_is_cut_before_or_after_the_effect(
    chat: Chat, when: str, said: list[str]
) -> None:
    how: Json = {when: True}
    fail(chat, times=1, **how)

    with pytest.raises(requests.ConnectionError):
        send(chat)

    assert texts(chat) == said
    assert send(chat).ok


def test_error_can_come_after_the_effect(chat: Chat) -> None:
    fail(chat, status=500, after=True, times=1)

    assert send(chat).status_code == 500
    assert texts(chat) == ["hello", "hi"]


def test_call_can_be_late(chat: Chat) -> None:
    fail(chat, delay_ms=120, times=1)

    answer = send(chat)

    assert answer.status_code == 201
    assert answer.elapsed.total_seconds() >= 0.12


def test_fault_can_be_for_some_calls_only(chat: Chat) -> None:
    fail(chat, status=500, method="put", path="/reactions/")

    url = f"{chat.url}/{chat.said}/reactions/like"

    assert send(chat).ok
    assert chat.scene.post(url, chat.token, None, "DELETE").ok
    assert chat.scene.post(url, chat.token, None, "PUT").status_code == 500


def test_graph_fails_in_its_own_envelope_and_the_connector_does_not(chat: Chat) -> None:
    reader = Reader(chat.scene, chat.agent)
    fail_at("graph", chat, status=429, retry_after=1)

    answer = reader.get("me/chats")

    assert refusal(answer) == (429, "TooManyRequests")
    assert answer.headers["request-id"] == answer.json()["error"]["innerError"]["request-id"]
    assert answer.headers["Retry-After"] == "1"
    assert send(chat).ok


def test_graph_can_take_a_message_and_not_say_so(chat: Chat) -> None:
    reader = Reader(chat.scene, chat.agent)
    (found,) = reader.get("me/chats").json()["value"]
    fail_at("graph", chat, after=True, times=1, method="POST")

    with pytest.raises(requests.ConnectionError):
        reader.post(f"{path(found['id'])}/messages", {"body": {"content": "hi"}})

    assert [m["body"]["content"] for m in reader.read(found["id"])] == ["hi", "hello"]


def test_fault_that_is_taken_away_is_gone(chat: Chat) -> None:
    fail(chat, status=500)
    chat.scene.ask("PUT", "faults", {"connector": None})

    assert send(chat).ok
    assert set(chat.scene.ask("GET", "faults").values()) == {None}


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ({"sharepoint": None}, "sharepoint"),
        ({"graph": 7}, "graph"),
        ({"graph": {"mood": 1}}, "mood"),
        ({"graph": {"status": 200}}, "error"),
        ({"graph": {"times": 0.5}}, "whole"),
        ({"graph": {"times": -1}}, "negative"),
        ({"graph": {"after": True, "before": True}}, "both"),
    ],
)
def test_nonsense_is_answered_with_a_plain_sentence(chat: Chat, body: Json, word: str) -> None:
    assert word in complain(chat.scene, "PUT", "faults", body)
    assert chat.scene.ask("GET", "faults")["graph"] is None
