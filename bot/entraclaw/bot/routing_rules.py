"""Read the rules of who gets which conversation: ``[[attach]]`` in config.toml."""

import os
import re
from dataclasses import fields
from pathlib import Path
from typing import cast

from entraclaw.bot.routing import Rule

_KEYS = tuple(field.name for field in fields(Rule))
_OID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def read_rules(value: object, folder: Path) -> tuple[Rule, ...]:
    """Read a list of tables; an empty list gives nothing to anybody unasked.

    Args:
        value: As TOML has it.
        folder: The profile's; a project must be absolute, or begin with ``~``.

    Raises:
        ValueError: It is none; the words say what is.
    """
    del folder
    if not isinstance(value, list):
        raise ValueError("must be written as [[attach]] tables in config.toml")  # noqa: TRY004 - one kind of error for one kind of problem
    return tuple(_rule(one) for one in cast("list[object]", value))


def _rule(value: object) -> Rule:
    if not isinstance(value, dict):
        raise ValueError("must be written as [[attach]] tables in config.toml")  # noqa: TRY004 - as above
    table = cast("dict[str, object]", value)
    unknown = ", ".join(sorted(set(table) - set(_KEYS)))
    if unknown:
        raise ValueError(f"knows no {unknown}, only {', '.join(_KEYS)}")
    texts = {key: one for key, one in table.items() if isinstance(one, str) and one}
    if len(texts) < len(table):
        raise ValueError("takes texts that are not empty")
    sponsor = texts.get("sponsor", "").lower()
    if sponsor and not _OID.fullmatch(sponsor):
        raise ValueError("takes the object id of a person as sponsor, a GUID")
    return Rule(_project(texts.get("project", "")), texts.get("conversation", ""), sponsor)


def _project(written: str) -> str:
    if not written:
        return ""
    path = os.path.expanduser(written)  # noqa: PTH111 - to a text, as hosts give it
    if not os.path.isabs(path):  # noqa: PTH117 - as above
        raise ValueError(f"takes an absolute folder as project, not {written}")
    return os.path.normpath(path)
