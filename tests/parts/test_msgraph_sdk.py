"""Microsoft's own client drives the sandbox's Graph, and finds a place for every field.

msgraph-sdk is made from Graph's CSDL; whatever it does not know stays in `additional_data`.
"""

import base64
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TypeAlias

import pytest

from graph_shape.ledger import Ledger
from parts.graph_sdk import IS_MISSING, Sdk, asking, body, model
from sandbox.administrator import Administrator
from sandbox.inside import inside, routes
from sandbox.scene import Credential, Hired, Scene
from sandbox.test_blueprints import CAST, Directory, der
from sandbox.tour import ATTACHED, reader_of, say, share_of

_ClientOf: TypeAlias = Callable[[str], Sdk]

pytestmark = [
    pytest.mark.parts,
    pytest.mark.skipif(IS_MISSING, reason="`make parts` installs msgraph-sdk"),
    # The SDK's own models, of each other.
    pytest.mark.filterwarnings(
        "ignore:.*is deprecated.*(QueryParameters|generator):DeprecationWarning"
    ),
]


@dataclass(frozen=True, slots=True)
class Stand:
    """A sandbox, an agent in it, and what its Graph answered to the SDK."""

    scene: Scene
    agent: Hired
    ledger: Ledger


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Generator[Stand]:
    with inside(tmp_path_factory.mktemp("inside") / "home") as scene:
        agent = scene.hire(Credential.make())
        yield Stand(scene, agent, Ledger(scene.cloud["graph"], routes()))


@pytest.fixture
async def client_of(stand: Stand) -> AsyncGenerator[_ClientOf]:
    """Makes clients, each of which shows a token."""
    async with AsyncExitStack() as stack:

        def make(token: str) -> Sdk:
            client = Sdk(stand.scene, token, stand.ledger)
            stack.push_async_callback(client.close)
            return client

        yield make


@pytest.fixture
def client(stand: Stand, client_of: _ClientOf) -> Sdk:
    """The agent user's."""
    return client_of(reader_of(stand.scene, stand.agent).token)


@pytest.fixture
def admin(stand: Stand, client_of: _ClientOf) -> Sdk:
    """An administrator's."""
    return client_of(Administrator.sign_in(stand.scene).token)


async def test_person_and_agent_user_are_read(stand: Stand, client: Sdk) -> None:
    me, users = client.graph.me, client.graph.users
    narrow = asking(me, select=["id", "identityParentId"])

    shown = await client.ask(me.get())
    parent = await client.ask(me.get(narrow))
    ada = await client.ask(users.by_user_id("ada@contoso.example").get())
    sponsors = await client.ask(users.by_user_id(stand.agent.user).sponsors.get())

    assert (shown.id, parent.identity_parent_id) == (stand.agent.user, stand.agent.agent)
    assert [one.display_name for one in sponsors.value] == [ada.display_name]


async def test_account_is_read(client: Sdk) -> None:
    me = client.graph.me

    [licence] = (await client.ask(me.license_details.get())).value
    inbox = await client.ask(me.mail_folders.by_mail_folder_id("inbox").get())
    settings = await client.ask(me.mailbox_settings.get())

    assert licence.sku_part_number == "SPE_E5"
    assert (inbox.display_name, settings.user_purpose.value) == ("Inbox", "user")


async def test_chats_and_what_was_said_in_them_are_read(stand: Stand, client: Sdk) -> None:
    scene, agent, graph = stand.scene, stand.agent, client.graph
    told = say(scene, agent, f"<at>{agent.name}</at> look", attachments=ATTACHED)
    scene.ask("POST", "reactions", {"from": "ada", "activity": told["activity"], "add": ["like"]})
    chat = graph.chats.by_chat_id(told["graph_conversation"])
    everything = asking(chat, expand=["members", "lastMessagePreview"])

    mine = await client.ask(graph.me.chats.get())
    listed = await client.ask(graph.chats.get())
    shown = await client.ask(chat.get(everything))
    members = await client.ask(chat.members.get())
    messages = await client.ask(chat.messages.get())
    one = await client.ask(chat.messages.by_chat_message_id(messages.value[0].id).get())

    assert [one.id for one in mine.value] == [one.id for one in listed.value]
    assert [one.display_name for one in members.value] == ["Ada Lovelace", agent.name]
    assert shown.last_message_preview.id == one.id
    assert one.mentions[0].mentioned.user.id == agent.user
    assert one.reactions[0].user.user.id


async def test_what_is_in_a_message_is_fetched(stand: Stand, client: Sdk) -> None:
    told = say(stand.scene, stand.agent, "look", attachments=ATTACHED)
    messages = client.graph.chats.by_chat_id(told["graph_conversation"]).messages
    message = messages.by_chat_message_id(told["activity"])

    read = await client.ask(message.get())
    name = read.body.content.partition("/hostedContents/")[2].partition("/")[0]
    picture = message.hosted_contents.by_chat_message_hosted_content_id(name).content
    share = client.graph.shares.by_shared_drive_item_id(share_of(read.attachments[0].content_url))

    assert await client.ask(picture.get()) == base64.b64decode(str(ATTACHED[0]["bytes"]))
    assert (await client.ask(share.drive_item.get())).name == "notes.txt"
    assert await client.ask(share.drive_item.content.get())


async def test_words_are_said_in_a_chat(stand: Stand, client: Sdk) -> None:
    chat = client.graph.chats.by_chat_id(say(stand.scene, stand.agent, "hi")["graph_conversation"])
    said = model("item_body.ItemBody", content="<b>hi</b>")

    sent = await client.ask(chat.messages.post(model("chat_message.ChatMessage", body=said)))

    assert sent.from_.user.id == stand.agent.user


@pytest.mark.parametrize("cast", ["", CAST])
@pytest.mark.parametrize("by", ["object", "app"])
async def test_certificates_of_an_application_are_rolled(
    stand: Stand, client_of: _ClientOf, by: str, cast: str
) -> None:
    directory = Directory(stand.scene, stand.agent)
    own, admin = client_of(directory.own), client_of(directory.administrator)
    place = f"/{directory.object_id}" if by == "object" else directory.by_app
    url = f"{own.base}/applications{place}{cast}"
    one = own.graph.applications.by_application_id(directory.object_id)
    key = model(
        "key_credential.KeyCredential",
        type="AsymmetricX509Cert",
        usage="Verify",
        key=base64.b64decode(der(Credential.make())),
    )
    adding = "applications.item.add_key.add_key_post_request_body.AddKeyPostRequestBody"
    removing = "applications.item.remove_key.remove_key_post_request_body.RemoveKeyPostRequestBody"
    added = body(adding, key_credential=key, proof=directory.proof())

    made = await own.ask(one.add_key.with_url(f"{url}/addKey").post(added))
    shown = await own.ask(one.with_url(f"{url}?$select=id,keyCredentials").get())
    gone = body(removing, key_id=made.key_id, proof=directory.proof())
    await own.ask(one.remove_key.with_url(f"{url}/removeKey").post(gone))
    kept = [one for one in shown.key_credentials if one.key_id != made.key_id]
    application = model("application.Application", key_credentials=kept)
    await admin.ask(
        admin.graph.applications.by_application_id("-").with_url(url).patch(application)
    )

    assert made.key_id in {one.key_id for one in shown.key_credentials}
    assert [one["keyId"] for one in directory.credentials()] == [str(one.key_id) for one in kept]


async def test_refusal_is_read_as_one(client: Sdk) -> None:
    missing = client.graph.users.by_user_id("nobody@contoso.example")

    assert await client.refused(missing.get()) == (404, "Request_ResourceNotFound")
