"""What `entraclaw doctor` looks at on this machine: each check is one line, and its cure.

A check changes nothing, needs no daemon, and disturbs none that runs. What can be put
right without a choice has a remedy as well, which `--fix` applies.
"""

import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from entraclaw.bot.access_file import AccessFile
from entraclaw.bot.diagnosis.finding import Finding
from entraclaw.bot.inbox_look import Look, look
from entraclaw.bot.lifecycle import State
from entraclaw.bot.profile_lock import ProfileLock
from entraclaw.bot.services.here import seen
from entraclaw.bot.synced import synced
from entraclaw.errors import AccessUnreadable, InboxUnreadable, KeyUnavailable, Locked

_T = TypeVar("_T")

ENOUGH_BYTES = 256_000_000  # free space below which a flood could fill the disk

_OTHERS = 0o077
_NEEDS = {
    State.AMBIGUOUS: "answered, and nobody knows whether the answer arrived",
    State.DEAD: "given up, and nobody answers what was asked",
}


@dataclass(frozen=True, slots=True)
class Patient:
    """The profile that is looked at.

    Attributes:
        folder: Its folder.
        environ: The environment.
    """

    folder: Path
    environ: Mapping[str, str]

    @property
    def inbox(self) -> Path:
        """The inbox's file."""
        return self.folder / "inbox.db"


Check = Callable[[Patient], Finding | None]


def examine(patient: Patient, *, fix: bool) -> list[Finding]:
    """Make every check that applies, and where *fix* says so apply what remedies there are."""
    findings = list(_findings(patient))
    remedies = [finding.remedy for finding in findings if finding.remedy is not None]
    if not (fix and remedies):
        return findings
    for remedy in remedies:
        remedy()
    return list(_findings(patient))


def glance(patient: Patient) -> list[Finding]:
    """Make the checks that take no time, whatever is in the inbox."""
    checks = (check for check in CHECKS if check is not _integrity)
    return [found for check in checks if (found := check(patient)) is not None]


def warning(folder: Path, platform: str, environ: Mapping[str, str]) -> str:
    """Say that *folder* is one that a service copies; empty if none is known to."""
    # Links are followed: it is often a link in the home that leads there.
    names = (synced(str(one), platform, environ) for one in (folder, folder.resolve()))
    service = next(filter(None, names), "")
    if not service:
        return ""
    return (
        f"{folder} is copied by {service}, which can damage the inbox and takes along what"
        " people said"
    )


def _findings(patient: Patient) -> Iterator[Finding]:
    return (found for check in CHECKS if (found := check(patient)) is not None)


def _file(patient: Patient) -> Finding:
    name = "inbox file"
    if not patient.inbox.exists():
        return Finding(name, "there is none yet: the daemon makes it when it starts")
    try:
        with look(patient.inbox) as seen:
            newest = seen.newest()
    except InboxUnreadable as error:
        return Finding(name, str(error), error.hint)
    return Finding(name, f"opens, and has this version's schema; entry {newest} is the last")


def _integrity(patient: Patient) -> Finding | None:
    name = "integrity"
    cure = f"stop the daemon, then: mv {patient.inbox} {patient.inbox}.damaged"
    if _ask(patient, Look.version) is None:
        return None  # no file, or none that opens: that is another line's
    damage = _ask(patient, Look.damage)
    if damage == "":
        return Finding(name, "SQLite finds no damage in it")
    said = "it breaks off" if damage is None else damage.splitlines()[0][:120]
    return Finding(name, f"SQLite finds damage in the inbox: {said}", cure)


def _person(patient: Patient) -> Finding | None:
    name = "entries"
    counts = _ask(patient, Look.count)
    if counts is None:
        return None
    for state, says in _NEEDS.items():
        number = counts.get(state, 0)
        if number:
            many = "1 entry was" if number == 1 else f"{number:,} entries were"
            return Finding(name, f"{many} {says}", f"entraclaw inbox list --state {state}")
    return Finding(name, "none needs a person")


def _modes(patient: Patient) -> Finding | None:
    if os.name != "posix" or not patient.folder.exists():
        return None
    keys = patient.folder / "keys"  # which an unsafe-file store refuses when it is open
    found = [*patient.folder.glob("inbox.db*"), *patient.folder.glob("keys"), *keys.glob("*")]
    paths = [patient.folder, *sorted(found)]
    open_ones = [path for path in paths if path.stat().st_mode & _OTHERS]
    if not open_ones:
        return Finding("modes", "the folder, the inbox and keys are for their owner only")

    def close() -> None:
        for path in open_ones:
            path.chmod(0o700 if path.is_dir() else 0o600)

    names = ", ".join(path.name for path in open_ones)
    says = f"other users of this machine may look into {names}"
    return Finding("modes", says, "entraclaw doctor --fix", close)


def _place(patient: Patient) -> Finding:
    problem = warning(patient.folder, sys.platform, patient.environ)
    if problem:
        cure = "move it to a folder that stays here, and set ENTRACLAW_HOME to that"
        return Finding("home", problem, cure)
    return Finding("home", f"{patient.folder} is in no folder that a service copies")


def _disk(patient: Patient) -> Finding:
    at = next(path for path in (patient.folder, *patient.folder.parents) if path.exists())
    free = shutil.disk_usage(at).free
    says = f"{free / 1e9:.1f} GB free"
    if free < ENOUGH_BYTES:
        says = f"only {free / 1e6:.0f} MB are free; a full disk takes no message"
        return Finding("disk", says, f"make room on the disk of {at}")
    return Finding("disk", says)


def _access(patient: Patient) -> Finding:
    name = "access list"
    try:
        listed = AccessFile(patient.folder).load()
    except (AccessUnreadable, KeyUnavailable) as error:
        return Finding(name, str(error), error.hint or "docs/proof.md")
    return Finding(name, f"can be read; {len(listed.allowed)} allowed by it")


def _lock(patient: Patient) -> Finding:
    try:
        ProfileLock(patient.folder).check()
    except Locked as error:
        return Finding("lock", str(error), error.hint)
    return Finding("lock", "the profile is not locked")


def _service(patient: Patient) -> Finding | None:
    service = seen(
        {**patient.environ, "ENTRACLAW_HOME": str(patient.folder.parent)}, patient.folder.name
    )
    if service is None:
        return None  # a host starts the daemon, or a person does
    return Finding("service", service.says, service.trouble.cure if service.trouble else "")


def _ask(patient: Patient, question: Callable[[Look], _T]) -> _T | None:
    """Ask the inbox, of whatever version; None where it cannot be asked."""
    try:
        with look(patient.inbox, any_version=True) as seen:
            return question(seen)
    except InboxUnreadable:
        return None


# In the order a person should go about them. What is added later adds its checks here.
CHECKS: tuple[Check, ...] = (
    _place,
    _disk,
    _modes,
    _file,
    _integrity,
    _access,
    _lock,
    _service,
    _person,
)
