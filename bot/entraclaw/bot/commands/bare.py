"""`entraclaw`, and nothing behind it: how things are, and the one next step."""

import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

from rich.table import Table
from rich.text import Text

from entraclaw.bot.commands.showing import console, folder_of, safe
from entraclaw.bot.commands.status import counts, show
from entraclaw.bot.inbox_look import look
from entraclaw.bot.keystores import ProfileKey
from entraclaw.bot.local_client import ask
from entraclaw.bot.services.here import seen
from entraclaw.bot.settings import Settings
from entraclaw.bot.wellness import Resting
from entraclaw.errors import BadSettings, InboxUnreadable, KeyUnavailable, NotAnswering, NotRunning

_KEY_S = 3.0  # a keystore that asks somebody is not waited for


def run(profile: str) -> None:
    """Show the status of *profile*, running or not; exit 1 if no daemon runs."""
    folder = folder_of(profile)
    try:
        service = seen(os.environ, profile)
        document = {**ask(str(folder)), "service": service.document() if service else None}
    except NotAnswering:
        raise
    except NotRunning:
        _show_resting(profile, folder)
        sys.exit(1)
    show(document, folder)


def _show_resting(profile: str, folder: Path) -> None:
    out = console()
    settings, resting = _resting(profile)
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column(overflow="fold")
    grid.add_row("daemon", Text.assemble(("○ ", "dim"), "not running"))
    grid.add_row("profile", safe(f"{profile}, in {folder}"))
    for name, value in _rows(settings, resting, folder):
        grid.add_row(name, value)
    out.print(grid)
    out.print(Text.assemble("\n", ("next step  ", "bold"), (resting.step, "cyan")))


def _rows(settings: Settings | None, resting: Resting, folder: Path) -> Iterator[tuple[str, Text]]:
    if settings is None:
        yield "settings", safe(resting.problems, "red")
    elif settings.agent is None:
        yield "agent", Text("none yet: config.toml names none")
    else:
        yield "agent", safe(settings.agent.user or settings.agent.bot)
        yield "acts as", safe(settings.acts_as)
        said = {True: "there", False: "there is none yet", None: "its store did not answer"}
        yield "key", Text(said[resting.has_key])
    try:
        with look(folder / "inbox.db") as seen:
            yield "inbox", counts({state.value: number for state, number in seen.count().items()})
    except InboxUnreadable:
        pass  # there is none yet, or the doctor says what is wrong with it


def _resting(profile: str) -> tuple[Settings | None, Resting]:
    try:
        settings = Settings.read(os.environ, profile)
    except BadSettings as error:
        return None, Resting(str(error), has_agent=False, has_key=None)
    if settings.agent is None:
        return settings, Resting("", has_agent=False, has_key=None)
    return settings, Resting("", has_agent=True, has_key=_has_key(settings))


def _has_key(settings: Settings) -> bool | None:
    found: list[bool] = []

    def find() -> None:
        try:
            ProfileKey(settings).held()
        except KeyUnavailable:
            found.append(False)
        else:
            found.append(True)

    thread = threading.Thread(target=find, name="key", daemon=True)
    thread.start()
    thread.join(_KEY_S)
    return next(iter(found), None)
