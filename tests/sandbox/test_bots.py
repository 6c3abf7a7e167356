"""Classic bots: an application of its own, chats of its own, a token for those alone."""

import asyncio
from dataclasses import dataclass
from typing import cast
from urllib.parse import quote

import jwt
import msal
import pytest

from sandbox.scene import (
    BOUND_S,
    CHANNEL,
    GRAPH,
    Credential,
    Endpoint,
    Hired,
    Json,
    Listen,
    Scene,
    claims_of,
)
from sandbox.test_connector import begin, refusal
from sandbox.window import Window

BOT_FRAMEWORK = "https://api.botframework.com/.default"


@dataclass(frozen=True, slots=True)
class Bot:
    """A bot as the control API describes it, with its key."""

    scene: Scene
    tenant: str
    bot: str
    credential: Credential

    def ask(self, scope: str = BOT_FRAMEWORK, client: str = "") -> Json:
        """Ask with stock msal."""
        application = msal.ConfidentialClientApplication(
            client or self.bot,
            authority=f"{self.scene.cloud['login']}/{self.tenant}",
            client_credential={
                "private_key": self.credential.private,
                "thumbprint": self.credential.sha1,
                "public_certificate": self.credential.certificate,
            },
            http_client=self.scene.session,
            instance_discovery=False,
            client_capabilities=["cp1"],
        )
        answer: object = application.acquire_token_for_client([scope])  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]  # msal ships no types
        return cast("Json", answer)

    @property
    def token(self) -> str:
        token: str = self.ask()["access_token"]
        return token

    def chat(self, kind: str = "personal") -> tuple[str, Json]:
        """Let Ada begin: the address of its activities, and the receipt."""
        body = {"from": "ada", "agent": self.bot, "text": "hello", "kind": kind}
        receipt = self.scene.ask("POST", "messages", body)
        service = self.scene.ask("GET", f"activity/{self.bot}")["service_url"]
        place = quote(receipt["conversation"], safe="")
        return f"{service}v3/conversations/{place}", receipt


def register(scene: Scene, credential: Credential, endpoint: str | None = None) -> Bot:
    body = {"name": "Clawbot", "certificate": credential.certificate, "endpoint": endpoint}
    card = scene.ask("POST", "bots", body)
    assert set(card) == {"tenant", "bot", "name"}
    return Bot(scene, card["tenant"], card["bot"], credential)


@pytest.fixture
def bot(scene: Scene, credential: Credential) -> Bot:
    return register(scene, credential)


def test_msal_gets_a_bots_token_at_its_tenant(bot: Bot) -> None:
    claims = claims_of(bot.token)

    assert claims["iss"] == f"https://sts.windows.net/{bot.tenant}/"
    assert (claims["aud"], claims["appid"]) == ("https://api.botframework.com", bot.bot)
    assert (claims["idtyp"], claims["oid"]) == ("app", bot.bot)
    assert not {"scp", "xms_act_fct", "xms_par_app_azp"} & set(claims)


def test_neither_blueprint_nor_agent_identity_gets_a_bots_token(
    scene: Scene, bot: Bot, agent: Hired
) -> None:
    assert bot.ask(client=agent.blueprint)["error_codes"] == [82001]
    first, _ = scene.walk(agent)
    form = scene.agent_form(agent, first, scope=BOT_FRAMEWORK)
    assert scene.grant(agent, form)["error_codes"] == [82001]


def test_bot_of_another_key_is_refused(scene: Scene, bot: Bot, stranger: Credential) -> None:
    other = Bot(scene, bot.tenant, bot.bot, stranger)

    assert other.ask()["error_codes"] == [700027]


@pytest.mark.parametrize(
    ("change", "code"), [({"enabled": False}, 7000112), ({"blocked": 53000}, 53000)]
)
def test_bot_that_may_not_is_refused(bot: Bot, change: Json, code: int) -> None:
    bot.scene.ask("PUT", f"agents/{bot.bot}", change)

    assert bot.ask()["error_codes"] == [code]


