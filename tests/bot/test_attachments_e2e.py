"""Pictures and files, from Teams to a host, through the shim and its daemon."""

import base64
import os
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio

from bot.stage import Sandbox, Stage, staged, until
from entraclaw.bot import fetching
from entraclaw.bot.daemon import Daemon
from entraclaw.bot.inbox import State
from scenarios.processes import RawHost, shim

pytestmark = pytest.mark.asyncio(loop_scope="module")

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


@dataclass(frozen=True, slots=True)
class Desk:
    """A daemon and a host that is attached to it."""

    stage: Stage
    daemon: Daemon
    host: RawHost

    async def say(self, words: str, *attachments: dict[str, object], **more: object) -> None:
        await self.stage.say(words, attachments=list(attachments), **more)

    async def read(self) -> dict[str, Any]:
        """Call `read_messages`; gives the whole result."""
        return await self.call("read_messages", wait_s=30)

    async def call(self, tool: str, **arguments: object) -> dict[str, Any]:
        answer = await self.host.call("tools/call", {"name": tool, "arguments": arguments})
        result: dict[str, Any] = answer["result"]
        assert not result.get("isError"), result
        return result

    async def fetch(self, turn: str, attachment: str) -> dict[str, Any]:
        given = {"turn": turn, "attachment": attachment}
        return await self.call("use_tool", name="fetch_attachment", arguments=given)

    async def refusal(self, turn: str, attachment: str) -> str:
        given = {"turn": turn, "attachment": attachment}
        return await self.host.refusal("use_tool", name="fetch_attachment", arguments=given)

    async def is_decided(self) -> bool:
        return all(entry.state is not State.ADMITTED for entry in self.stage.entries())

    async def handed(self, words: str, *attachments: dict[str, object]) -> tuple[str, str]:
        """Let Ada send that; gives its turn and the id of its last attachment."""
        await self.say(words, *attachments)
        [message] = (await self.read())["structuredContent"]["messages"]
        return message["turn"], message["attachments"][-1]["id"]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def room(
    emulation: Sandbox, tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[tuple[Stage, Daemon, RawHost]]:
    home = tmp_path_factory.mktemp("attachments") / "home"
    async with (
        staged(emulation, home) as stage,
        stage.daemon(seat="") as daemon,
        shim(stage.environ) as host,
    ):
        await host.shake_hands()
        yield stage, daemon, host


@pytest_asyncio.fixture(loop_scope="module")
async def desk(room: tuple[Stage, Daemon, RawHost]) -> AsyncGenerator[Desk]:
    """The room, with nothing open in it afterwards."""
    desk = Desk(*room)
    yield desk
    await desk.say("stop")
    await until(desk.is_decided)
    await desk.call("read_messages")


def picture(
    content: bytes = PNG, name: str = "a.png", kind: str = "image/png"
) -> dict[str, object]:
    return {"name": name, "content_type": kind, "bytes": base64.b64encode(content).decode()}


def file(content: bytes, name: str, kind: str = "text/plain") -> dict[str, object]:
    return {**picture(content, name, kind), "file": True}


async def test_picture_reaches_the_host_as_a_picture_behind_its_id(desk: Desk) -> None:
    await desk.say("what is this?", picture())
    result = await desk.read()

    [message] = result["structuredContent"]["messages"]
    [listed] = message["attachments"]
    assert (listed["kind"], listed["name"]) == ("image", "a.png")
    words, label, image = result["content"]
    assert words["type"] == label["type"] == "text"
    assert label["text"] == f'{{"picture": "{listed["id"]}"}}'
    assert (image["type"], image["mimeType"]) == ("image", "image/png")
    assert base64.b64decode(image["data"]) == PNG
    assert result["structuredContent"]["pictures"] == [listed["id"]]
    assert "unread" not in result["structuredContent"]


async def test_picture_that_is_none_is_said_to_be_unread(desk: Desk) -> None:
    await desk.say("look", picture(b"<script>alert(1)</script>"), picture())
    result = await desk.read()

    [message] = result["structuredContent"]["messages"]
    bad, good = (one["id"] for one in message["attachments"])
    unread = result["structuredContent"]["unread"]
    assert unread == {bad: "the attachment was refused: it is not the picture it claims to be"}
    assert [one["type"] for one in result["content"]] == ["text", "text", "image"]
    assert good in result["content"][1]["text"]


@pytest.mark.parametrize(
    ("fault", "problem"),
    [
        ({"status": 404, "path": "/v3/attachments/"}, "Teams refused the call (404 ServiceError)"),
        ({"before": True, "path": "/v3/attachments/"}, "Teams cannot be reached"),
        ({"delay_ms": 5000, "path": "/v3/attachments/"}, "it took too long"),
    ],
)
async def test_picture_that_cannot_be_fetched_is_said_and_the_message_handed_over(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, fault: dict[str, object], problem: str
) -> None:
    monkeypatch.setattr(fetching, "PATIENCE_S", 0.5)
    await desk.stage.control("PUT", "faults", {"connector": fault})
    try:
        await desk.say("look", picture())
        result = await desk.read()
    finally:
        await desk.stage.control("PUT", "faults", {"connector": None})

    [message] = result["structuredContent"]["messages"]
    assert message["text"] == "look"
    [said] = result["structuredContent"]["unread"].values()
    assert problem in said


async def test_picture_from_a_foreign_host_is_not_fetched(desk: Desk) -> None:
    foreign = {"contentType": "image/png", "contentUrl": "https://evil.example/a.png"}
    await desk.say("look", activity={"attachments": [foreign]})
    result = await desk.read()

    [said] = result["structuredContent"]["unread"].values()
    assert "it is not in Teams, OneDrive or SharePoint" in said


async def test_of_many_pictures_the_first_are_shown_and_the_rest_can_be_fetched(
    desk: Desk,
) -> None:
    await desk.say("look", *[picture() for _ in range(fetching.PICTURES + 1)])
    result = await desk.read()

    [message] = result["structuredContent"]["messages"]
    shown = [one for one in result["content"] if one["type"] == "image"]
    assert len(shown) == fetching.PICTURES
    fetched = await desk.fetch(message["turn"], message["attachments"][-1]["id"])
    assert [one["type"] for one in fetched["content"]] == ["text", "image"]
    assert fetched["structuredContent"]["bytes"] == len(PNG)


async def test_tool_for_attachments_is_found_by_a_word(desk: Desk) -> None:
    [found] = (await desk.call("find_tool", words="attachment"))["structuredContent"]["tools"]

    assert found["name"] == "fetch_attachment"
    assert set(found["arguments"]) == {"turn", "attachment"}
    nothing = await desk.call("find_tool", words="teleport")
    assert nothing["structuredContent"]["tools"] == []


async def test_shared_file_is_fetched_through_graph_and_written_for_its_owner_only(
    desk: Desk,
) -> None:
    turn, attachment = await desk.handed("read this", file(b"the plan\n", "plan 1.txt"))
    result = (await desk.fetch(turn, attachment))["structuredContent"]

    assert (result["name"], result["type"], result["bytes"]) == ("plan 1.txt", "text/plain", 9)
    assert result["text"] == "the plan\n"
    folder, _, name = result["path"].rpartition("/")
    assert folder == str(desk.stage.folder / "state" / "files")
    assert name == f"{attachment}-plan 1.txt"
    with open(result["path"], "rb") as written:  # noqa: PTH123, ASYNC230 - as a host would
        assert written.read() == b"the plan\n"
    if os.name == "posix":
        modes = [os.stat(one).st_mode & 0o777 for one in (result["path"], folder)]  # noqa: PTH116
        assert modes == [0o600, 0o700]


async def test_file_that_is_no_text_is_not_shown(desk: Desk) -> None:
    sent = file(b"%PDF-1.7 \x00\xff", "plan.pdf", "application/pdf")
    result = (await desk.fetch(*await desk.handed("read this", sent)))["structuredContent"]

    assert (result["type"], "text" in result) == ("application/pdf", False)


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("../../.ssh/authorized_keys", "_.._.ssh_authorized_keys"),
        ("..", "file"),
        ("/etc/passwd", "_etc_passwd"),
        ("c:\\windows\\x.exe", "c_windows_x.exe"),
        ("\U00020000" * 200, "\U00020000" * 40),
    ],
    ids=["above", "dots", "absolute", "drive", "long in bytes"],
)
async def test_name_of_a_file_stays_one_plain_segment(desk: Desk, name: str, written: str) -> None:
    turn, attachment = await desk.handed("read this", file(b"x", name))
    path = (await desk.fetch(turn, attachment))["structuredContent"]["path"]

    folder = str(desk.stage.folder / "state" / "files")
    assert path == f"{folder}/{attachment}-{written}"


