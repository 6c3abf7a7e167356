"""The sandbox's own profile: found, emptied, provisioned anew each time.

It is the one profile whose key is a plain file: the tenant it opens is emulated and ends
with the sandbox.
"""

import os
from dataclasses import asdict
from pathlib import Path

from entraclaw.bot import lock
from entraclaw.bot.settings import profile_folder
from entraclaw.bot.tenant import Hired, Tenant
from entraclaw.errors import BadSettings, Problem
from entraclaw.identity.cloud import find
from entraclaw.identity.keys import Binding
from entraclaw.identity.keys.file import UnsafeFileKeyStore

PROFILE = "sandbox"
_CLOUD = "tenant/cloud.toml"


def own_folder() -> Path:
    """Find the sandbox's profile and empty it of the last run.

    Raises:
        BadSettings: A profile of that name exists which the sandbox did not make.
    """
    folder = profile_folder(os.environ, PROFILE).absolute()
    config = folder / "config.toml"
    if config.exists() and f'cloud = "{_CLOUD}"' not in config.read_text(encoding="utf-8"):
        raise BadSettings(
            [Problem("profile", f"{folder} is not the sandbox's own", "rename that profile")]
        )
    with lock.hold(folder):  # a sandbox that still runs keeps its files
        for left in (*folder.glob("inbox.db*"), *folder.glob("keys/*.key"), config):
            left.unlink(missing_ok=True)
    return folder


def environment(folder: Path) -> dict[str, str]:
    """Copy our environment without settings: the sandbox's profile is what its file says."""
    kept = {name: value for name, value in os.environ.items() if "ENTRACLAW_" not in name}
    return {**kept, "ENTRACLAW_HOME": str(folder.parent)}


async def provision(tenant: Tenant, folder: Path) -> Hired:
    """Make a key, hire an agent with its certificate, and write the profile."""
    cloud = find(_CLOUD, folder)
    store = UnsafeFileKeyStore(folder / "keys")
    key = store.create(PROFILE, Binding(cloud.login, await tenant.home()))
    agent = await tenant.hire(key.certificate)
    ids = {name: value for name, value in asdict(agent.ids).items() if value}
    settings = {"cloud": _CLOUD, **ids, "key_store": "unsafe-file"}
    lines = ["# Written anew by `entraclaw sandbox` each time it starts."]
    lines += [f'{name} = "{value}"' for name, value in settings.items()]
    text = "\n".join([*lines, "port = 0", ""])
    (folder / "config.toml").write_text(text, encoding="utf-8")
    return agent