def test_fault_of_one_bots_hop_meets_nobody_else(bot: Bot, agent: Hired) -> None:
    fault = {"agent": bot.bot, "hop": "bot", "code": 7000112}
    bot.scene.ask("PUT", "entra-faults", {"faults": [fault]})
    try:
        assert bot.ask()["error_codes"] == [7000112]
        assert bot.scene.user_token(agent)
    finally:
        bot.scene.ask("PUT", "entra-faults", {"faults": []})


def test_bot_answers_in_its_own_chat_and_is_seen_as_itself(bot: Bot) -> None:
    url, receipt = bot.chat()
    token = bot.token

    said = bot.scene.post(f"{url}/activities", token, {"type": "message", "text": "good day"})
    liked = bot.scene.post(
        f"{url}/activities/{receipt['activity']}/reactions/like", token, None, "PUT"
    )

    assert (said.status_code, liked.status_code) == (201, 200)
    assert receipt["conversation"].startswith("a:1")
    entries = bot.scene.ask("GET", f"transcript?agent={bot.bot}")["entries"]
    _, answer, reaction = [e for e in entries if e["conversation"] == receipt["conversation"]]
    assert answer["from"] == {"oid": bot.bot, "name": "Clawbot"}
    assert (answer["sender"]["idtyp"], answer["sender"]["azp"]) == ("app", bot.bot)
    assert reaction["sender"]["azp"] == bot.bot


def test_bot_is_in_no_conversation_of_anybody_else(scene: Scene, bot: Bot, agent: Hired) -> None:
    others = begin(scene, agent)
    second = register(scene, bot.credential)
    url, _ = second.chat()
    message = {"type": "message", "text": "hi"}

    assert refusal(others.send(message, token=bot.token)) == (403, "BotNotInConversationRoster")
    into_another = scene.post(f"{url}/activities", bot.token, message)
    assert refusal(into_another) == (403, "BotNotInConversationRoster")


def test_agent_user_is_not_in_the_bots_conversation(scene: Scene, bot: Bot, agent: Hired) -> None:
    url, _ = bot.chat()
    token = scene.user_token(agent, CHANNEL)

    said = scene.post(f"{url}/activities", token, {"type": "message", "text": "hi"})

    assert refusal(said) == (403, "BotNotInConversationRoster")


def test_tokens_for_something_else_open_no_conversation(bot: Bot) -> None:
    url, _ = bot.chat()
    for token in (bot.ask(CHANNEL)["access_token"], bot.ask(GRAPH)["access_token"], ""):
        said = bot.scene.post(f"{url}/activities", token, {"type": "message", "text": "hi"})
        assert said.status_code in {401, 403}


def test_token_that_was_called_back_is_challenged(bot: Bot) -> None:
    url, _ = bot.chat()
    token = bot.token
    bot.scene.ask("PUT", "clock", {"ahead_s": 600})
    try:
        bot.scene.ask("POST", f"agents/{bot.bot}/revocations")
        said = bot.scene.post(f"{url}/activities", token, {"type": "message", "text": "hi"})
    finally:
        bot.scene.ask("PUT", "clock", {"ahead_s": 0})

    assert said.status_code == 401
    assert "insufficient_claims" in said.headers["WWW-Authenticate"]


def test_roster_lists_the_people_and_not_the_bot(bot: Bot) -> None:
    url, _ = bot.chat("groupChat")

    members: list[Json] = bot.scene.post(f"{url}/members", bot.token, None, "GET").json()

    assert [member["givenName"] for member in members] == ["Ada", "Grace", "Mallory"]


