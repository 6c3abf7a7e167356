"""The daemon as a process with its key in a token: an exchange, and what may be wrong with it.

The PIN is in a real GNOME Keyring, put there by the command that the docs name. `make parts`
installs it all.
"""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeAlias

import pytest
import pytest_asyncio

from bot.stage import BOUND_S, PROFILE, Sandbox, Stage, staged
from bot.troubles import rows, troubles
from contracts.token import LABEL, PIN
from entraclaw.identity.keys.pin import SERVICE
from identity import softhsm, software_tpm
from identity.test_keys_keyring import MISSING, SESSION
from scenarios.canary import Canary, files, processes
from scenarios.processes import daemon, event, host, serving

ENTRACLAW = (sys.executable, "-m", "entraclaw", "--profile", PROFILE)
Troubles: TypeAlias = dict[str, Callable[[], AbstractContextManager[None]]]
LOCK = """
from keyring.backends import SecretService
SecretService.Keyring().get_preferred_collection().lock()
"""
ROWS = rows("A key that is elsewhere")

in_module = pytest.mark.asyncio(loop_scope="module")
pytestmark = [
    pytest.mark.parts,
    pytest.mark.skipif(bool(MISSING), reason=f"`make parts` installs {' and '.join(MISSING)}"),
    pytest.mark.skipif(softhsm.MISSING, reason=softhsm.REASON),
    pytest.mark.skipif(software_tpm.MISSING, reason=software_tpm.REASON),
]


@contextmanager
def desktop(home: Path) -> Generator[None]:
    """Run a session with an unlocked keyring that holds the PIN, in this environment."""
    with (
        pytest.MonkeyPatch.context() as environ,
        (home / "log").open("w", encoding="utf-8") as log,
    ):
        for name in ("HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR"):
            (home / name).mkdir(mode=0o700)
            environ.setenv(name, str(home / name))
        with subprocess.Popen(
            ["dbus-run-session", "--", "sh", "-c", SESSION],  # noqa: S607 - wherever it is
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        ) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            address = process.stdout.readline().strip()
            assert address, (home / "log").read_text(encoding="utf-8")
            environ.setenv("DBUS_SESSION_BUS_ADDRESS", address)
            keep(PIN)
            yield
            process.stdin.close()
            assert process.wait(BOUND_S) == 0


def keep(pin: str) -> None:
    """Keep the PIN as docs/identity/keys-pkcs11.md says; an empty one is taken away."""
    words = [sys.executable, "-m", "keyring", "set" if pin else "del", SERVICE, LABEL]
    subprocess.run(words, input=pin, text=True, check=True, timeout=BOUND_S)


