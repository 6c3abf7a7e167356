"""How what people say reaches an agent's endpoint, and how often."""

import asyncio
import time

import jwt
import pytest

from sandbox.scene import BOUND_S, Credential, Endpoint, Hired, Json, Listen, Scene, claims_of


async def hired(scene: Scene, credential: Credential, url: str | None) -> Hired:
    return await asyncio.to_thread(scene.hire, credential, endpoint=url)


async def say(scene: Scene, agent: Hired, **more: object) -> Json:
    return await scene.ask_async(
        "POST", "messages", {"from": "ada", "agent": agent.user, "text": "hello", **more}
    )


async def test_message_arrives_as_an_agentic_activity(
    scene: Scene, credential: Credential, listen: Listen
) -> None:
    agent = await hired(scene, credential, await listen(endpoint := Endpoint()))

    receipt = await say(scene, agent)

    activity = endpoint.arrivals[0].activity
    assert activity["type"] == "message"
    assert activity["id"] == receipt["activity"]
    assert activity["text"] == "hello"
    assert activity["conversation"]["id"] == receipt["conversation"]
    assert activity["conversation"]["conversationType"] == "personal"
    assert activity["recipient"]["role"] == "agenticUser"
    assert activity["recipient"]["agenticUserId"] == agent.user
    assert activity["recipient"]["agenticAppId"] == agent.agent
    assert activity["recipient"]["agenticAppBlueprintId"] == agent.blueprint
    assert activity["channelData"]["tenant"]["id"] == agent.tenant
    assert activity["serviceUrl"].startswith(f"https://{scene.cloud['service_hosts'][0]}/amer/")


async def test_receipt_names_the_conversation_by_both_its_names(
    scene: Scene, credential: Credential, listen: Listen
) -> None:
    agent = await hired(scene, credential, await listen(Endpoint()))

    receipt, again = await say(scene, agent), await say(scene, agent)

    assert receipt["conversation"].startswith("a:1")
    assert receipt["graph_conversation"].endswith("@unq.gbl.spaces")
    assert agent.user in receipt["graph_conversation"]
    assert receipt["conversation"] == again["conversation"]
    assert int(receipt["activity"]) < int(again["activity"])
    assert (receipt["status"], receipt["tries"]) == (202, 1)
    assert receipt["posted_at"] < receipt["accepted_at"] < time.monotonic_ns()


async def test_token_of_a_delivery_verifies_with_the_published_key(
    scene: Scene, credential: Credential, listen: Listen
) -> None:
    agent = await hired(scene, credential, await listen(endpoint := Endpoint()))
    await say(scene, agent)
    url = f"{scene.cloud['login']}/{agent.tenant}/discovery/v2.0/keys"
    keys = jwt.PyJWKSet.from_dict(scene.session.get(url, timeout=BOUND_S).json())

    token = endpoint.arrivals[0].token
    key = keys[jwt.get_unverified_header(token)["kid"]]
    claims = jwt.decode(
        token,
        key,
        algorithms=["RS256"],
        audience=agent.blueprint,
        issuer=f"{scene.cloud['login']}/{agent.tenant}/v2.0",
    )

    assert claims["azp"] == scene.cloud["agent_channel"]
    assert claims["tid"] == agent.tenant
    assert (claims["ver"], claims["azpacr"]) == ("2.0", "2")
    assert "serviceurl" not in claims


async def test_token_is_shown_again_for_the_next_delivery(
    scene: Scene, credential: Credential, listen: Listen
) -> None:
    """The real service does so; a replay check must not take it for a replay."""
    agent = await hired(scene, credential, await listen(endpoint := Endpoint()))

    await say(scene, agent)
    await say(scene, agent)

    first, second = endpoint.arrivals
    assert first.token == second.token
    assert first.activity["id"] != second.activity["id"]


@pytest.mark.parametrize(
    ("answers", "status", "tries"),
    [
        ((202,), 202, 1),
        ((401,), 401, 1),
        ((302,), 302, 1),
        ((503, 202), 202, 2),
        ((500, 502, 503, 202), 503, 3),
        ((0, 202), 202, 2),
    ],
    ids=["accepted", "refused", "redirected", "failed once", "failed always", "too slow once"],
)
async def test_delivery_is_repeated_until_it_is_answered_or_given_up(
    scene: Scene,
    credential: Credential,
    listen: Listen,
    answers: tuple[int, ...],
    status: int,
    tries: int,
) -> None:
    endpoint = Endpoint(*answers)
    agent = await hired(scene, credential, await listen(endpoint))

    receipt = await say(scene, agent)

    assert (receipt["status"], receipt["tries"]) == (status, tries)
    assert len({arrival.activity["id"] for arrival in endpoint.arrivals}) == 1
    assert len(endpoint.arrivals) == tries


