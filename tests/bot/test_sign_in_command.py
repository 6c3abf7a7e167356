"""`entraclaw sign-in` and `sign-out`, typed at a terminal, with a browser that is a program."""

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import AsyncGenerator, Generator
from pathlib import Path

import pytest

from bot.lending import authority, entraclaw, sign_in
from bot.stage import BOUND_S, PROFILE, Sandbox, Stage, staged
from bot.typed import TypeAside, aside, typing
from entraclaw.bot.commands.status import next_step
from sandbox.person import Person

__all__ = ["aside"]

_BROWSERS = ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY")


@pytest.fixture
async def stage(emulation: Sandbox, tmp_path: Path) -> AsyncGenerator[Stage]:
    async with staged(emulation, tmp_path / "home", "bot", "delegated") as stage:
        yield stage


@pytest.fixture
def person(stage: Stage) -> Generator[Person]:
    somebody = Person(authority(stage))
    yield somebody
    somebody.close()


async def typed(stage: Stage, *words: str) -> "subprocess.Popen[str]":
    """Begin a command where there is no browser."""
    environ = {name: value for name, value in stage.environ.items() if name not in _BROWSERS}
    return await asyncio.to_thread(
        subprocess.Popen,
        [sys.executable, "-m", "entraclaw", "--profile", PROFILE, *words],
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


async def line(command: "subprocess.Popen[str]") -> str:
    assert command.stderr is not None
    return (await asyncio.to_thread(command.stderr.readline)).strip()


async def ended(command: "subprocess.Popen[str]") -> tuple[int, str, str]:
    told, complained = await asyncio.to_thread(command.communicate, None, BOUND_S)
    return command.returncode, told, complained


async def slow_no_more(stage: Stage, **changes: object) -> None:
    await stage.control("PUT", f"clients/{stage.client}", {"device_interval_s": 1, **changes})


async def test_where_no_browser_opens_the_address_is_printed_and_the_code_suggested(
    stage: Stage, person: Person
) -> None:
    command = await typed(stage, "sign-in")
    assert "--device-code" in await line(command)
    address = await line(command)
    await asyncio.to_thread(person.sign_in, address, "ada")
    code, told, complained = await ended(command)

    assert (code, complained) == (0, "")
    assert told == (
        "signed in: test acts for Ada Lovelace (ada@contoso.example), and marks what it sends\n"
    )


async def test_code_is_told_on_stderr_and_facts_on_stdout(stage: Stage, person: Person) -> None:
    await slow_no_more(stage)
    command = await typed(stage, "sign-in", "--device-code", "--json")
    found = re.fullmatch(r"open (\S+) in any browser, and type (\w+)", await line(command))
    assert found is not None
    await asyncio.to_thread(person.type_code, found[1], found[2], "ada")
    code, told, complained = await ended(command)

    assert (code, complained) == (0, "")
    account = json.loads(told)
    assert account["profile"] == PROFILE
    assert account["upn"] == "ada@contoso.example"
    assert account["since"].endswith("+00:00")


async def test_blocked_device_code_is_the_worlds_refusal_with_its_cure(stage: Stage) -> None:
    await slow_no_more(stage, device_blocked=53003)
    command = await typed(stage, "sign-in", "--device-code")
    user_code = (await line(command)).split()[-1]
    await stage.control("POST", "devicecodes", {"user_code": user_code, "person": "ada"})
    code, told, complained = await ended(command)

    assert (code, told) == (3, "")
    assert "refused it (AADSTS53003)" in complained
    assert "sign in without --device-code" in complained


async def test_another_person_is_refused_and_the_first_stays(stage: Stage) -> None:
    ada = await sign_in(stage)
    refused = await entraclaw(stage, "sign-in", person="grace")

    assert refused.returncode == 3
    assert f"somebody else ({ada.upn})" in refused.stderr
    assert "entraclaw sign-out" in refused.stderr


@pytest.mark.parametrize("command", ["sign-in", "sign-out"])
async def test_profile_that_acts_for_nobody_says_what_to_set(
    emulation: Sandbox,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: str,
) -> None:
    async with staged(emulation, tmp_path / "home", "bot", "bot") as stage:
        refused = typing(stage.home, monkeypatch, capsys, PROFILE)(command)

    assert refused.code == 2
    assert "acts_as: is bot" in refused.err
    assert "set it to delegated" in refused.err


@pytest.mark.parametrize("backend", ["null", "fail"])
async def test_machine_without_a_keyring_is_told_before_a_page_opens(
    stage: Stage, backend: str
) -> None:
    config = stage.folder / "config.toml"
    text = config.read_text(encoding="utf-8").replace('key_store = "unsafe-file"\n', "")
    config.write_text(text, encoding="utf-8")
    with pytest.MonkeyPatch.context() as environ:
        environ.setenv("PYTHON_KEYRING_BACKEND", f"keyring.backends.{backend}.Keyring")
        command = await typed(stage, "sign-in")
        code, told, complained = await ended(command)

    assert (code, told) == (1, "")
    assert "a sign-in cannot be kept here" in complained
    assert "unlock the system's keyring" in complained


async def test_signing_out_forgets_and_says_whom_it_found(stage: Stage, aside: TypeAside) -> None:
    await sign_in(stage)
    first = await aside("sign-out", "--json")
    words = await aside("sign-out")

    assert first.document == {"profile": PROFILE, "was_signed_in": True}
    assert (words.code, words.out) == (0, "nobody was signed in\n")


async def test_damaged_sign_in_is_refused_until_it_is_signed_out(
    stage: Stage, aside: TypeAside
) -> None:
    await sign_in(stage)
    (stage.folder / "state" / "delegated.bin").write_bytes(b"x")
    refused = await aside("sign-in")
    assert refused.code == 1
    assert "cannot be opened" in refused.err
    assert "`entraclaw sign-out` forgets it" in refused.err

    assert (await aside("sign-out")).code == 0
    assert await sign_in(stage)


async def test_status_says_for_whom_and_what_to_do_when_nobody_is(
    stage: Stage, aside: TypeAside
) -> None:
    async with stage.daemon() as daemon:
        assert next_step(await daemon.status()) == "entraclaw sign-in"
        shown = await aside("status")
        assert "delegated: signed out" in shown.out
        await sign_in(stage)
        shown = await aside("status")

        assert "delegated for Ada Lovelace, ada@contoso.example" in shown.out.replace("\n", " ")
        assert "signed in since" in " ".join(shown.out.split())
        (stage.folder / "state" / "delegated.bin").write_bytes(b"x")
        document = await daemon.status()
        assert "cannot be opened" in str(document["identity"]["delegated"]["trouble"])  # type: ignore[index]
        assert "sign-out" in next_step(document)


async def test_no_chat_of_nobodys_is_spoken_in(stage: Stage, aside: TypeAside) -> None:
    async with stage.daemon():
        refused = await aside("send", "19:nowhere@thread.v2", "hello")

    assert refused.code == 1
    assert "signed out" in refused.err
