"""Change some settings in the text of a ``config.toml``, and nothing else in it.

Comments, order and whatever else stands there stay. A text in which that cannot be done for
sure is refused, and never written anew. Pure.
"""

import json
import re
import tomllib
from collections.abc import Mapping

from entraclaw.errors import EntraclawError


def changed(text: str, values: Mapping[str, str | list[str]]) -> str:
    """Set each of *values* at the top level of *text*.

    Raises:
        EntraclawError: *text* is no TOML, or what would come of it is not what was meant.
    """
    before = _read(text)
    lines, end = _top(text)
    for key, value in values.items():
        if before.get(key) == value:
            continue
        line = f"{key} = {json.dumps(value)}"
        place = _place(lines[:end], key)
        if place is None:
            lines.insert(end, line)
            end += 1
        else:
            lines[place] = line
    return _sure(lines, {**before, **values})


def new(text: str, values: Mapping[str, str | list[str]]) -> dict[str, str | list[str]]:
    """Give those of *values* that *text* does not say yet.

    Raises:
        EntraclawError: As `changed` does.
    """
    changed(text, values)
    before = _read(text)
    return {key: value for key, value in values.items() if before.get(key) != value}


def removed(text: str, values: Mapping[str, str]) -> str:
    """Take each of *values* (in JSON) out of *text* where it is still what it was.

    Raises:
        EntraclawError: As `changed` does.
    """
    before = _read(text)
    gone = {key for key in values.keys() & before if json.dumps(before[key]) == values[key]}
    lines, end = _top(text)
    places = {_place(lines[:end], key) for key in gone}
    left = [line for number, line in enumerate(lines) if number not in places]
    return _sure(left, {key: value for key, value in before.items() if key not in gone})


def _top(text: str) -> tuple[list[str], int]:
    """Split *text* into lines, and tell where its top level ends."""
    lines = text.splitlines()
    end = next((n for n, line in enumerate(lines) if line.lstrip().startswith("[")), len(lines))
    while end and not lines[end - 1].strip():
        end -= 1
    return lines, end


def _place(lines: list[str], key: str) -> int | None:
    pattern = re.compile(rf"""\s*(?:{re.escape(key)}|"{re.escape(key)}")\s*=""")
    return next((n for n, line in enumerate(lines) if pattern.match(line)), None)


def _sure(lines: list[str], meant: Mapping[str, object]) -> str:
    text = "\n".join([*lines, ""]) if lines else ""
    try:
        is_right = tomllib.loads(text) == meant
    except tomllib.TOMLDecodeError:
        is_right = False
    if is_right:
        return text
    named = "; ".join(f"{key} = {json.dumps(value)}" for key, value in meant.items())
    raise EntraclawError(
        "config.toml is written in a way that cannot be changed for sure",
        hint=f"have it say this, by hand, and run the same command again: {named}",
    )


def _read(text: str) -> dict[str, object]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise EntraclawError(
            f"config.toml cannot be read ({error})", hint="correct it, or move it away"
        ) from None