async def test_file_elsewhere_is_refused_and_nothing_is_asked_there(desk: Desk) -> None:
    foreign = {
        "contentType": "reference",
        "contentUrl": "https://contoso.sharepoint.example.evil.example/plan.txt",
        "name": "plan.txt",
    }
    await desk.say("read this", activity={"attachments": [foreign]})
    [message] = (await desk.read())["structuredContent"]["messages"]

    told = await desk.refusal(message["turn"], message["attachments"][0]["id"])
    assert told == (
        "the attachment was refused: it is not in Teams, OneDrive or SharePoint."
        " ask the sender to attach the file itself."
    )


async def test_file_without_the_permission_is_refused_with_its_cure(desk: Desk) -> None:
    turn, attachment = await desk.handed("read this", file(b"x", "a.txt"))
    fault = {"graph": {"status": 403, "path": "/shares/"}}
    await desk.stage.control("PUT", "faults", fault)
    try:
        told = await desk.refusal(turn, attachment)
    finally:
        await desk.stage.control("PUT", "faults", {"graph": None})

    assert "Graph refused the call (403" in told
    assert "needs a file permission" in told


async def test_attachment_of_another_sessions_turn_is_refused(desk: Desk) -> None:
    turn, attachment = await desk.handed("read this", file(b"x", "a.txt"))
    async with shim({**desk.stage.environ, "CLAUDE_CODE_SESSION_ID": "thief"}) as other:
        await other.shake_hands()
        given = {"turn": turn, "attachment": attachment}
        told = await other.refusal("use_tool", name="fetch_attachment", arguments=given)

    assert told == "this turn belongs to another session."


