"""Who may see the chat page, and what every answer to a browser carries."""

import pytest
import requests

from sandbox.scene import BOUND_S, Scene
from sandbox.window import Window

POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
PATHS = ["/", "/page/page.css", "/page/page.js", "/page/state", "/page/events", "/page/hops/1"]


@pytest.fixture
def outsider(scene: Scene) -> Window:
    """A browser that was never given the URL."""
    return Window(scene)


def is_dressed(response: requests.Response) -> bool:
    expected = {
        "Content-Security-Policy": POLICY,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Cache-Control": "no-store",
    }
    return expected.items() <= response.headers.items()


def test_printed_url_buys_a_strict_session_cookie_and_leaves_the_address_bar(
    scene: Scene, outsider: Window
) -> None:
    answer = outsider.enter()

    cookie = answer.headers["Set-Cookie"]
    key = scene.page.partition("key=")[2]
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    assert {part.strip() for part in cookie.split(";")[1:]} == {
        "HttpOnly",
        "Path=/",
        "SameSite=Strict",
    }
    assert key not in cookie
    assert scene.secret not in cookie
    assert key != scene.secret
    assert outsider.get("/").status_code == 200


def test_cookies_of_two_sandboxes_live_side_by_side(scene: Scene, window: Window) -> None:
    """Cookies know no ports."""
    assert window.session.cookies.keys() == [f"entraclaw_sandbox_{scene.control.split(':')[-1]}"]


@pytest.mark.parametrize("path", PATHS)
def test_without_the_cookie_there_is_only_a_sentence(outsider: Window, path: str) -> None:
    answer = outsider.get(path)

    assert answer.status_code == 401
    assert "the whole URL that the sandbox printed" in " ".join(answer.text.split())
    assert is_dressed(answer)


@pytest.mark.parametrize("query", ["key=", "key=wrong", "key={key}&key={key}", "key={key}x"])
def test_wrong_key_or_a_key_twice_buys_nothing(scene: Scene, outsider: Window, query: str) -> None:
    answer = outsider.get(f"/?{query.format(key=scene.page.partition('key=')[2])}")

    assert answer.status_code == 401
    assert "Set-Cookie" not in answer.headers


def test_key_opens_no_other_path(scene: Scene, outsider: Window) -> None:
    assert outsider.get(f"/page/state?{scene.page.partition('?')[2]}").status_code == 401


def test_made_up_cookie_is_refused(scene: Scene, outsider: Window) -> None:
    port = scene.control.split(":")[-1]
    cookie = f"entraclaw_sandbox_{port}={scene.page.partition('key=')[2]}"

    assert outsider.get("/page/state", Cookie=cookie).status_code == 401


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "localhost", "127.0.0.1:1"])
def test_name_that_merely_resolves_to_us_is_refused(window: Window, host: str) -> None:
    answer = window.get("/page/state", Host=host)

    assert answer.status_code == 403
    assert is_dressed(answer)


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1"])
def test_page_of_somebody_else_may_neither_read_nor_write(window: Window, origin: str) -> None:
    assert window.get("/page/state", Origin=origin).status_code == 403
    assert window.post({}, Origin=origin).status_code == 403


def test_writing_without_an_origin_is_refused(window: Window) -> None:
    answer = window.post({}, Origin=None)

    assert answer.status_code == 403
    assert is_dressed(answer)


def test_origin_must_be_the_name_that_was_asked_for(window: Window) -> None:
    """Ours: localhost and 127.0.0.1 are two origins to a browser."""
    other = window.origin.replace("127.0.0.1", "localhost")

    assert window.post({}, Origin=other).status_code == 403


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 200),
        ("GET", "/page/page.css", 200),
        ("GET", "/page/page.js", 200),
        ("GET", "/page/state", 200),
        ("GET", "/page/hops/nothing", 404),
        ("GET", "/page/events?after=soon", 400),
        ("GET", "/page/../control.py", 404),
        ("GET", "/favicon.ico", 404),
        ("DELETE", "/page/messages", 405),
        ("POST", "/page/messages", 400),
    ],
)
def test_every_answer_carries_the_policy(
    window: Window, method: str, path: str, status: int
) -> None:
    request = requests.Request(method, window.origin + path, headers={"Origin": window.origin})
    prepared = window.session.prepare_request(request)
    prepared.url = window.origin + path

    answer = window.session.send(prepared, timeout=BOUND_S)

    assert answer.status_code == status
    assert is_dressed(answer)


def test_control_api_is_not_reached_by_cookie(window: Window) -> None:
    assert window.get("/control/people").status_code == 401
    assert window.get("/%63ontrol/people").status_code == 401
    assert window.get("/control/people?key=x").status_code == 401


@pytest.mark.parametrize("path", PATHS)
def test_page_is_not_reached_by_bearer(scene: Scene, outsider: Window, path: str) -> None:
    assert outsider.get(path, Authorization=f"Bearer {scene.secret}").status_code == 401
