"""The chat page in a real browser, by keyboard, against a running sandbox."""

import asyncio
import json
from collections.abc import AsyncGenerator
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from sandbox.browser import ALT, browser, chromium
from sandbox.desk import Desk
from sandbox.scene import CHANNEL, Credential, Endpoint, Listen, Scene

pytestmark = [
    pytest.mark.parts,
    pytest.mark.skipif(chromium() is None, reason="there is no chromium on this machine"),
]

ANSWER = """Tomorrow has **two** meetings:

- 09:30 stand-up, see [the agenda](https://contoso.example/agenda)
- 15:00 `1:1` with Grace

<img src=x onerror=alert(1)> and [this](javascript:alert(1)) stay words."""


@pytest.fixture
async def desk(
    scene: Scene, credential: Credential, listen: Listen, tmp_path: Path
) -> AsyncGenerator[Desk]:
    url = await listen(endpoint := Endpoint())
    async with browser(tmp_path / "profile") as tab:
        agent = await asyncio.to_thread(scene.hire, credential, endpoint=url)
        token = await asyncio.to_thread(scene.user_token, agent, CHANNEL)
        await tab.look(width=1280, height=800)
        await tab.open(scene.page)
        await tab.until("document.querySelector('.empty .try')")
        yield Desk(tab, scene, agent, endpoint, token)
        assert tab.problems == []
        assert {urlsplit(url).netloc for url in tab.requests if not url.startswith("data:")} == {
            urlsplit(scene.control).netloc
        }


async def test_conversation_goes_by_keyboard_from_question_to_answer(desk: Desk) -> None:
    assert "key=" not in await desk.tab.read("location.href")
    await desk.tab.type("What is on my calendar?")
    await desk.tab.press("Enter")
    await desk.tells(".own .told", "kept, no answer yet")
    assert await desk.last(".own .bubble") == "What is on my calendar?"
    assert desk.endpoint.arrivals[-1].activity["text"] == "What is on my calendar?"

    await desk.answer(ANSWER)

    await desk.bubbles(2)
    await desk.tells(".own .told", "answered after")
    assert f"as agent user {desk.agent.upn.split('@')[0]}, token checked" in await desk.last(
        ".told"
    )
    assert await desk.tab.read("document.querySelectorAll('.bubble :is(img, script)').length") == 0
    assert await desk.tab.read("[...document.querySelectorAll('.bubble a')].map(a => a.href)") == [
        "https://contoso.example/agenda"
    ]
    assert "the agenda (contoso.example)" in await desk.last(".bubble")
    assert "Claw: Tomorrow" in await desk.last("#announce")

    await desk.tab.read("document.querySelector('.own .fate button').click()")
    await desk.tells(".own .drawer", "connector post")
    await desk.shoot("desktop-light")
    await desk.tab.look(width=1280, height=800, dark=True)
    assert await desk.tab.read("getComputedStyle(document.body).backgroundColor") == (
        "rgb(28, 28, 34)"
    )
    await desk.shoot("desktop-dark")


async def test_narrow_window_scrolls_in_one_direction_only(desk: Desk) -> None:
    await desk.tab.look(width=375, height=740)
    await desk.tab.read("document.getElementById('words').focus()")
    await desk.tab.type("wide" * 30)
    await desk.tab.press("Enter")
    await desk.bubbles(1)
    await desk.tells(".told", "202")
    await desk.answer(f"```\n{'wide ' * 60}\n```\n\n{ANSWER}")
    await desk.bubbles(2)
    await desk.tab.read("document.querySelector('.fate button').click()")
    await desk.tells(".own .drawer", "connector post")

    assert await desk.tab.read("document.documentElement.scrollWidth") == 375
    assert await desk.tab.read("document.getElementById('log').scrollWidth") == 375
    await desk.shoot("phone")


async def test_one_key_makes_ada_mallory_who_starts_afresh(desk: Desk) -> None:
    await desk.tab.type("mine")
    await desk.tab.press("Enter")
    await desk.bubbles(1)

    await desk.tab.press("3", ALT)

    await desk.tells(".empty", "You are from another tenant")
    await desk.tab.type("let me in")
    await desk.tab.press("Enter")
    await desk.tells(".told", "202")
    assert desk.endpoint.arrivals[-1].activity["from"]["name"] == "Mallory Quinn"
    await desk.tab.press("1", ALT)
    assert await desk.last(".own .bubble") == "mine"