@pytest.fixture(scope="module", autouse=True)
def keyring(tmp_path_factory: pytest.TempPathFactory) -> Generator[None]:
    with desktop(tmp_path_factory.mktemp("desktop")):
        yield


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hsm(
    emulation: Sandbox, keyring: None, tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[Stage]:
    """A profile with its key in SoftHSM."""
    assert keyring is None
    folder = tmp_path_factory.mktemp("hsm")
    with softhsm.softhsm(folder, LABEL) as module:
        async with staged(emulation, folder / "home") as stage:
            await settle(stage, key_store="pkcs11", pkcs11_module=str(module))
            yield stage


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def tpm(
    emulation: Sandbox, keyring: None, tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[Stage]:
    """A profile with its key in a TPM, whose broker is on the keyring's bus."""
    assert keyring is None
    folder = tmp_path_factory.mktemp("tpm")
    with software_tpm.software_tpm(folder) as module:
        async with staged(emulation, folder / "home") as stage:
            await settle(stage, key_store="pkcs11", pkcs11_module=str(module))
            yield stage


def entraclaw(stage: Stage, *words: str) -> str:
    """Run a command; gives what it prints."""
    ended = subprocess.run(
        [*ENTRACLAW, *words],
        env=stage.environ,
        capture_output=True,
        text=True,
        timeout=BOUND_S,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


async def settle(stage: Stage, **settings: str) -> None:
    """Write the settings, make the key where they say, and register it."""
    config = stage.folder / "config.toml"
    lines = config.read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if not line.startswith("key_store")]
    kept += [f'{name} = "{value}"' for name, value in settings.items()]
    config.write_text("\n".join(kept), encoding="utf-8")
    for left in (stage.folder / "keys").iterdir():
        left.unlink()
    certificate = await asyncio.to_thread(entraclaw, stage, "key", "new")
    body = {"certificate": certificate}
    await stage.control("POST", f"agents/{stage.agent.user}/certificates", body)


async def exchange(stage: Stage) -> None:
    """Have a message answered; the token signs for it, and no secret is anywhere."""
    async with daemon(stage):
        async with host(stage) as reader:
            await event(reader, "ready")
            await stage.say("hello")
            assert (await event(reader, "replied"))["error"] is None
            running = processes(sealed=(await stage.status())["pid"])
        said = await asyncio.to_thread(entraclaw, stage, "status", "--json")
        secrets = (await stage.control("GET", "issued"))["secrets"]
        left = {**files(stage.home), **running, "status": said.encode()}

    assert [one["text"] for one in await stage.answers()] == ["You said: hello"]
    key = json.loads(said)["key"]
    assert (key["store"], key["exportable"], key["trouble"]) == ("pkcs11", False, None)
    assert Canary(secrets, words=PIN).sighted(left) == []
    assert Canary([], words="PRIVATE KEY").sighted(left) == []


@in_module
async def test_exchange_is_signed_by_a_token(hsm: Stage) -> None:
    await exchange(hsm)


@in_module
async def test_exchange_is_signed_by_a_tpm(tpm: Stage) -> None:
    await exchange(tpm)


@contextmanager
def pin_kept(pin: str) -> Generator[None]:
    keep(pin)
    try:
        yield
    finally:
        keep(PIN)


@contextmanager
def locked() -> Generator[None]:
    """Lock the keyring; it is not opened again."""
    subprocess.run([sys.executable, "-c", LOCK], check=True, timeout=BOUND_S)
    yield


@contextmanager
def environ_set(name: str, value: str) -> Generator[None]:
    with pytest.MonkeyPatch.context() as environ:
        environ.setenv(name, value)
        yield


@contextmanager
def no_token() -> Generator[None]:
    with TemporaryDirectory() as folder:
        conf = Path(folder, "conf")
        conf.write_text(f"directories.tokendir = {folder}\n", encoding="ascii")
        with environ_set("SOFTHSM2_CONF", str(conf)):
            yield


IN_A_TOKEN: Troubles = {
    "no PIN is kept": lambda: pin_kept(""),
    "the PIN that is kept is wrong": lambda: pin_kept("wrong-pin"),
    "the token is gone": no_token,
}
BEHIND_A_KEYRING: Troubles = {
    "the keyring with the PIN is locked": locked,
}
IN_A_TPM: Troubles = {
    "the TPM is busy": lambda: environ_set("TPM2_PKCS11_TCTI", "device:/nowhere/tpmrm0"),
}
IN_THE_KEYRING: Troubles = {
    "the keyring is locked": locked,
    "the keyring keeps nothing": lambda: environ_set(
        "PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring"
    ),
}


async def check(stage: Stage, wrong: str, troubled: AbstractContextManager[None]) -> None:
    """Hold what `status` says against the page; the settings are what they were."""
    config = stage.folder / "config.toml"
    before = config.read_bytes()
    with troubled:
        async with serving(stage.environ, stage.folder):
            for trouble in await troubles(stage):
                ROWS[wrong].check(trouble)
    assert config.read_bytes() == before


async def key_of(stage: Stage) -> str:
    return await asyncio.to_thread(entraclaw, stage, "key", "list", "--json")


@in_module
@pytest.mark.parametrize("wrong", IN_A_TOKEN)
async def test_trouble_with_a_token_is_told_and_the_key_is_what_it_was(
    hsm: Stage, wrong: str
) -> None:
    key = await key_of(hsm)
    await check(hsm, wrong, IN_A_TOKEN[wrong]())
    assert await key_of(hsm) == key


@in_module
@pytest.mark.parametrize("wrong", IN_A_TPM)
async def test_trouble_with_a_tpm_is_told_and_the_key_is_what_it_was(
    tpm: Stage, wrong: str
) -> None:
    key = await key_of(tpm)
    await check(tpm, wrong, IN_A_TPM[wrong]())
    assert await key_of(tpm) == key


@in_module
@pytest.mark.parametrize("wrong", BEHIND_A_KEYRING)
async def test_locked_keyring_keeps_the_pin_of_a_token(
    hsm: Stage, wrong: str, tmp_path: Path
) -> None:
    with desktop(tmp_path):
        await check(hsm, wrong, BEHIND_A_KEYRING[wrong]())
    assert await key_of(hsm)


@pytest.mark.parametrize("wrong", IN_THE_KEYRING)
async def test_trouble_with_the_keyring_is_told(stage: Stage, wrong: str, tmp_path: Path) -> None:
    (tmp_path / "desktop").mkdir()
    with desktop(tmp_path / "desktop"):
        await settle(stage, key_store="keyring")
        await check(stage, wrong, IN_THE_KEYRING[wrong]())


def test_every_row_of_the_page_is_provoked_here() -> None:
    assert list(ROWS) == [*IN_A_TOKEN, *IN_A_TPM, *BEHIND_A_KEYRING, *IN_THE_KEYRING]
