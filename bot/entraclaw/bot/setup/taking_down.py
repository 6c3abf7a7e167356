"""The way of a teardown: what the tenant has of a setup, then what this machine has of it."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from entraclaw.bot.settings import Settings
from entraclaw.bot.setup.key_of import delete_key
from entraclaw.bot.setup.profile_files import JournalFile, remove_settings
from entraclaw.bot.setup.running import Running, Show
from entraclaw.errors import EntraclawError, SetupBlocked
from entraclaw.identity.provisioning import roles
from entraclaw.identity.provisioning.facts import Me
from entraclaw.identity.provisioning.graph_admin import GraphAdmin
from entraclaw.identity.provisioning.journal import Journal, Part
from entraclaw.identity.provisioning.look import who_am_i
from entraclaw.identity.provisioning.orphans import Orphan, find
from entraclaw.identity.provisioning.roles import Work
from entraclaw.identity.provisioning.undoing import Scope, scope, undo

NOTHING = "nothing was set up for this profile"


@dataclass(frozen=True, slots=True)
class Going:
    """What one teardown takes away.

    Attributes:
        journal: What setup noted.
        what: How much of it goes.
        me: Who signed in.
    """

    journal: Journal
    what: Scope
    me: Me

    @property
    def rows(self) -> tuple[tuple[str, str], ...]:
        """What goes, and its id or name, in that order."""
        journal = self.journal
        parts = [(part.value, journal.id_of(part)) for part in self.what.parts]
        stays: list[tuple[str, str]] = []
        if Part.USER not in self.what.parts and journal.has_all:
            stays += [("licence", sku) for sku in journal.licences]
            stays += [("consent", " ".join(names)) for names in journal.scopes.values()]
            stays += [("sponsor", oid) for oid in journal.sponsors]
        if self.what.keeps_blueprint:
            stays += [("certificate", one) for one in journal.certificates.values()]
            stays += [("endpoint", journal.endpoint)] if journal.endpoint else []
        local = [("key", "of this machine")] if journal.has_key else []
        local += [("settings", ", ".join(journal.settings))] if journal.settings else []
        return (*parts, *stays, *local)

    @property
    def in_bin(self) -> tuple[str, ...]:
        """What stays in the directory's bin for 30 days."""
        return tuple(part.value for part in self.what.parts)


class TakingDown:
    """One teardown of one profile, or of what has no profile."""

    def __init__(self, settings: Settings, show: Show) -> None:
        """Take down what *settings* name the cloud and the folder of."""
        self._settings, self._show = settings, show
        self._file = JournalFile(settings.folder)

    def journal(self) -> Journal:
        """Read what setup noted.

        Raises:
            EntraclawError: Nothing was set up.
            JournalUnreadable: It cannot be read.
        """
        journal = self._file.read()
        if journal is None:
            raise EntraclawError(
                NOTHING,
                hint="`entraclaw teardown --orphans` finds what bears a mark of ours and has no"
                " journal here",
            )
        if journal.login != self._settings.cloud.login:
            raise EntraclawError(
                f"it was set up at {journal.login}, and cloud names another",
                hint="correct cloud in config.toml",
            )
        return journal

    def planned(self, graph: GraphAdmin, journal: Journal, *, keep_blueprint: bool) -> Going:
        """Say what goes; nothing is changed.

        Raises:
            CallRefused: Whoever signed in may not look.
        """
        running = self._running(graph, self._file)
        me = running.run(who_am_i())
        what = running.run(scope(journal, keep_blueprint=keep_blueprint))
        return Going(journal, what, me)

    def refuse(self, going: Going) -> None:
        """Refuse what would harm others, or stop half-way.

        Raises:
            SetupBlocked: Another agent has the same blueprint, or a role is missing.
        """
        if going.what.siblings and not going.what.keeps_blueprint:
            raise SetupBlocked(
                f"{going.what.siblings} other agent identities have the same blueprint",
                hint="delete those first; or --keep-blueprint takes down this agent alone",
            )
        if going.what.parts and not roles.may(going.me.roles, Work.AGENTS):
            role = roles.who_may(Work.AGENTS)
            raise SetupBlocked(
                "you have no role that deletes agents; nothing was deleted",
                hint=f"have somebody with the role {role} run this",
            )

    def take(self, graph: GraphAdmin, going: Going) -> None:
        """Take down what the tenant has, then what this machine has.

        Raises:
            EntraclawError: Something was refused; what went before is struck out.
        """
        running = self._running(graph, self._file)
        self._take_here(running.run(undo(going.journal, going.what, time.time)))

    def orphans(self, graph: GraphAdmin, tenant: str) -> tuple[Orphan, ...]:
        """Find what bears a mark of ours and has no journal on this machine.

        Raises:
            CallRefused: Whoever signed in may not look.
        """
        known = {one.mark for one in journals(self._settings.folder.parent)}
        steps = find(self._settings.cloud.login, tenant, known)
        return self._running(graph, None).run(steps)

    def take_orphan(self, graph: GraphAdmin, orphan: Orphan) -> None:
        """Delete what bears the mark of *orphan*.

        Raises:
            SetupBlocked: Another agent has the same blueprint, or a role is missing.
            CallRefused: Something was refused.
        """
        running = self._running(graph, None)
        me = running.run(who_am_i())
        what = running.run(scope(orphan.journal, keep_blueprint=False))
        self.refuse(Going(orphan.journal, what, me))
        running.run(undo(orphan.journal, what, time.time))

    def _take_here(self, journal: Journal) -> None:
        self._show.begin("this machine", "its key, its settings")
        if journal.has_key:
            delete_key(self._settings)
            journal = replace(journal, has_key=False)
            self._file.keep(journal)
        remove_settings(self._settings.folder, journal.settings)
        self._file.remove()

    def _running(self, graph: GraphAdmin, file: JournalFile | None) -> Running:
        return Running.by(graph, file.keep if file else lambda _: None, self._show)


def journals(home: Path) -> Sequence[Journal]:
    """Read what every profile in *home* set up; one that cannot be read hinders.

    Raises:
        JournalUnreadable: Nobody knows what that profile's mark is.
    """
    found = [JournalFile(path).read() for path in sorted(home.glob("*/"))]
    return [one for one in found if one is not None]
