"""The sandbox as a process: what it prints, what it leaves, when it ends."""

import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.scene import BOUND_S, Scene, start
from sandbox.window import Window

POSIX = os.name == "posix"


def test_profile_names_every_remote_thing(scene: Scene) -> None:
    local = re.compile(r"https://localhost:\d+$")

    assert local.match(scene.cloud["login"])
    assert local.match(scene.cloud["graph"])
    assert scene.cloud["work_iq"] == scene.cloud["graph"]
    assert scene.cloud["bot_openid"].startswith(scene.cloud["login"])
    assert scene.cloud["tls_ca"] == scene.ca
    assert len({*scene.cloud["service_hosts"], scene.cloud["login"], scene.cloud["graph"]}) == 3


def test_it_prints_one_line_and_keeps_its_files_to_itself(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with start(home) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        ready = json.loads(process.stdout.readline())
        assert ready["pid"] == process.pid
        assert re.fullmatch(re.escape(ready["control"]) + r"/\?key=[\w-]{43}", ready["page"])
        # A browser that listens does not keep it from ending.
        window = Window(Scene(ready))
        window.enter()
        listening = window.get("/page/events", stream=True)
        assert {path.name for path in home.iterdir()} == {"ca.pem", "cloud.toml"}
        if POSIX:
            assert stat.S_IMODE(home.stat().st_mode) == 0o700
            assert {stat.S_IMODE(path.stat().st_mode) for path in home.iterdir()} == {0o600}

        process.stdin.close()

        assert process.wait(BOUND_S) == 0
        assert process.stdout.read() == ""
        listening.close()
    assert not home.exists()


@pytest.mark.skipif(not POSIX, reason="Windows ends processes without asking them")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_well_when_asked_to(tmp_path: Path, number: signal.Signals) -> None:
    """A directory that was there before stays, without our files."""
    with start(tmp_path) as process:
        assert process.stdout is not None
        process.stdout.readline()

        process.send_signal(number)

        assert process.wait(BOUND_S) == 0
    assert list(tmp_path.iterdir()) == []


def test_port_that_is_taken_is_said_plainly(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = subprocess.run(
            [sys.executable, "-m", "entraclaw.sandbox", "--home", tmp_path, "--port", str(port)],
            stdin=subprocess.PIPE,
            capture_output=True,
            text=True,
            timeout=BOUND_S,
            check=False,
        )

    assert ended.returncode == 3
    assert ended.stdout == ""
    assert ended.stderr.startswith("entraclaw.sandbox: error: ")
