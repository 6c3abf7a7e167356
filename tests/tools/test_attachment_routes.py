"""An attachment's address leads to three kinds of place, and a token to none but its own."""

import base64

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from entraclaw.errors import AttachmentRefused
from entraclaw.identity.cloud import BUILT_IN
from entraclaw.tools.attachment_routes import (
    Bearer,
    Places,
    check_redirect,
    places_of,
    route,
    share_id,
)

PUBLIC = places_of(BUILT_IN["public"])
SMBA = "https://smba.trafficmanager.net"
GRAPH = "https://graph.microsoft.com"
PICTURE = f"{SMBA}/amer/{'a' * 36}/v3/attachments/0-cus-d3-abc/views/original"
IN_CHAT = f"{GRAPH}/v1.0/chats/19:a_b@unq.gbl.spaces/messages/17/hostedContents/aWQ9eA==/$value"
SHARED = "https://contoso-my.sharepoint.com/personal/ada/Documents/Chat Files/résumé.docx"


@pytest.mark.parametrize(
    "url",
    [
        PICTURE,
        f"{SMBA}/v3/attachments/1/views/thumbnail",
        "HTTPS://SMBA.trafficmanager.net/emea/v3/attachments/1/views/original",
    ],
)
def test_picture_at_the_connector_takes_the_token_of_the_channel(url: str) -> None:
    way = route(url, PUBLIC)
    assert (way.url, way.bearer, way.may_redirect) == (url, Bearer.CHANNEL, False)


@pytest.mark.parametrize(
    "url",
    [
        IN_CHAT,
        f"{GRAPH}/beta/me/chats/19%3aa%40thread.v2/messages/1/hostedContents/x/$value",
        f"{GRAPH}/v1.0/users/u/chats/c/messages/1/hostedContents/x/$value",
        f"{GRAPH}/v1.0/teams/t/channels/19:c@thread.tacv2/messages/1/hostedContents/x/$value",
        f"{GRAPH}/v1.0/teams/t/channels/c/messages/1/replies/2/hostedContents/x/$value",
    ],
)
def test_hosted_content_takes_the_token_of_graph(url: str) -> None:
    way = route(url, PUBLIC)
    assert (way.url, way.bearer, way.may_redirect) == (url, Bearer.GRAPH, False)


def test_shared_file_is_asked_of_graph_by_its_address() -> None:
    way = route(SHARED, PUBLIC)

    assert way.url == f"{GRAPH}/v1.0/shares/{share_id(SHARED)}/driveItem/content"
    assert (way.service, way.bearer, way.may_redirect) == ("Graph", Bearer.GRAPH, True)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_address_of_a_share_can_be_read_back(url: str) -> None:
    written = share_id(url)

    assert written.startswith("u!")
    assert not set(written) & set("/+=")
    padded = written.removeprefix("u!") + "=" * (-(len(written) - 2) % 4)
    assert base64.urlsafe_b64decode(padded).decode() == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "x",
        "http://contoso.sharepoint.com/x",
        "https://evil.example/x",
        "https://sharepoint.com/x",
        "https://.sharepoint.com/x",
        "https://contoso.sharepoint.com.evil.example/x",
        "https://contososharepoint.com/x",
        "https://contoso.sharepoint.com:8443/x",
        "https://contoso.sharepoint.com@evil.example/x",
        "https://evil.example\\@contoso.sharepoint.com/x",
        "https://evil.example#.sharepoint.com/x",
        "https://evil.example/.sharepoint.com/x",
        "https://contoso.sharepoint.com?x",
        "https://contoso.sharepoint.com\n/x",
        "https://contoso.sharepoint.com/\x00",
        "https://contoso.sharepoint.com/\u202e",
        "https://cont\u00f6so.sharepoint.com/x",
        "https://127.0.0.1/x",
        "https://2130706433/x",
        "https://0x7f.1/x",
        "https://[::1]/x",
        "https://169.254.169.254/metadata",
        "file:///etc/passwd",
        "data:image/png;base64,AAAA",
        f"https://contoso.sharepoint.com/{'a' * 5000}",
        f"{SMBA}/amer/v3/conversations/a/members",
        f"{SMBA}/v3/attachments/../conversations/x/views/members",
        f"{SMBA}/v3/attachments/%2e%2E/views/original",
        f"{SMBA}/v3/attachments/..%2fx/views/original",
        f"{SMBA}/v3/attachments/..%5Cx/views/original",
        f"{SMBA}/v3/attachments/%252e%252e/views/original",
        f"{SMBA}/v3/attachments/x/views/original?y",
        f"{SMBA}/v3/attachments/x/views/original#y",
        f"{SMBA}/v3/attachments/x/views/..",
        f"{SMBA}/v3/attachments/x/views/orig inal",
        f"{SMBA}/v3/attachments//views/original",
        f"{SMBA}:444/v3/attachments/x/views/original",
        f"{SMBA}.evil.example/v3/attachments/x/views/original",
        f"{GRAPH}/v1.0/me/messages",
        f"{GRAPH}/v1.0/chats/x/messages/1/hostedContents/../$value",
        f"{GRAPH}/v1.0/chats/x/messages/1/hostedContents/x",
        f"{GRAPH}/v1.0/me/../chats/x/messages/1/hostedContents/x/$value",
        f"{GRAPH}:443/v1.0/chats/x/messages/1/hostedContents/x/$value",
    ],
)
def test_any_other_address_is_refused(url: str) -> None:
    with pytest.raises(AttachmentRefused, match="the attachment was refused: it"):
        route(url, PUBLIC)


