"""The service of a profile on this machine: its manager, and this very interpreter."""

import sys
from collections.abc import Mapping
from pathlib import Path

from entraclaw.bot.services.launchd import Launchd
from entraclaw.bot.services.managers import Manager
from entraclaw.bot.services.program import Program
from entraclaw.bot.services.scheduler import Scheduler, windowless
from entraclaw.bot.services.service import Seen, Service
from entraclaw.bot.services.systemd import Systemd
from entraclaw.bot.settings import profile_folder


def manager_of(environ: Mapping[str, str], platform: str) -> Manager | None:
    """Choose the service manager of *platform*, as `sys.platform`; None where we know of none."""
    is_home_known = bool(environ.get("HOME"))
    match platform:
        case "win32":
            return Scheduler(environ)
        case "darwin" if is_home_known:
            return Launchd(environ)
        case "linux" if is_home_known:
            return Systemd(environ)
        case _:
            return None


def service_of(environ: Mapping[str, str], profile: str) -> Service | None:
    """Make the service of *profile*; None where no service manager is known.

    Raises:
        BadSettings: *profile* is no plain name, or nothing says where profiles live.
    """
    manager = manager_of(environ, sys.platform)
    if manager is None:
        return None
    # Absolute, but not resolved: a virtual environment's interpreter is a link.
    python = str(Path(sys.executable).absolute())
    home = str(profile_folder(environ, profile).absolute().parent)
    is_windows = sys.platform == "win32"
    return Service(manager, Program(windowless(python) if is_windows else python, home, profile))


def seen(environ: Mapping[str, str], profile: str) -> Seen | None:
    """See whether *profile* has a service here; None if it has none."""
    service = service_of(environ, profile)
    return service.look() if service else None
