"""Install the plugin for one user of Claude Code: its files, and their settings.

Claude Code loads an enabled plugin of a known directory when a session starts, so its own
program is not needed here. The settings are read, changed and replaced in one step; what
was put in is noted in the profile, so that it can be taken out.
"""

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from entraclaw.bot import claude_settings, plugin_copy
from entraclaw.bot.claude_settings import Change, Json, NotOurs
from entraclaw.errors import EntraclawError

_BACKUP = ".before-entraclaw"
_CURE = "correct that file, or move it away and run this again"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was done, or would be.

    Attributes:
        settings: The file that is changed.
        folder: Where the plugin is.
        changed: What was put in or taken out, by name.
        backup: The settings as they were before the first change; None if there were none.
    """

    settings: Path
    folder: Path
    changed: tuple[str, ...]
    backup: Path | None

    def document(self) -> dict[str, object]:
        """Shape it for programs."""
        return {
            "settings": str(self.settings),
            "plugin": str(self.folder),
            "changed": list(self.changed),
            "backup": str(self.backup) if self.backup else None,
        }


class Connection:
    """One profile and one file of settings."""

    def __init__(self, profile: Path, settings: Path) -> None:
        """Connect the profile in *profile* for whoever *settings* are."""
        self._folder = profile.absolute() / "claude"
        self._record = self._folder / "connected.json"
        # Settings that are a link (to a folder of dot files) stay one.
        self._settings = settings.absolute().resolve()
        self._backup = self._settings.with_name(self._settings.name + _BACKUP)

    def connect(self, rendered: Mapping[str, str], *, plan: bool = False) -> Outcome:
        """Write the plugin and make it known; twice is as once.

        Raises:
            EntraclawError: The settings cannot be read, or cannot be written.
        """
        before = self._read()
        wish = claude_settings.wanted(
            plugin_copy.NAME, str(self._folder), plugin_copy.PLUGIN, [plugin_copy.TOOLS]
        )
        try:
            after, made = claude_settings.put_in(before, wish)
        except NotOurs as error:
            raise EntraclawError(f"{self._settings}: {error}", hint=_CURE) from None
        if not plan:
            noted = self._noted()
            _write_all(self._folder, rendered)
            if not noted:
                self._keep_backup()
            self._note(claude_settings.merged(noted, made))
            if made:
                self._replace(after)
        return self._outcome(made)

    def undo(self, *, plan: bool = False) -> Outcome:
        """Take out what was put in, and the plugin's files; nothing is no error.

        Raises:
            EntraclawError: The settings cannot be read, or cannot be written.
        """
        made = self._noted()
        before = self._read()
        after = claude_settings.take_out(before, made)
        if not plan:
            if after != before:
                self._put_back(after)
            self._forget()
        return self._outcome(made if after != before else [])

    def _outcome(self, made: list[Change]) -> Outcome:
        changed = tuple(
            f"{'.'.join(one.path)} {one.value}" if one.in_list else ".".join(one.path)
            for one in made
            if one.value not in ({}, [])  # what only holds the others
        )
        return Outcome(
            self._settings, self._folder, changed, self._backup if self._backup.exists() else None
        )

    def _read(self) -> Json:
        try:
            document: object = json.loads(self._settings.read_text(encoding="utf-8") or "{}")
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise EntraclawError(f"{self._settings} cannot be read ({error})", hint=_CURE) from None
        if not isinstance(document, dict):
            raise EntraclawError(f"{self._settings} holds no JSON object", hint=_CURE)
        return cast("Json", document)

    def _keep_backup(self) -> None:
        if self._settings.exists():
            shutil.copy2(self._settings, self._backup)
        else:
            self._backup.unlink(missing_ok=True)

    def _put_back(self, document: Json) -> None:
        if document or self._backup.exists():
            self._replace(document)
        else:
            self._settings.unlink()  # it was not there before

    def _replace(self, document: Json) -> None:
        mode = self._settings.stat().st_mode & 0o777 if self._settings.exists() else 0o600
        text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
        try:
            self._settings.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _replace(self._settings, text, mode)
        except OSError as error:
            raise EntraclawError(
                f"{self._settings} cannot be written ({error.strerror})", hint="nothing was changed"
            ) from None

    def _records(self) -> dict[str, list[dict[str, Any]]]:
        """Read what was put in, by the file it was put into."""
        try:
            records: dict[str, list[dict[str, Any]]] = json.loads(
                self._record.read_text(encoding="utf-8")
            )
        except FileNotFoundError:
            return {}
        except ValueError as error:
            raise EntraclawError(f"{self._record} cannot be read ({error})", hint=_CURE) from None
        return records

    def _noted(self) -> list[Change]:
        return claude_settings.from_json(self._records().get(str(self._settings), []))

    def _note(self, made: list[Change]) -> None:
        records = {**self._records(), str(self._settings): claude_settings.to_json(made)}
        _replace(self._record, json.dumps(records, indent=2) + "\n", 0o600)

    def _forget(self) -> None:
        """Drop the note, and the plugin with the last one."""
        records = self._records()
        records.pop(str(self._settings), None)
        if records:
            _replace(self._record, json.dumps(records, indent=2) + "\n", 0o600)
        else:
            shutil.rmtree(self._folder, ignore_errors=True)


def _write_all(folder: Path, rendered: Mapping[str, str]) -> None:
    """Write the plugin's files; those of an older version that are no more go away."""
    root = folder / "plugins"
    stale = {path for path in root.rglob("*") if path.is_file()}
    for name, text in rendered.items():
        path = folder / name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _replace(path, text, 0o600)
        stale.discard(path)
    for path in stale:
        path.unlink()


def _replace(path: Path, text: str, mode: int) -> None:
    """Write a file in one step: whoever reads it meanwhile sees the old one or the new one."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        fresh.write_text(text, encoding="utf-8")
        fresh.chmod(mode)
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)
