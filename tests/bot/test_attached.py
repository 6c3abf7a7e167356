"""What is attached is listed: what it is and where, under a number that stays."""

import pytest

from bot.documents import AGENT, Document, html, personal_message
from entraclaw.bot.content import Attachment, AttachmentKind
from entraclaw.bot.reading import read

SHARED = (
    "https://contoso-my.sharepoint.com/personal/ada/Documents/Microsoft Teams Chat Files/q3.docx"
)
PICTURE = "https://smba.trafficmanager.net/amer/v3/attachments/0-abc/views/original"
HOSTED = (
    "https://graph.microsoft.com/v1.0/chats/19:a@thread.v2/messages/1/hostedContents/aWQ/$value"
)
DOWNLOAD = "application/vnd.microsoft.teams.file.download.info"
WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


def attachments(*listed: object) -> tuple[Attachment, ...]:
    return read(personal_message(attachments=list(listed)), AGENT).attachments


@pytest.mark.parametrize(
    ("document", "kind", "url", "size"),
    [
        ({"contentType": "image/*", "contentUrl": PICTURE}, "image", PICTURE, None),
        ({"contentType": "IMAGE/PNG", "contentUrl": PICTURE}, "image", PICTURE, None),
        (
            {
                "contentType": DOWNLOAD,
                "contentUrl": SHARED,
                "content": {"downloadUrl": PICTURE, "fileType": "docx", "fileSize": 36},
            },
            "file",
            SHARED,
            36,
        ),
        ({"contentType": DOWNLOAD, "content": {"downloadUrl": SHARED}}, "file", SHARED, None),
        ({"contentType": "reference", "contentUrl": SHARED, "size": 7}, "file", SHARED, 7),
        ({"contentType": WORD, "contentUrl": SHARED}, "file", SHARED, None),
        ({"contentType": "text/html", "contentUrl": SHARED}, "file", SHARED, None),
        (
            {"contentType": "application/vnd.microsoft.card.adaptive", "content": {}},
            "card",
            "",
            None,
        ),
        ({"contentType": "application/vnd.microsoft.teams.card.o365connector"}, "card", "", None),
        (
            {"contentType": "tabReference", "contentUrl": "https://x.example"},
            "link",
            "https://x.example",
            None,
        ),
        ({"contentUrl": "https://x.example"}, "link", "https://x.example", None),
        ({"contentType": "application/pdf"}, "other", "", None),
        ({"contentType": "weird", "contentUrl": "file:///etc/passwd"}, "other", "", None),
        ({"contentType": "weird", "contentUrl": "https://x\\@y"}, "other", "", None),
        ({"contentType": "weird", "contentUrl": "https://x/\n"}, "other", "", None),
        ({"contentType": "weird", "contentUrl": "https://x/" + "a" * 5000}, "other", "", None),
        ({"contentType": "reference", "size": True}, "file", "", None),
        ({"contentType": "reference", "size": -1}, "file", "", None),
        ({"contentType": "reference", "size": 2**70}, "file", "", None),
        ({"contentType": "reference", "size": "7"}, "file", "", None),
    ],
)
def test_attachment_is_told_by_type_and_address(
    document: Document, kind: str, url: str, size: int | None
) -> None:
    (found,) = attachments(document)

    assert (found.id, found.kind, found.url, found.size) == ("0", kind, url, size)
    assert found.content_type == document.get("contentType", "").lower()


def test_number_is_the_place_in_the_activity_whatever_is_left_out() -> None:
    picture = {"contentType": "image/*", "contentUrl": PICTURE}
    found = attachments(
        html("<p>hi</p>"), picture, None, {"contentType": "messageReference"}, picture
    )

    assert [(one.id, one.kind) for one in found] == [
        ("1", AttachmentKind.IMAGE),
        ("2", AttachmentKind.OTHER),
        ("4", AttachmentKind.IMAGE),
    ]


@pytest.mark.parametrize(
    ("told", "name"),
    [
        ("q3.docx", "q3.docx"),
        ("fdp.\u202eexe", "fdp.exe"),
        ("a\nb.txt", "ab.txt"),
        ("x" * 80 + ".docx", "x" * 58 + "….docx"),
        ("x" * 80, "x" * 64),
        ("a." + "x" * 80, "a." + "x" * 62),
        (None, ""),
    ],
)
def test_name_is_safe_to_show_and_keeps_its_suffix(told: object, name: str) -> None:
    (found,) = attachments({"contentType": "reference", "name": told})
    assert found.name == name
    assert len(found.name) <= 64


def test_content_type_is_bounded_and_plain() -> None:
    found = attachments({"contentType": "x\ny" * 100}, {"contentType": "a/" + "b" * 9000})
    assert [one.content_type[:4] for one in found] == ["xyxy", "a/bb"]
    assert all(len(one.content_type) <= 64 for one in found)


def test_pictures_hosted_by_teams_in_the_html_come_after_the_list() -> None:
    """A message that came by Graph tells its pictures only there."""
    written = f'<p><img src="{HOSTED}"><img src="https://evil.example/x.png"><img src="x"></p>'
    found = attachments(html(written), {"contentType": "image/*", "contentUrl": PICTURE})

    assert [(one.id, one.url) for one in found] == [("1", PICTURE), ("2", HOSTED)]
