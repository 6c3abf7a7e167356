"""The chat page from behind the glass: its files, its state, its events."""

import asyncio
import re
import socket
from importlib.resources import files
from itertools import islice

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from entraclaw.sandbox.channel import Delivery, Fate
from entraclaw.sandbox.conversations import Conversations
from entraclaw.sandbox.directory import Directory
from entraclaw.sandbox.events import Events
from entraclaw.sandbox.journal import Journal
from entraclaw.sandbox.transcript import Transcript
from entraclaw.sandbox.views import Happening, Views
from sandbox.scene import BOUND_S, CHANNEL, Credential, Endpoint, Hired, Json, Listen, Scene
from sandbox.test_connector import begin
from sandbox.window import Event, Window

ASSETS = ("page.html", "page.css", "page.js")


def asset(name: str) -> str:
    return files("entraclaw.sandbox").joinpath(name).read_text(encoding="utf-8")


def test_three_files_are_small_and_ask_nobody_else_for_anything() -> None:
    texts = [asset(name) for name in ASSETS]

    # The one address is the name of the SVG vocabulary, which nobody fetches.
    addresses = {url for text in texts for url in re.findall(r"https?://[\w./]+", text)}
    assert sum(len(text.encode()) for text in texts) <= 60 * 1024
    assert addresses == {"http://www.w3.org/2000/svg"}


def test_no_markup_is_made_of_text_and_none_holds_script_or_style() -> None:
    script, markup = asset("page.js"), asset("page.html")

    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", script)
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*src=)", markup)


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_words_stand_out_from_what_they_stand_on(scheme: int) -> None:
    """WCAG 2.2, 1.4.3: at least 4.5 to 1."""
    block = asset("page.css").split(":root {")[scheme + 1].partition("}")[0]
    colours = dict(re.findall(r"--([\w-]+): (#\w{6})", block))
    grounds = ["rail", "page", "raised", "own", "sunk"]
    pairs = [(ink, ground) for ink in ("ink", "soft", "accent") for ground in grounds]

    for words, ground in [*pairs, ("on-accent", "accent")]:
        high, low = sorted((luminance(colours[words]), luminance(colours[ground])), reverse=True)
        assert (high + 0.05) / (low + 0.05) >= 4.5, (words, ground)


def place(state: Json, agent: Hired, kind: str = "personal", person: str | None = "ada") -> Json:
    """One conversation of *agent* in *state*."""
    wanted = (agent.user, kind, person if kind == "personal" else None)
    places: list[Json] = state["conversations"]
    return next(p for p in places if (p["agent"], p["kind"], p["person"]) == wanted)


def said(agent: Hired, **more: object) -> Json:
    return {"person": "ada", "agent": agent.user, "kind": "personal", "text": "hello"} | more


def test_state_holds_people_agents_and_every_place_newest_agent_first(
    scene: Scene, window: Window, credential: Credential
) -> None:
    older, newer = scene.hire(credential), scene.hire(credential)

    state = window.state()

    assert [person["key"] for person in state["people"]] == ["ada", "grace", "mallory"]
    assert [person["organisation"] for person in state["people"]][1:] == ["Contoso", "Fabrikam"]
    assert [agent["user"] for agent in state["agents"]][:2] == [newer.user, older.user]
    assert state["agents"][0]["sponsors"] == ["ada"]
    assert not state["agents"][0]["reachable"]
    places = [p for p in state["conversations"] if p["agent"] == newer.user]
    assert [(p["kind"], p["person"]) for p in places] == [
        ("personal", "ada"),
        ("personal", "grace"),
        ("personal", "mallory"),
        ("groupChat", None),
        ("channel", None),
    ]


def test_answer_is_in_the_state_with_its_sender_its_question_and_its_delay(
    scene: Scene, window: Window, agent: Hired
) -> None:
    chat = begin(scene, agent)
    chat.send({"type": "message", "text": "hi"}, under=f"/{chat.said}")

    question, answer = place(window.state(), agent)["entries"]

    assert (question["sender"], question["answers"], question["after_ms"]) == (None, None, None)
    assert answer["sender"]["oid"] == agent.user
    assert answer["sender"]["azp"] == agent.agent
    assert answer["answers"] == question["id"]
    assert answer["after_ms"] > 0
    assert answer["time"] >= question["time"]


def test_card_reaches_the_page_and_other_attachments_do_not(
    scene: Scene, window: Window, agent: Hired
) -> None:
    chat = begin(scene, agent)
    card = {"type": "AdaptiveCard", "body": [{"type": "TextBlock", "text": "Move it?"}]}
    kind = "application/vnd.microsoft.card.adaptive"
    odd: list[object] = [7, {"contentType": kind, "content": "x"}, {"contentType": "image/png"}]
    attached = [{"contentType": kind, "content": card}, *odd]

    assert chat.send({"type": "message", "attachments": attached}).status_code == 201

    assert place(window.state(), agent)["entries"][-1]["cards"] == [card]


def test_what_became_of_a_message_is_in_the_state(
    scene: Scene, window: Window, agent: Hired
) -> None:
    picture = {"name": "x.png", "content_type": "image/png", "bytes": "cG5n"}
    said = {"from": "ada", "agent": agent.user, "text": "look", "attachments": [picture]}
    name = scene.ask("POST", "messages", {**said, "deliver": False})["activity"]
    scene.ask("POST", "reactions", {"from": "ada", "activity": name, "add": ["like"]})
    scene.ask("POST", "deletes", {"from": "ada", "activity": name})

    state = window.state()

    message, reaction, deletion = place(state, agent)["entries"]
    assert message["attached"] == [{"name": "x.png", "picture": True}]
    assert (reaction["kind"], reaction["id"], reaction["text"]) == ("reaction", name, "like")
    assert (deletion["kind"], deletion["id"]) == ("delete", name)
    assert [d["lost"] for d in state["deliveries"] if d["id"] == name] == [True]