async def test_endpoint_that_is_not_there_is_tried_three_times(
    scene: Scene, credential: Credential
) -> None:
    agent = await hired(scene, credential, "http://127.0.0.1:9/api/messages")

    receipt = await say(scene, agent)

    assert (receipt["status"], receipt["tries"]) == (0, 3)


async def test_message_to_an_agent_without_endpoint_is_said_all_the_same(
    scene: Scene, credential: Credential
) -> None:
    agent = await hired(scene, credential, None)

    receipt = await say(scene, agent)

    assert (receipt["status"], receipt["tries"], receipt["posted_at"]) == (0, 0, None)


async def test_message_sent_without_waiting_arrives_later(
    scene: Scene, credential: Credential, listen: Listen
) -> None:
    endpoint = Endpoint(0)
    agent = await hired(scene, credential, await listen(endpoint))

    receipt = await say(scene, agent, wait=False)

    assert receipt["tries"] == 0
    await say(scene, agent)
    assert receipt["activity"] in {arrival.activity["id"] for arrival in endpoint.arrivals}


@pytest.mark.parametrize("kind", ["groupChat", "channel"])
async def test_group_message_mentions_the_agent(
    scene: Scene, credential: Credential, listen: Listen, kind: str
) -> None:
    agent = await hired(scene, credential, await listen(endpoint := Endpoint()))

    receipt = await say(scene, agent, kind=kind)

    activity = endpoint.arrivals[0].activity
    mention = next(e for e in activity["entities"] if e["type"] == "mention")
    assert activity["text"] == "<at>Claw</at> hello"
    assert mention["mentioned"]["id"] == activity["recipient"]["id"]
    assert mention["text"] in activity["text"]
    assert activity["conversation"]["isGroup"]
    assert activity["conversation"]["id"] == receipt["conversation"]
    assert ("team" in activity["channelData"]) == (kind == "channel")
    assert (f";messageid={receipt['activity']}" in receipt["conversation"]) == (kind == "channel")


async def test_group_message_can_leave_the_agent_unmentioned(
    scene: Scene, credential: Credential, listen: Listen
) -> None:
    agent = await hired(scene, credential, await listen(endpoint := Endpoint()))

    await say(scene, agent, kind="groupChat", mention=False)

    activity = endpoint.arrivals[0].activity
    assert activity["text"] == "hello"
    assert [entity["type"] for entity in activity["entities"]] == ["clientInfo"]


async def test_odd_activity_is_sent_as_it_was_asked_for(
    scene: Scene, credential: Credential, listen: Listen
) -> None:
    agent = await hired(scene, credential, await listen(endpoint := Endpoint()))
    odd = {"id": "7", "text": None, "channelData": {"extra": 1}, "entities": [{"type": "Novel"}]}

    receipt = await scene.ask_async("POST", "activities", {"agent": agent.user, "activity": odd})

    activity = endpoint.arrivals[0].activity
    assert receipt["activity"] == activity["id"] == "7"
    assert activity["text"] is None
    assert activity["channelData"] == {"tenant": {"id": agent.tenant}, "extra": 1}
    assert activity["entities"] == [{"type": "Novel"}]


async def test_odd_activity_can_come_with_a_forged_token(
    scene: Scene, credential: Credential, listen: Listen
) -> None:
    agent = await hired(scene, credential, await listen(endpoint := Endpoint()))
    token = {"kind": "classic", "claims": {"aud": "somebody"}}

    await scene.ask_async(
        "POST", "activities", {"agent": agent.user, "activity": {"type": "event"}, "token": token}
    )

    claims = claims_of(endpoint.arrivals[0].token)
    assert claims["iss"] == "https://api.botframework.com"
    assert claims["aud"] == "somebody"
    assert claims["serviceurl"] == endpoint.arrivals[0].activity["serviceUrl"]


async def test_changed_endpoint_takes_the_next_message(
    scene: Scene, credential: Credential, listen: Listen
) -> None:
    old, new = Endpoint(), Endpoint()
    agent = await hired(scene, credential, await listen(old))
    url = await listen(new)

    await scene.ask_async("PUT", f"agents/{agent.user}", {"endpoint": url})
    await say(scene, agent)

    assert (len(old.arrivals), len(new.arrivals)) == (0, 1)


async def test_draft_of_an_activity_is_complete_and_unsent(
    scene: Scene, credential: Credential, listen: Listen
) -> None:
    agent = await hired(scene, credential, await listen(endpoint := Endpoint()))

    draft = await scene.ask_async("GET", f"activity/{agent.user}")
    other = await scene.ask_async("GET", f"activity/{agent.user}")

    assert draft["activity"]["serviceUrl"] == draft["service_url"]
    assert draft["activity"]["id"] != other["activity"]["id"]
    assert endpoint.arrivals == []
