"""A visit to every address of the sandbox's Graph, as who may be there and as who may not."""

import base64
from urllib.parse import quote

import requests

from graph_shape.ledger import Ledger
from sandbox import administrators_tour
from sandbox.inside import routes
from sandbox.reader import Reader, path
from sandbox.scene import BOUND_S, Credential, Hired, Json, Scene
from sandbox.test_blueprints import CAST, Directory, shaped

_PICTURE = base64.b64encode(b"\x89PNG not really").decode()
ATTACHED = (
    {"name": "shot.png", "content_type": "image/png", "bytes": _PICTURE},
    {"name": "notes.txt", "content_type": "text/plain", "bytes": _PICTURE, "file": True},
)
_SCOPES = (
    "Chat.ReadWrite",
    "ChatMessage.Send",
    "Files.Read.All",
    "Mail.Read",
    "MailboxSettings.Read",
    "User.Read.All",
)
_NEWEST_FIRST = "lastMessagePreview/createdDateTime desc"


def tour(scene: Scene, credential: Credential) -> Ledger:
    """Go everywhere; gives what was answered."""
    ledger = Ledger(scene.cloud["graph"], routes())

    def take(answer: requests.Response, **_: object) -> None:
        asked = answer.request
        ledger.take(str(asked.method), str(asked.url), answer.status_code, answer.content)

    scene.session.hooks["response"].append(take)
    agent = scene.hire(credential)
    _people(scene, agent)
    _account(scene, agent)
    _chats(scene, agent)
    _applications(scene, agent)
    administrators_tour.visit(scene)
    _nobody(scene)
    return ledger


def _people(scene: Scene, agent: Hired) -> None:
    reader = Reader(scene, agent)
    reader.get("me")
    reader.get("me", select="id,identityParentId")
    reader.get("users/ada@contoso.example")
    reader.get(f"users/{agent.user}", select="id,userType")
    reader.get(f"users/{agent.user}/sponsors")
    reader.get("users/ada@contoso.example/sponsors")


def _account(scene: Scene, agent: Hired) -> None:
    reader = reader_of(scene, agent)
    for what in ("licenseDetails", "mailFolders/inbox", "mailboxSettings"):
        reader.get(f"me/{what}")


def _chats(scene: Scene, agent: Hired) -> None:
    reader = reader_of(scene, agent)
    first = say(scene, agent, f"<at>{agent.name}</at> hello", attachments=ATTACHED[:1])
    say(scene, agent, "a file", attachments=ATTACHED[1:], quote=first["activity"])
    say(scene, agent, "all", kind="groupChat", **{"from": "mallory"})
    scene.ask("POST", "reactions", {"from": "ada", "activity": first["activity"], "add": ["like"]})
    chat = path(first["graph_conversation"])
    reader.get("me/chats", expand="members,lastMessagePreview", orderby=_NEWEST_FIRST)
    chats = reader.get("chats", top="1").json()
    reader.get(chats["@odata.nextLink"])
    for what in ("", "/members", "/messages"):
        reader.get(chat + what)
    reader.get(chat, expand="members,lastMessagePreview")
    [message] = reader.read(first["graph_conversation"], top="1")
    reader.get(f"{chat}/messages/{message['id']}")
    _said(reader, chat)
    _enclosed(reader, first)


def _said(reader: Reader, chat: str) -> None:
    card = {"contentType": "application/vnd.microsoft.card.adaptive", "content": '{"type":"x"}'}
    reader.post(f"{chat}/messages", {"body": {"content": "hi"}})
    body = {"contentType": "html", "content": '<b>hi</b><attachment id="1"></attachment>'}
    reader.post(f"{chat}/messages", {"body": body, "attachments": [{"id": "1", **card}]})
    reader.post(f"{chat}/messages", {"body": {"contentType": "pdf"}})


def _enclosed(reader: Reader, first: Json) -> None:
    messages = reader.read(first["graph_conversation"])
    pictures = [m["body"]["content"] for m in messages if "hostedContents" in m["body"]["content"]]
    reader.get(pictures[0].partition('src="')[2].partition('"')[0])
    [file] = [a["contentUrl"] for m in messages for a in m["attachments"] if a["contentUrl"]]
    share = share_of(file)
    reader.get(f"shares/{share}/driveItem")
    reader.get(f"shares/{share}/driveItem/content")


def _applications(scene: Scene, agent: Hired) -> None:
    directory = Directory(scene, agent)
    by_object, new = f"/{directory.object_id}", Credential.make()
    for place in (by_object, by_object + CAST, CAST + by_object):
        _application(directory, place, new)
    for place in (directory.by_app, directory.by_app + CAST):
        _application(directory, place, new)


def _application(directory: Directory, place: str, new: Credential) -> None:
    own = directory.own
    directory.call("GET", place, own)
    shown = directory.call("GET", f"{place}?$select=id,keyCredentials", own).json()
    directory.call(
        "PATCH", place, directory.administrator, {"keyCredentials": shown["keyCredentials"]}
    )
    body = {"keyCredential": shaped(new), "passwordCredential": None, "proof": directory.proof()}
    made = directory.call("POST", f"{place}/addKey", own, body).json()
    gone = {"keyId": made["keyId"], "proof": directory.proof()}
    directory.call("POST", f"{place}/removeKey", own, gone)


def _nobody(scene: Scene) -> None:
    """Everywhere without a token, which is refused before anything is looked up."""
    for route in routes():
        address = quote(route.address.replace("{", "").replace("}", ""), safe="/()=$'")
        scene.session.request(route.method, scene.cloud["graph"] + address, timeout=BOUND_S)


def reader_of(scene: Scene, agent: Hired) -> Reader:
    """The agent user, with consent to all that is read and said here."""
    scene.ask("PUT", f"agents/{agent.user}", {"grants": {"https://graph.microsoft.com": _SCOPES}})
    return Reader(scene, agent)


def share_of(url: str) -> str:
    """The sharing address of a file."""
    return f"u!{base64.urlsafe_b64encode(url.encode()).decode().rstrip('=')}"


def say(scene: Scene, agent: Hired, text: str, **more: object) -> Json:
    body = {"from": "ada", "agent": agent.user, "text": text, "deliver": False, **more}
    return scene.ask("POST", "messages", body)