def test_long_conversation_is_in_the_state_with_its_end_only(
    scene: Scene, window: Window, agent: Hired
) -> None:
    name = scene.ask("POST", "messages", {"from": "ada", "agent": agent.user, "text": "hello"})
    many = [str(n) for n in range(600)]
    ada = {"from": "ada", "activity": name["activity"]}
    scene.ask("POST", "reactions", {**ada, "add": many})

    entries = place(window.state(), agent)["entries"]

    assert [entry["text"] for entry in entries] == many[-500:]


async def test_message_and_its_fate_arrive_as_events_and_again_for_who_returns(
    scene: Scene, window: Window, credential: Credential, listen: Listen
) -> None:
    url = await listen(endpoint := Endpoint(503, 202))
    agent = await asyncio.to_thread(scene.hire, credential, endpoint=url)

    def watch() -> tuple[Json, list[Event], list[Event]]:
        last = window.state()["last"]
        with window.events(last) as events:
            answer = window.post(said(agent, text="live"))
            seen = list(islice(events, 4))
        with window.events(0, **{"Last-Event-ID": str(seen[1].number)}) as events:
            return answer.json(), seen, list(islice(events, 2))

    receipt, seen, again = await asyncio.to_thread(watch)

    tries = [event.data for event in seen[1:]]
    assert [event.name for event in seen] == ["entry", "delivery", "delivery", "delivery"]
    assert seen[0].data["text"] == "live"
    assert seen[0].data["id"] == receipt["id"] == endpoint.arrivals[0].activity["id"]
    assert [(t["status"], t["tries"]) for t in tries] == [(0, 1), (503, 2), (202, 2)]
    assert [t["ms"] is None for t in tries] == [True, True, False]
    assert [event.number for event in seen] == list(range(seen[0].number, seen[0].number + 4))
    assert again == seen[2:]


def test_hire_and_tokens_arrive_as_events(
    scene: Scene, window: Window, credential: Credential
) -> None:
    with window.events(window.state()["last"]) as events:
        agent = scene.hire(credential)
        scene.user_token(agent, CHANNEL)
        hire, *tokens = list(islice(events, 4))

    assert hire.data["agent"]["user"] == agent.user
    assert len(hire.data["conversations"]) == 5
    assert [(t.name, t.data["hop"], t.data["code"]) for t in tokens] == [
        ("token", "blueprint", 0),
        ("token", "agent", 0),
        ("token", "user", 0),
    ]


def test_group_is_shared_and_says_who_was_not_addressed(window: Window, agent: Hired) -> None:
    window.post(said(agent, kind="groupChat", mention=True))
    window.post(said(agent, kind="groupChat", mention=False, person="mallory"))

    first, second = place(window.state(), agent, "groupChat")["entries"]

    assert (first["addressed"], second["addressed"]) == (True, False)
    assert first["text"] == "<at>Claw</at> hello"
    assert second["from"]["name"] == "Mallory Quinn"


def test_reply_stays_in_its_thread_and_the_agent_answers_there(
    scene: Scene, window: Window, agent: Hired
) -> None:
    chat = begin(scene, agent, "channel")
    reply = window.post(said(agent, kind="channel", thread=chat.said, person="grace")).json()["id"]
    window.post(said(agent, kind="channel"))
    chat.send({"type": "message", "text": "hi"})

    entries = place(window.state(), agent, "channel")["entries"]

    threads = [entry["thread"] for entry in entries]
    assert threads[0].endswith(f";messageid={chat.said}")
    assert threads[0] == threads[1] == threads[3] != threads[2]
    assert entries[3]["answers"] == reply


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"text": " "}, "text"),
        ({"person": "bob"}, "person"),
        ({"kind": "letter"}, "kind"),
        ({"kind": "channel", "thread": "1"}, "thread"),
    ],
)
def test_nonsense_is_answered_with_a_plain_sentence(
    window: Window, agent: Hired, change: Json, word: str
) -> None:
    answer = window.post(said(agent, **change))

    assert answer.status_code == 400
    assert word in answer.json()["error"]


def test_hops_of_a_message_and_of_its_answer_are_the_same(
    scene: Scene, window: Window, agent: Hired
) -> None:
    chat = begin(scene, agent)
    made = chat.send({"type": "message", "text": "hi"}).json()["id"]

    asked, answered = (window.get(f"/page/hops/{name}").json() for name in (chat.said, made))

    assert asked == answered
    assert asked["asked"] == chat.said
    assert [hop["name"] for hop in asked["hops"]] == [
        "blueprint token",
        "agent token",
        "user token",
        "connector post",
    ]


async def test_reader_that_takes_nothing_is_dropped() -> None:
    happenings = Journal[Happening]()
    tell = happenings.append
    views = Views(
        directory=Directory(tell),
        conversations=Conversations(),
        transcript=Transcript(tell),
        happenings=happenings,
    )
    dropped = asyncio.Event()
    events = Events(views, happenings, stall_s=0.1)

    async def serve(request: web.Request) -> web.StreamResponse:
        try:
            return await events.serve(request)
        finally:
            dropped.set()

    app = web.Application()
    app.router.add_get("/", serve)
    async with TestServer(app, host="127.0.0.1") as server:
        address = ("127.0.0.1", server.make_url("/").port or 0)
        with socket.create_connection(address) as slow:
            slow.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            # More than any system keeps in the buffers of one connection.
            for _ in range(500):
                happenings.append(Fate("x" * 65536, Delivery(202, 1, 0, 1)))

            await asyncio.wait_for(dropped.wait(), BOUND_S)