def test_bot_has_no_rights_at_graph_and_its_call_is_in_the_log(bot: Bot) -> None:
    token = bot.ask(GRAPH)["access_token"]

    def get(path: str) -> int:
        url = f"{bot.scene.cloud['graph']}/v1.0/{path}"
        return bot.scene.post(url, token, None, "GET").status_code

    assert (get("me"), get(f"users/{bot.bot}"), get("me/chats")) == (400, 403, 403)
    [*_, last] = bot.scene.ask("GET", "calls")["calls"]
    assert (last["method"], last["path"], last["status"]) == ("GET", "/v1.0/me/chats", 403)
    assert last["sender"] == {"oid": bot.bot, "idtyp": "app", "azp": bot.bot}


def test_bot_is_no_agent_of_the_directory(scene: Scene, bot: Bot, agent: Hired) -> None:
    """Who asks without a client, or for an agent without a blueprint, is not taken for a bot."""
    form = {**scene.blueprint_form(agent), "client_id": ""}

    assert scene.grant(agent, form)["error_codes"] == [900144]
    token = scene.user_token(agent)
    url = f"{scene.cloud['graph']}/v1.0/users/{bot.bot}"
    assert scene.post(url, token, None, "GET").status_code == 404


async def test_people_write_to_a_bot_and_the_bot_framework_vouches(
    scene: Scene, credential: Credential, listen: Listen
) -> None:
    endpoint = Endpoint()
    url = await listen(endpoint)
    bot = await asyncio.to_thread(register, scene, credential, url)
    body = {"from": "grace", "agent": bot.bot, "text": "hello", "kind": "groupChat"}

    await scene.ask_async("POST", "messages", body)

    [arrival] = endpoint.arrivals
    claims = claims_of(arrival.token)
    activity = arrival.activity
    assert claims["iss"] == "https://api.botframework.com"
    assert (claims["aud"], claims["serviceurl"]) == (bot.bot, activity["serviceUrl"])
    assert activity["recipient"] == {"id": f"28:{bot.bot}", "name": "Clawbot"}
    assert activity["entities"][0]["mentioned"]["id"] == f"28:{bot.bot}"
    assert activity["text"] == "<at>Clawbot</at> hello"


def test_bot_is_on_the_page_as_a_bot(scene: Scene, window: Window, bot: Bot) -> None:
    del scene
    url, _ = bot.chat()
    bot.scene.post(f"{url}/activities", bot.token, {"type": "message", "text": "good day"})

    state = window.state()

    assert state["agents"][0]["bot"] == bot.bot
    place = next(
        p for p in state["conversations"] if p["agent"] == bot.bot and p["person"] == "ada"
    )
    assert place["entries"][-1]["sender"]["idtyp"] == "app"
    assert [t["hop"] for t in state["tokens"] if t["client"] == bot.bot] == ["bot"]


def test_agent_is_on_the_page_as_none(window: Window, agent: Hired) -> None:
    shown = next(a for a in window.state()["agents"] if a["user"] == agent.user)

    assert shown["bot"] is None


def test_keys_of_the_bot_framework_say_which_channels_they_are_for(scene: Scene, bot: Bot) -> None:
    described = scene.session.get(scene.cloud["bot_openid"], timeout=BOUND_S).json()
    keys = scene.session.get(described["jwks_uri"], timeout=BOUND_S).json()["keys"]
    endorsed = {key["kid"]: "msteams" in key["endorsements"] for key in keys}

    def signer(key: str) -> bool:
        body = {"agent": bot.bot, "kind": "classic", "key": key}
        token: str = scene.ask("POST", "tokens", body)["token"]
        return endorsed[jwt.get_unverified_header(token)["kid"]]

    assert (signer("own"), signer("other-channel")) == (True, False)


def test_what_is_missing_is_said_before_a_bot_is_made(scene: Scene, credential: Credential) -> None:
    for body in ({"name": " ", "certificate": credential.certificate}, {"name": "x"}):
        answer = scene.session.post(
            f"{scene.control}/control/bots",
            json=body,
            headers={"Authorization": f"Bearer {scene.secret}"},
            timeout=BOUND_S,
        )
        assert answer.status_code == 400