async def test_at_sign_mentions_the_agent_and_its_absence_is_shown(desk: Desk) -> None:
    await desk.tab.press("5", ALT)
    await desk.tab.type("for nobody")
    await desk.tab.press("Enter")
    await desk.tells(".own .told", "not addressed to Claw")
    assert desk.endpoint.arrivals[-1].activity["text"] == "for nobody"

    await desk.tab.type("@for you")
    await desk.tab.press("Enter")

    await desk.tells(".own .told", "kept, no answer yet")
    assert desk.endpoint.arrivals[-1].activity["text"] == "<at>Claw</at> for you"
    assert await desk.last(".own .bubble") == "@Claw for you"


async def test_typing_edits_and_deletions_are_seen_as_they_happen(desk: Desk) -> None:
    await desk.tab.type("hello")
    await desk.tab.press("Enter")
    await desk.tells(".told", "202")
    asked = desk.endpoint.arrivals[-1].activity

    await desk.call(asked, {"type": "typing"})
    await desk.tells(".typing", "Claw is typing")
    conversation = quote(asked["conversation"]["id"], safe="")
    url = f"{asked['serviceUrl']}v3/conversations/{conversation}/activities"
    made = desk.scene.post(url, desk.token, {"type": "message", "text": "helo"}).json()["id"]
    await desk.tells(".bubble", "helo")
    assert await desk.tab.read("document.querySelector('.typing')") is None
    desk.scene.post(f"{url}/{made}", desk.token, {"type": "message", "text": "hello you"}, "PUT")
    await desk.tells(".edited", "edited")
    assert await desk.last(".bubble") == "hello you"
    desk.scene.post(f"{url}/{made}", desk.token, None, "DELETE")

    await desk.tells(".bubble", "This message was deleted.")


async def test_reactions_stand_under_the_message_and_go_again(desk: Desk) -> None:
    await desk.tab.type("hello")
    await desk.tab.press("Enter")
    await desk.tells(".told", "202")
    asked = desk.endpoint.arrivals[-1].activity
    conversation = quote(asked["conversation"]["id"], safe="")
    activities = f"{asked['serviceUrl']}v3/conversations/{conversation}/activities"
    url = f"{activities}/{asked['id']}/reactions"
    ada = {"from": "ada", "activity": asked["id"], "add": ["like"]}

    for kind in ("like", "1f440_eyes"):
        await asyncio.to_thread(desk.scene.post, f"{url}/{kind}", desk.token, None, "PUT")
    await desk.scene.ask_async("POST", "reactions", ada)

    await desk.tells(".reactions", "\N{THUMBS UP SIGN}\n2\n\N{EYES}")
    await asyncio.to_thread(desk.scene.post, f"{url}/1f440_eyes", desk.token, None, "DELETE")
    await desk.tab.until("document.querySelectorAll('.reactions li').length === 1")


async def test_card_shows_its_words_its_facts_and_buttons_that_do_nothing(desk: Desk) -> None:
    await desk.tab.type("move it")
    await desk.tab.press("Enter")
    await desk.tells(".told", "202")
    facts = [{"title": "From", "value": "Thursday"}, {"title": "To", "value": "**Friday**"}]
    column = {"type": "Column", "items": [{"type": "TextBlock", "text": "with Grace"}]}
    card = {
        "body": [
            {"type": "TextBlock", "text": "Move this meeting?", "size": "Large"},
            {"type": "ColumnSet", "columns": [column]},
            {"type": "FactSet", "facts": facts},
        ],
        "actions": [{"type": "Action.Submit", "title": "Move it"}],
    }
    kind = "application/vnd.microsoft.card.adaptive"
    attached = [{"contentType": kind, "content": card}]

    await desk.call(
        desk.endpoint.arrivals[-1].activity, {"type": "message", "attachments": attached}
    )

    await desk.tells(".card", "Move this meeting?")
    assert (await desk.last(".card dl")).split() == ["From", "Thursday", "To", "Friday"]
    assert "with Grace" in await desk.last(".card")
    assert await desk.tab.read("document.querySelector('.card button').disabled")
    await desk.tab.read("[...document.querySelectorAll('.fate button')].at(-1).click()")
    await desk.tells(".facts", desk.agent.tenant)
    await desk.shoot("card")


