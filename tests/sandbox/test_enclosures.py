"""What a message has beside its words: quotations, formatting, pictures, files."""

import asyncio
import base64

import pytest

from sandbox.reader import Reader
from sandbox.scene import BOUND_S, Credential, Hired, Scene
from sandbox.stand import Stand

PNG = base64.b64encode(b"\x89PNG not really").decode()


async def test_quotation_is_told_as_teams_marks_it_up(stand: Stand) -> None:
    receipt = await stand.say("a < b")

    await stand.say("this", quote=receipt["activity"], **{"from": "ada"})

    activity = stand.told[-1]
    (html,) = activity["attachments"]
    people = (await stand.scene.ask_async("GET", "people"))["people"]
    assert activity["text"] == "this"
    assert html["contentType"] == "text/html"
    assert html["content"] == (
        '<blockquote itemscope itemtype="http://schema.skype.com/Reply" '
        f'itemid="{receipt["activity"]}">\n'
        f'<strong itemprop="mri" itemid="8:orgid:{people[0]["oid"]}">Ada Lovelace</strong>'
        f'<span itemprop="time" itemid="{receipt["activity"]}"></span>\n'
        '<p itemprop="preview">a &lt; b</p>\n</blockquote>\n<p>this</p>'
    )


async def test_formatted_message_is_told_in_both_ways(stand: Stand) -> None:
    await stand.say("bold", html="<p><strong>bold</strong></p>")

    activity = stand.told[-1]
    assert activity["text"] == "bold"
    assert activity["attachments"] == [
        {"contentType": "text/html", "content": "<p><strong>bold</strong></p>"}
    ]


async def test_picture_is_at_the_connector_and_in_graph(stand: Stand) -> None:
    picture = {"name": "shot.png", "content_type": "image/png", "bytes": PNG}
    receipt = await stand.say("look", attachments=[picture])

    attached = stand.told[-1]["attachments"][0]
    reader = await asyncio.to_thread(Reader, stand.scene, stand.agent)
    (message,) = await asyncio.to_thread(reader.read, receipt["graph_conversation"])
    source = message["body"]["content"].partition('src="')[2].partition('"')[0]
    content = await asyncio.to_thread(reader.get, source)
    nowhere = await asyncio.to_thread(reader.get, source.replace("/$value", "0/$value"))

    assert (attached["contentType"], attached["name"]) == ("image/png", "shot.png")
    assert attached["contentUrl"].startswith(stand.told[-1]["serviceUrl"])
    assert attached["contentUrl"].endswith("/views/original")
    assert content.headers["Content-Type"] == "image/png"
    assert content.content == base64.b64decode(PNG)
    assert nowhere.status_code == 404


def share(url: str) -> str:
    return "u!" + base64.urlsafe_b64encode(url.encode()).decode().rstrip("=")


@pytest.fixture
async def file_url(stand: Stand) -> str:
    attached = {"name": "plan 1.pdf", "content_type": "application/pdf", "bytes": PNG}
    await stand.say("read this", attachments=[attached])
    (reference, _html) = stand.told[-1]["attachments"]
    assert (reference["contentType"], reference["name"]) == ("reference", "plan 1.pdf")
    url: str = reference["contentUrl"]
    return url


async def test_file_is_found_by_its_address_and_needs_no_token_at_the_end(
    stand: Stand, file_url: str
) -> None:
    reader = await asyncio.to_thread(Reader, stand.scene, stand.agent)

    found = await asyncio.to_thread(reader.get, f"shares/{share(file_url)}/driveItem")
    sent = await asyncio.to_thread(reader.get, f"shares/{share(file_url)}/driveItem/content")
    address = sent.headers["Location"]
    content = await asyncio.to_thread(stand.scene.session.get, address, timeout=BOUND_S)

    assert found.json()["name"] == "plan 1.pdf"
    assert found.json()["file"] == {"mimeType": "application/pdf"}
    assert sent.status_code == 302
    assert address.startswith(stand.scene.cloud["graph"])
    assert content.content == base64.b64decode(PNG)
    assert content.headers["Content-Type"] == "application/pdf"


async def test_file_is_for_those_who_were_there_and_may_read_files(
    stand: Stand, file_url: str, credential: Credential
) -> None:
    scene, item = stand.scene, f"shares/{share(file_url)}/driveItem/content"
    other = await asyncio.to_thread(scene.hire, credential)
    elsewhere = await asyncio.to_thread(Reader, scene, other)
    grants = {"https://graph.microsoft.com": ["User.Read"]}
    await scene.ask_async("PUT", f"agents/{stand.agent.user}", {"grants": grants})
    poor = await asyncio.to_thread(Reader, scene, stand.agent)

    for reader in (elsewhere, poor):
        refused = await asyncio.to_thread(reader.get, item)
        assert refused.status_code == 403
        assert refused.json()["error"]["code"] == "accessDenied"


@pytest.mark.parametrize(
    ("name", "status"),
    [(share("https://contoso-my.sharepoint.example/x"), 404), ("u!*", 400), ("x", 404)],
)
def test_file_that_is_nowhere_is_not_found(
    scene: Scene, agent: Hired, name: str, status: int
) -> None:
    answer = Reader(scene, agent).get(f"shares/{name}/driveItem/content")

    assert answer.status_code == status


def test_download_address_cannot_be_guessed(scene: Scene) -> None:
    answer = scene.session.get(f"{scene.cloud['graph']}/download/guess", timeout=BOUND_S)

    assert answer.status_code == 401
