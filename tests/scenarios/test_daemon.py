"""The daemon as a process: one per profile, honest when it cannot."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncGenerator
from pathlib import Path

import psutil
import pytest
import pytest_asyncio

from bot.stage import PROFILE, Sandbox, Stage, staged
from bot.typed import Type, typed, typing
from entraclaw.bot.inbox import Arrival, Opening
from entraclaw.bot.store import Store
from scenarios.processes import daemon, serving, shim

__all__ = ["typed"]

in_module = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def served(
    emulation: Sandbox, tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[Stage]:
    """One daemon for all that only look at it."""
    async with staged(emulation, tmp_path_factory.mktemp("daemon")) as stage, daemon(stage):
        yield stage


@pytest.fixture
def typed_there(
    served: Stage, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Type:
    """Type commands for the profile that is served, in this process."""
    return typing(served.home, monkeypatch, capsys, PROFILE)


def run(*words: str, home: Path, code: str = "") -> subprocess.CompletedProcess[str]:
    """Run the command line; *code* runs in the same interpreter before it."""
    start = f"{code}\nimport sys; from entraclaw.bot.start import main; sys.exit(main())"
    return subprocess.run(
        [sys.executable, "-c", start, *words],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "ENTRACLAW_HOME": str(home)},
        timeout=30,
    )


@in_module
async def test_second_daemon_refuses_and_names_the_first(served: Stage) -> None:
    """It says so at once, not after a second of imports."""
    pid = (await served.status())["pid"]
    unloaded = "import sys; sys.modules['fastmcp'] = None"
    second = run("--profile", PROFILE, "serve", home=served.home, code=unloaded)

    assert second.returncode == 1
    assert f"a daemon already serves this profile (pid {pid})" in second.stderr


async def test_without_the_agents_sdk_there_is_no_exchange(stage: Stage) -> None:
    """Every activity and every answer goes through the SDK: it is not decoration."""
    gone = "import sys; sys.modules['microsoft_agents'] = None"
    left = run("--profile", PROFILE, "serve", home=stage.home, code=gone)

    assert left.returncode != 0
    assert "microsoft_agents" in left.stderr


@in_module
async def test_status_names_the_listener(served: Stage, typed_there: Type) -> None:
    shown = typed_there("status", "--json")

    document = shown.document
    assert shown.code == 0
    assert document["webhook"].startswith("http://127.0.0.1:")
    assert document["identity"]["agent_user"] == served.agent.user
    key = document["key"]
    assert (key["store"], key["exportable"]) == ("unsafe-file", True)
    assert (key["trouble"], key["warning"]) == (None, None)


async def test_unconfigured_profile_serves_lists_its_tools_and_refuses_calls(
    tmp_path: Path,
) -> None:
    environ = {**os.environ, "ENTRACLAW_HOME": str(tmp_path)}
    async with serving(environ, tmp_path / PROFILE), shim(environ) as hand:
        await hand.shake_hands()
        tools = (await hand.call("tools/list"))["result"]["tools"]
        told = await hand.refusal("read_messages")
        who = await hand.tool("whoami")
        shown = run("--profile", PROFILE, "status", "--json", home=tmp_path)

    assert len(tools) == 9
    assert told.startswith("this profile has no agent yet")
    assert who["agent_user"] is None
    assert json.loads(shown.stdout)["webhook"] is None


@in_module
async def test_turn_that_is_not_yours_is_refused_in_words_for_a_model(served: Stage) -> None:
    async with shim(served.environ) as hand:
        await hand.shake_hands()
        told = await hand.refusal("reply", turn="made up", text="hi")
        number = await hand.refusal("reply", turn=5, text="hi")
        longest = await hand.refusal("read_messages", wait_s=111)

    assert told == "this turn is unknown. read_messages gives new ones."
    assert "Traceback" not in number + longest


def test_inbox_is_listed_without_text_unless_asked(typed: Type, tmp_path: Path) -> None:
    folder = tmp_path / "default"
    folder.mkdir()
    asyncio.run(_remember(folder / "inbox.db"))

    plain = typed("inbox", "list")
    document = typed("inbox", "list", "--json", "--text").document

    assert plain.code == 0
    assert "waiting" in plain.out
    assert "secret plan" not in plain.out
    assert [entry["text"] for entry in document["entries"]] == ["a secret plan"]


async def _remember(path: Path) -> None:
    body = b'{"text": "a secret plan"}'
    arrival = Arrival("t", "a:1", "1", "message", "1", "ada", body, b"{}", 1.0)
    async with Store.open(path, time.time) as store:
        receipt = await store.inbox.append(arrival)
        await store.inbox.open_turn(Opening(receipt.seq, "turn", "a:1", b"{}"), 9)


def test_inbox_that_is_not_there_is_an_error_with_its_cure(typed: Type) -> None:
    left = typed("inbox", "list")

    assert left.code == 1
    assert "there is no inbox to read" in left.err


@in_module
async def test_status_for_a_person_says_who_and_where(typed_there: Type) -> None:
    shown = typed_there("status")

    assert shown.code == 0
    known = ("running, pid", "agent_user", "http://127.0.0.1:", "none attached", "can be copied")
    for words in known:
        assert words in shown.out


def test_status_without_a_daemon_is_not_well(typed: Type, tmp_path: Path) -> None:
    plain, as_json = run("status", home=tmp_path), typed("status", "--json")

    assert (plain.returncode, as_json.code) == (1, 1)
    assert plain.stderr == (
        "entraclaw: error: no daemon serves this profile\n"
        "entraclaw: hint: start one with `entraclaw serve`\n"
    )
    assert as_json.document["webhook"] is None


def test_port_that_is_taken_is_an_error_with_its_cure(tmp_path: Path) -> None:

    with socket.create_server(("127.0.0.1", 0)) as taken:
        folder = tmp_path / "default"
        folder.mkdir()
        ids = "\n".join(
            f'{name} = "5a807f24-c9de-44ee-a3a7-329e88a00ff{n}"'
            for n, name in enumerate(["tenant", "blueprint", "agent", "user"])
        )
        port = taken.getsockname()[1]
        (folder / "config.toml").write_text(f"{ids}\nport = {port}\n", encoding="utf-8")
        left = run("serve", home=tmp_path)

    assert left.returncode == 1
    assert f"port {port} on 127.0.0.1 cannot be used" in left.stderr
    assert "hint" in left.stderr


def test_wrong_words_are_wrong_usage(tmp_path: Path) -> None:
    left = run("serve", "--nonsense", home=tmp_path)

    assert left.returncode == 2
    assert left.stderr.startswith("entraclaw: error: no such option")


def test_whole_exchange_runs_from_one_command(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "entraclaw", "sandbox", "--once", "--json"],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "ENTRACLAW_HOME": str(tmp_path)},
        timeout=60,
    )

    result = json.loads(done.stdout.splitlines()[-1])
    assert result["ok"] is True
    assert (result["sent"], result["answer"]) == ("hello", "You said: hello")
    assert result["sender_oid"] == result["agent_user_oid"]
    assert result["inbound_to_host_ms"]["n"] == 20
    assert result["left_processes"] == 0
    assert {hop["name"] for hop in result["hops"]} >= {
        "blueprint token",
        "agent token",
        "user token",
    }


@pytest.mark.skipif(os.name != "posix", reason="Ctrl-C is a console matter elsewhere")
def test_ctrl_c_ends_the_sandbox_well_and_leaves_nothing(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "entraclaw", "sandbox"],
        env={**os.environ, "ENTRACLAW_HOME": str(tmp_path)},
        stdout=subprocess.PIPE,
        text=True,
        # As a terminal starts it: what runs in a shell's background has SIGINT switched off.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509 - no threads here
    ) as process:
        assert process.stdout is not None
        said = "".join(iter(process.stdout.readline, "\n"))
        while "Connect Claude Code" not in said:
            said += process.stdout.readline()
        below = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=30)

    _, alive = psutil.wait_procs(below, timeout=10)
    assert process.returncode == 0
    assert "0 processes left" in rest
    assert below
    assert not alive
    assert "?key=" in said
