"""A person who lends an account to a stage, in this process or by the command."""

import asyncio
import subprocess
import sys
import time

from bot.stage import BOUND_S, PROFILE, Stage
from entraclaw.bot.delegating import sign_in_file
from entraclaw.identity.sign_in_file import Account
from entraclaw.identity.signing_in import SigningIn
from sandbox import person as somebody


def authority(stage: Stage) -> str:
    return str(stage.sandbox.cloud.with_name("ca.pem"))


async def sign_in(stage: Stage, person: str = "ada") -> Account:
    """Sign in as the command does, in this process."""
    settings = stage.settings()
    file = sign_in_file(settings, stage.agent)
    signing_in = SigningIn(file, settings.cloud, (stage.agent.tenant, stage.client), time)
    browser = somebody.Person(authority(stage))
    try:
        with browser.showing(person) as show:
            return await asyncio.to_thread(signing_in.by_browser, show, BOUND_S)
    finally:
        browser.close()


def run(stage: Stage, *words: str, person: str = "ada") -> "subprocess.CompletedProcess[str]":
    """Run a command whose browser is a program that signs *person* in."""
    browser = f"{sys.executable} {somebody.__file__} {authority(stage)} {person} %s"
    environ = {**stage.environ, "BROWSER": browser}
    return subprocess.run(
        [sys.executable, "-m", "entraclaw", "--profile", PROFILE, *words],
        env=environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=BOUND_S,
    )


async def entraclaw(
    stage: Stage, *words: str, person: str = "ada"
) -> "subprocess.CompletedProcess[str]":
    return await asyncio.to_thread(run, stage, *words, person=person)