async def test_attachment_is_only_given_for_its_own_turn_and_while_that_is_open(
    desk: Desk,
) -> None:
    first, attachment = await desk.handed("read this", file(b"x", "a.txt"))
    await desk.call("done", turn=first)
    second, _ = await desk.handed("and this", file(b"y", "b.txt"))

    assert "this turn is closed" in await desk.refusal(first, attachment)
    for strange in (attachment, "", "-", "x-0", "999999-0", "1-../../x", "\u0661-0"):
        assert "no such attachment" in await desk.refusal(second, strange)


async def test_arguments_that_do_not_fit_are_refused_in_words(desk: Desk) -> None:
    missing = await desk.host.refusal("use_tool", name="fetch_attachment", arguments={"turn": "x"})
    extra = {"turn": "x", "attachment": "1-0", "path": "/etc/passwd"}
    too_many = await desk.host.refusal("use_tool", name="fetch_attachment", arguments=extra)
    unknown = await desk.host.refusal("use_tool", name="format_disk", arguments={})

    assert missing.startswith("fetch_attachment cannot take that (attachment: Field required)")
    assert "path: Extra inputs are not permitted" in too_many
    assert unknown == "there is no tool named 'format_disk'. find_tool lists them."


async def test_file_that_cannot_be_written_is_said_in_words(desk: Desk) -> None:
    turn, attachment = await desk.handed("read this", file(b"x", "a.txt"))
    files = desk.stage.folder / "state" / "files"
    aside = files.with_name("aside")
    files.mkdir(mode=0o700, parents=True, exist_ok=True)
    files.rename(aside)
    files.write_text("in the way")
    try:
        told = await desk.refusal(turn, attachment)
    finally:
        files.unlink()
        aside.rename(files)

    assert told.startswith("the attachment was refused: it cannot be written here")
