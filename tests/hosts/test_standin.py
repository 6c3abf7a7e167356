"""The stand-in keeps the rules of the contract, so that tests on it prove something."""

import json
import sys
from pathlib import Path

import pytest

from hosts.standin import Document, Era, Gone, Refusal, StandIn, environment

# A server that does as it is told: answers by method, and says lines of its own after that.
_SERVER = """
import json, sys
script, last = json.loads(sys.argv[1]), ""
for line in sys.stdin:
    asked = json.loads(line)
    last = asked.get("params", {}).get("request_id", last)
    if asked.get("method") == "echo":
        script["answers"]["echo"] = {"result": {"heard": line}}
    for said in script["says"].pop(asked.get("method"), []):
        print(json.dumps(said).replace("$", last), flush=True)
    if "id" in asked and "method" in asked:
        lost = {"error": {"code": -32601, "message": "Method not found"}}
        answer = script["answers"].get(asked["method"], lost)
        print(json.dumps({"jsonrpc": "2.0", "id": asked["id"], **answer}), flush=True)
"""
_CHANNEL: Document = {"claude/channel": {}, "claude/channel/permission": {}}
_INITIALIZED = "notifications/initialized"
PERMISSION = "notifications/claude/channel/permission_request"


def server(
    *, experimental: Document | None = None, is_modern: bool = False, says: object = None
) -> list[str]:
    about: Document = {"experimental": _CHANNEL if experimental is None else experimental}
    result = {"capabilities": about, "serverInfo": {"name": "x", "version": "1"}}
    answers: Document = {"initialize": {"result": result}}
    if is_modern:
        answers["server/discover"] = {"result": result}
    script = {"answers": answers, "says": says or {}}
    return [sys.executable, "-c", _SERVER, json.dumps(script)]


def ring(**meta: str) -> Document:
    params = {"content": "1 waits", "meta": meta}
    return {"jsonrpc": "2.0", "method": "notifications/claude/channel", "params": params}


def environ() -> dict[str, str]:
    return environment({}, "s1")


async def test_server_that_shakes_hands_is_a_channel() -> None:
    async with StandIn.running(server(), environ()) as host:
        assert (host.is_registered, host.is_modern) == (True, False)


async def test_server_that_answers_discover_is_none() -> None:
    async with StandIn.running(server(is_modern=True), environ()) as host:
        assert (host.is_registered, host.is_modern) == (False, True)


async def test_older_host_does_not_ask() -> None:
    async with StandIn.running(server(is_modern=True), environ(), era=Era.SHAKES_HANDS) as host:
        assert host.is_registered


async def test_doorbell_loses_meta_keys_that_are_no_plain_words() -> None:
    says = {_INITIALIZED: [ring(waiting="1", **{"chat-id": "x"})]}
    async with StandIn.running(server(says=says), environ()) as host:
        event = await host.event()

    assert event.meta == {"waiting": "1"}
    assert event.tag == '<channel source="entraclaw" waiting="1">\n1 waits\n</channel>'


async def test_doorbell_of_a_server_that_is_no_channel_is_dropped() -> None:
    says = {_INITIALIZED: [ring()]}
    async with StandIn.running(server(experimental={}, says=says), environ()) as host:
        await host.until(lambda: bool(host.dropped))

        assert host.events == []


async def test_first_verdict_counts_and_an_unknown_one_does_not() -> None:
    verdicts = [verdict("$", "maybe"), verdict("$", "deny"), verdict("$", "allow")]
    says = {PERMISSION: [verdict("aaaaa", "allow"), *verdicts]}
    async with StandIn.running(server(says=says), environ()) as host:
        number = await host.ask_permission("Bash", "Run", "ls")

        assert await host.verdict(number) == "deny"
        await host.until(lambda: len(host.dropped) == 3)


async def test_verdict_after_the_terminals_own_answer_is_dropped() -> None:
    says = {"nonsense": [verdict("$", "allow")]}
    async with StandIn.running(server(says=says), environ()) as host:
        number = await host.ask_permission("Bash", "Run", "ls")
        host.close_dialog(number)
        with pytest.raises(Refusal):
            await host.request("nonsense")

        assert host.verdicts == {}
        assert len(host.dropped) == 1


async def test_dialog_is_not_relayed_to_a_server_that_did_not_ask_for_it() -> None:
    silent: Document = {"claude/channel": {}, "claude/channel/permission": False}
    says = {PERMISSION: [ring()]}
    async with StandIn.running(server(experimental=silent, says=says), environ()) as host:
        await host.ask_permission("Bash", "Run", "ls")
        with pytest.raises(Refusal):
            await host.request("nonsense")

        assert host.events == []


def verdict(number: str, behavior: str) -> Document:
    """Write a verdict on the dialog *number*; ``$`` is the last one asked about."""
    params = {"request_id": number, "behavior": behavior}
    return {"method": "notifications/claude/channel/permission", "params": params}


async def test_request_is_written_in_the_order_of_the_real_host() -> None:
    async with StandIn.running(server(), environ()) as host:
        heard = (await host.request("echo", host.calling("reply", {"text": "é"})))["heard"]

    told = json.loads(heard)
    assert list(told) == ["method", "params", "jsonrpc", "id"]
    assert told["params"]["_meta"]["progressToken"] == told["id"]
    assert told["params"]["_meta"]["claudecode/toolUseId"].startswith("toolu_")
    assert "é" in heard


async def test_error_and_end_are_told_apart() -> None:
    async with StandIn.running(server(), environ()) as host:
        with pytest.raises(Refusal, match="Method not found"):
            await host.request("nonsense")
        host.pipe.kill()
        with pytest.raises(Gone):
            await host.request("nonsense")


def test_environment_is_that_of_one_session(tmp_path: Path) -> None:
    outer = {"PATH": "/bin", "CLAUDE_CODE_SESSION_ID": "outer", "CLAUDECODE": "1"}

    plain = environment(outer, "s1", project=str(tmp_path))
    assert plain == {
        "PATH": "/bin",
        "CLAUDECODE": "1",
        "CLAUDE_CODE_SESSION_ID": "s1",
        "CLAUDE_CODE_ENTRYPOINT": "cli",
        "CLAUDE_PROJECT_DIR": str(tmp_path),
    }
    reached = environment(outer, "s1", inbox=("/run/s1.sock", "token"))
    assert reached["CLAUDE_CODE_MESSAGING_SOCKET"] == "/run/s1.sock"
    assert reached["CLAUDE_CODE_MESSAGING_TOKEN"] == "token"