async def test_refusal_of_the_endpoint_is_told_under_the_message(desk: Desk) -> None:
    dead = {"endpoint": "http://127.0.0.1:9/api/messages"}
    await desk.scene.ask_async("PUT", f"agents/{desk.agent.user}", dead)
    await desk.tab.type("anybody?")
    await desk.tab.press("Enter")

    await desk.tells(".told", "no answer from the agent's endpoint; tried 3 times")


async def test_reader_of_old_messages_is_told_of_new_ones_and_not_moved(desk: Desk) -> None:
    body = {"from": "ada", "agent": desk.agent.user, "text": "line", "wait": False}
    for _ in range(20):
        await desk.scene.ask_async("POST", "messages", body)
    await desk.bubbles(20)
    await desk.tab.until("document.getElementById('latest').hidden")
    await desk.tab.read("document.getElementById('log').scrollTop = 0")

    await desk.answer("the latest")

    await desk.bubbles(21)
    await desk.tab.until("!document.getElementById('latest').hidden")
    assert await desk.tab.read("document.getElementById('log').scrollTop") == 0
    await desk.shoot("many")
    await desk.tab.read("document.getElementById('latest').click()")
    await desk.tab.until("document.getElementById('latest').hidden")


async def test_answer_elsewhere_leaves_a_mark_where_it_waits(desk: Desk) -> None:
    await desk.tab.type("hello")
    await desk.tab.press("Enter")
    await desk.tells(".told", "202")
    await desk.tab.press("2", ALT)

    await desk.answer("hi Ada")

    await desk.tab.until("document.querySelector('#people .choice:first-child .new')")
    await desk.shoot("unread")
    await desk.tab.press("1", ALT)
    await desk.bubbles(2)
    assert await desk.tab.read("document.querySelector('.new')") is None


async def test_tab_reaches_people_places_messages_and_words_in_that_order(desk: Desk) -> None:
    await desk.tab.type("hello")
    await desk.tab.press("Enter")
    await desk.tells(".told", "202")
    await desk.tab.read("document.querySelector('.skip').focus()")
    stop = "[document.activeElement].map(e => e.name || e.id || e.innerText)[0]"
    stops: list[str] = []
    for _ in range(6):
        await desk.tab.press("Tab")
        stops.append(await desk.tab.read(stop))

    # The list of agents is there when there are several.
    assert [stop for stop in stops if stop != "agents"][:5] == [
        "person",
        "place",
        "log",
        "what happened",
        "words",
    ]


async def test_page_of_another_origin_can_neither_read_nor_write(desk: Desk) -> None:
    """Another port of this machine is the same site: the strict cookie goes along."""

    async def page(_request: web.Request) -> web.Response:
        return web.Response(text="<!doctype html>", content_type="text/html")

    app = web.Application()
    app.router.add_get("/", page)
    body = {"person": "ada", "agent": desk.agent.user, "text": "forged"}
    reading = f"fetch('{desk.scene.control}/page/state', {{credentials: 'include'}})"
    how = f"method: 'POST', mode: 'no-cors', credentials: 'include', body: '{json.dumps(body)}'"
    writing = f"fetch('{desk.scene.control}/page/messages', {{{how}}})"
    async with TestServer(app, host="127.0.0.1") as server:
        await desk.tab.open(str(server.make_url("/")))

        read = await desk.tab.read(f"{reading}.then(() => 'read', () => 'refused')")
        wrote = await desk.tab.read(f"{writing}.then(() => 'wrote', () => 'refused')")

    assert (read, wrote) == ("refused", "refused")
    await desk.tab.open(desk.scene.page)
    await desk.tab.until("document.querySelector('.empty .try')")
    assert desk.endpoint.arrivals == []
    # The browser told its console so, and asked for the other page: neither is ours.
    desk.tab.problems.clear()
    desk.tab.requests.clear()
    await desk.tab.open(desk.scene.page)
