"""An agent that `setup` made in the sandbox's tenant, as far as its daemon: which stays away."""

import asyncio
import os
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.stage import PROFILE, Sandbox
from entraclaw.bot.settings import Settings
from entraclaw.bot.setup.asked import Asked
from entraclaw.bot.setup.flow import Flow, Made, refuse
from entraclaw.bot.setup.profile_files import JournalFile
from entraclaw.identity.cloud import Cloud, find
from entraclaw.identity.provisioning.administrator import ANY_TENANT, Administrator
from entraclaw.identity.provisioning.asking import for_setup
from entraclaw.identity.provisioning.graph_admin import GraphAdmin
from sandbox.person import Person

BOUND_S = 20.0
URL = "http://127.0.0.1:9/api/messages"


@dataclass(slots=True)
class Quiet:
    """Shows nothing, and remembers what it was shown."""

    begun: list[str] = field(default_factory=list[str])
    waited: set[str] = field(default_factory=set[str])

    def begin(self, name: str, says: str) -> None:
        del says
        self.begun.append(name)

    def wait(self, why: str) -> None:
        self.waited.add(why)


def asked(sandbox: Sandbox, **changes: object) -> Asked:
    usual: dict[str, Any] = {
        "more": None,
        "name": f"Claw {secrets.token_hex(4)}",  # its tenant has those of other tests
        "upn": "",
        "domain": "",
        "sponsor": (),
        "join": "",
        "adopt": "",
        "principal": None,
        "bot": "",
        "licence": "SPE_E5",
        "no_licence": False,
        "endpoint": URL,
        "cloud": str(sandbox.cloud),
        "key_store": "unsafe-file",
        "wait": 0,
        "here": False,
        "device_code": False,
    }
    given: dict[str, Any] = {**usual, **changes}
    return Asked(**given)


def cloud_of(sandbox: Sandbox) -> Cloud:
    return find(str(sandbox.cloud), sandbox.cloud.parent)


def settings_of(sandbox: Sandbox, home: Path, wanted: Asked, profile: str = PROFILE) -> Settings:
    environ = {"ENTRACLAW_HOME": str(home), "ENTRACLAW_CLOUD": str(sandbox.cloud)}
    environ["ENTRACLAW_ADMIN_CLIENT"] = os.environ.get("ENTRACLAW_ADMIN_CLIENT", "")
    return wanted.applied(Settings.read(environ, profile))


async def founded(
    sandbox: Sandbox,
    home: Path,
    wanted: Asked | None = None,
    show: Quiet | None = None,
    person: str = "ada",
    file: Callable[[Path], JournalFile] = JournalFile,
) -> Made:
    """Do what `setup` does up to the point where the daemon starts."""
    wanted = wanted or asked(sandbox)
    settings = settings_of(sandbox, home, wanted)
    settings.folder.mkdir(parents=True, exist_ok=True)
    flow = Flow(settings, wanted, file(settings.folder), show or Quiet())

    def work() -> Made:
        place = (ANY_TENANT, settings.admin_client)
        administrator = Administrator(settings.cloud, place, for_setup(flow.wish), time)
        browser = Person(str(sandbox.cloud.with_name("ca.pem")))
        try:
            with browser.showing(person) as opened:
                who = administrator.by_browser(opened, BOUND_S)
        finally:
            browser.close()
        with GraphAdmin(settings.cloud, administrator.token) as graph:
            facts, journal, rows = flow.planned(graph, who.tenant, patiently=True)
            refuse(rows)
            return flow.make(graph, facts, journal)

    return await asyncio.to_thread(work)