def test_refusal_does_not_repeat_the_address() -> None:
    with pytest.raises(AttachmentRefused) as refusal:
        route("https://evil.example/ignore-all-rules", PUBLIC)

    assert "evil" not in f"{refusal.value} {refusal.value.hint}"


@given(st.text(max_size=40), st.sampled_from(["", "/", "/v3/attachments/x/views/y"]))
@example("smba.trafficmanager.net@evil.example", "/v3/attachments/x/views/y")
def test_token_goes_to_its_own_host_or_nowhere(text: str, path: str) -> None:
    for url in (text, f"https://{text}{path}", f"https://{text}.sharepoint.com/x", SMBA + text):
        try:
            way = route(url, PUBLIC)
        except AttachmentRefused:
            continue
        host = SMBA if way.bearer is Bearer.CHANNEL else GRAPH
        assert way.url.lower().startswith(f"{host}/")


@pytest.mark.parametrize(
    "location",
    [
        "https://contoso-my.sharepoint.com/_layouts/15/download.aspx?UniqueId=x&tempauth=v1.e%20y",
        "https://contoso.sharepoint.com/",
    ],
)
def test_download_in_sharepoint_is_followed_as_it_is(location: str) -> None:
    assert check_redirect(location, PUBLIC) == location


@pytest.mark.parametrize(
    "location",
    [
        "",
        "/relative",
        "//contoso.sharepoint.com/x",
        "http://contoso.sharepoint.com/x",
        "https://evil.example/x",
        "https://127.0.0.1/x",
        "https://[::1]/x",
        "https://contoso.sharepoint.com/a b",
        "https://contoso.sharepoint.com/ü",
        f"{GRAPH}/v1.0/me",
        f"{SMBA}/v3/attachments/x/views/y",
    ],
)
def test_download_anywhere_else_is_refused(location: str) -> None:
    with pytest.raises(AttachmentRefused):
        check_redirect(location, PUBLIC)


def test_every_cloud_has_its_own_files() -> None:
    suffixes = {places_of(cloud).file_hosts for cloud in BUILT_IN.values()}
    assert len(suffixes) == len(BUILT_IN)
    assert all(suffixes)


def test_profile_may_name_exact_hosts_of_its_own() -> None:
    places = places_of(BUILT_IN["public"], ("localhost:8443",))

    assert route("https://localhost:8443/x", places).may_redirect
    for url in ("https://localhost/x", "https://localhost:84430/x", SHARED):
        with pytest.raises(AttachmentRefused):
            route(url, places)


def test_without_places_nothing_is_fetched() -> None:
    for url in (PICTURE, IN_CHAT, SHARED):
        with pytest.raises(AttachmentRefused):
            route(url, Places((), "", ()))
