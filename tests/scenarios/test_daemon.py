"""The daemon as a process: one per profile, honest when it cannot."""

import json
import socket
import subprocess
import sys
from pathlib import Path

from bot.stage import PROFILE, Stage
from scenarios.processes import daemon


def run(*words: str, home: Path, code: str = "") -> subprocess.CompletedProcess[str]:
    """Run the command line; *code* runs in the same interpreter before it."""
    start = f"{code}\nimport sys; from entraclaw.bot.start import main; sys.exit(main())"
    return subprocess.run(
        [sys.executable, "-c", start, *words],
        check=False,
        capture_output=True,
        text=True,
        env={"ENTRACLAW_HOME": str(home), "PATH": ""},
        timeout=30,
    )


async def test_second_daemon_refuses_and_names_the_first(stage: Stage) -> None:
    async with daemon(stage):
        pid = (await stage.status())["pid"]
        second = run("--profile", PROFILE, "serve", home=stage.home)

    assert second.returncode == 1
    assert f"a daemon already serves this profile (pid {pid})" in second.stderr


async def test_without_the_agents_sdk_there_is_no_exchange(stage: Stage) -> None:
    """Every activity and every answer goes through the SDK: it is not decoration."""
    gone = "import sys; sys.modules['microsoft_agents'] = None"
    left = run("--profile", PROFILE, "serve", home=stage.home, code=gone)

    assert left.returncode != 0
    assert "microsoft_agents" in left.stderr


async def test_status_names_the_listener(stage: Stage) -> None:
    async with daemon(stage):
        shown = run("--profile", PROFILE, "status", "--json", home=stage.home)

    document = json.loads(shown.stdout)
    assert shown.returncode == 0
    assert document["webhook"].startswith("http://127.0.0.1:")
    assert document["identity"]["agent_user"] == stage.agent.user


def test_status_without_a_daemon_is_not_well(tmp_path: Path) -> None:
    plain, as_json = run("status", home=tmp_path), run("status", "--json", home=tmp_path)

    assert (plain.returncode, as_json.returncode) == (1, 1)
    assert plain.stderr == (
        "entraclaw: error: no daemon serves this profile\n"
        "entraclaw: hint: start one with `entraclaw serve`\n"
    )
    assert json.loads(as_json.stdout)["webhook"] is None


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
        env={"ENTRACLAW_HOME": str(tmp_path), "PATH": ""},
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
