"""Know what setup made by a mark that it leaves, never by a name that people may give twice.

Each profile has a mark of its own, a GUID that is made once. It goes into the ``tags`` of
what can have tags; an agent user has none, and is known by the agent identity it belongs to.

Pure. https://learn.microsoft.com/graph/api/resources/application#properties
"""

from collections.abc import Iterable, Mapping
from typing import cast

PRODUCT = "entraclaw"  # on everything that any profile made, anywhere
_BEGINNING = f"{PRODUCT}:"


def tags(mark: str) -> list[str]:
    """Write the tags of what the profile with *mark* makes."""
    return [PRODUCT, f"{_BEGINNING}{mark}"]


def tag(mark: str) -> str:
    """Write the one tag that nobody else's things have."""
    return f"{_BEGINNING}{mark}"


def mark_of(document: Mapping[str, object]) -> str:
    """Read whose mark an object bears; empty if nobody's."""
    value = document.get("tags")
    found: Iterable[object] = cast("list[object]", value) if isinstance(value, list) else ()
    named = [one for one in found if isinstance(one, str) and one.startswith(_BEGINNING)]
    return named[0].removeprefix(_BEGINNING) if named else ""
