"""Microsoft's own client is an agent user at the sandbox's Graph, and reads every field.

msgraph-sdk is made from Graph's CSDL; whatever it does not know stays in `additional_data`.
"""

import base64

import pytest

from parts.graph_sdk import MARKS, ClientOf, GraphStand, Sdk, asking, body, model
from sandbox.scene import Credential
from sandbox.test_blueprints import CAST, Directory, der
from sandbox.tour import ATTACHED, say, share_of

pytestmark = MARKS


async def test_person_and_agent_user_are_read(graph: GraphStand, client: Sdk) -> None:
    me, users = client.graph.me, client.graph.users
    narrow = asking(me, select=["id", "identityParentId"])

    shown = await client.ask(me.get())
    parent = await client.ask(me.get(narrow))
    ada = await client.ask(users.by_user_id("ada@contoso.example").get())
    sponsors = await client.ask(users.by_user_id(graph.agent.user).sponsors.get())

    assert (shown.id, parent.identity_parent_id) == (graph.agent.user, graph.agent.agent)
    assert [one.display_name for one in sponsors.value] == [ada.display_name]


async def test_account_is_read(client: Sdk) -> None:
    me = client.graph.me

    [licence] = (await client.ask(me.license_details.get())).value
    inbox = await client.ask(me.mail_folders.by_mail_folder_id("inbox").get())
    settings = await client.ask(me.mailbox_settings.get())

    assert licence.sku_part_number == "SPE_E5"
    assert (inbox.display_name, settings.user_purpose.value) == ("Inbox", "user")


async def test_chats_and_what_was_said_in_them_are_read(graph: GraphStand, client: Sdk) -> None:
    scene, agent = graph.scene, graph.agent
    told = say(scene, agent, f"<at>{agent.name}</at> look", attachments=ATTACHED)
    scene.ask("POST", "reactions", {"from": "ada", "activity": told["activity"], "add": ["like"]})
    chat = client.graph.chats.by_chat_id(told["graph_conversation"])
    everything = asking(chat, expand=["members", "lastMessagePreview"])

    mine = await client.ask(client.graph.me.chats.get())
    listed = await client.ask(client.graph.chats.get())
    shown = await client.ask(chat.get(everything))
    members = await client.ask(chat.members.get())
    messages = await client.ask(chat.messages.get())
    one = await client.ask(chat.messages.by_chat_message_id(messages.value[0].id).get())

    assert [one.id for one in mine.value] == [one.id for one in listed.value]
    assert [one.display_name for one in members.value] == ["Ada Lovelace", agent.name]
    assert shown.last_message_preview.id == one.id
    assert one.mentions[0].mentioned.user.id == agent.user
    assert one.reactions[0].user.user.id


async def test_what_is_in_a_message_is_fetched(graph: GraphStand, client: Sdk) -> None:
    told = say(graph.scene, graph.agent, "look", attachments=ATTACHED)
    messages = client.graph.chats.by_chat_id(told["graph_conversation"]).messages
    message = messages.by_chat_message_id(told["activity"])

    read = await client.ask(message.get())
    name = read.body.content.partition("/hostedContents/")[2].partition("/")[0]
    picture = message.hosted_contents.by_chat_message_hosted_content_id(name).content
    share = client.graph.shares.by_shared_drive_item_id(share_of(read.attachments[0].content_url))

    assert await client.ask(picture.get()) == base64.b64decode(str(ATTACHED[0]["bytes"]))
    assert (await client.ask(share.drive_item.get())).name == "notes.txt"
    assert await client.ask(share.drive_item.content.get())


async def test_words_are_said_in_a_chat(graph: GraphStand, client: Sdk) -> None:
    chat = client.graph.chats.by_chat_id(say(graph.scene, graph.agent, "hi")["graph_conversation"])
    said = model("item_body.ItemBody", content="<b>hi</b>")

    sent = await client.ask(chat.messages.post(model("chat_message.ChatMessage", body=said)))

    assert sent.from_.user.id == graph.agent.user


@pytest.mark.parametrize("cast", ["", CAST])
@pytest.mark.parametrize("by", ["object", "app"])
async def test_certificates_of_an_application_are_rolled(
    graph: GraphStand, client_of: ClientOf, by: str, cast: str
) -> None:
    directory = Directory(graph.scene, graph.agent)
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
