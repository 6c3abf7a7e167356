"""Mark what is said in a person's name as sent by the agent. Pure.

Code puts the line there, in whatever is posted as that person, so that no tool and no model
can leave it out. In HTML it comes first: nothing that follows can close, hide or comment
out what stands before it. In plain text it is the last line.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import cast

from entraclaw.errors import ToolRefused

_NAME_LIMIT = 64
_LINE = re.compile(r"^— Sent by \S.* for \S.*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Mark:
    """Who sends, and for whom; names as people know them."""

    agent: str
    person: str

    @property
    def line(self) -> str:
        """What everybody reads."""
        return f"— Sent by {_name(self.agent)} for {_name(self.person)}"


def marked(document: Mapping[str, object], mark: Mark) -> Mapping[str, object]:
    """Put the line into a message that is about to be posted.

    Raises:
        ToolRefused: It has no place for the line, so it is not sent.
    """
    body = document.get("body")
    empty: Mapping[str, object] = {}
    part = cast("Mapping[str, object]", body) if isinstance(body, dict) else empty
    kind, content = part.get("contentType"), part.get("content")
    if not isinstance(content, str) or kind not in {"text", "html"}:
        raise ToolRefused("this cannot be marked as sent for somebody, so it is not sent")
    line = mark.line
    whole = f"{content}\n\n{line}" if kind == "text" else f"<p><em>{escape(line)}</em></p>{content}"
    return {**document, "body": {**part, "content": whole}}


def is_marked(text: str) -> bool:
    """Tell whether *text*, as people read it, says that it was sent for somebody."""
    return _LINE.search(text) is not None


def _name(name: str) -> str:
    """Keep a name on one line, and what it is made of visible."""
    shown = "".join(char if char.isprintable() else " " for char in name)
    return " ".join(shown.split())[:_NAME_LIMIT] or "somebody"
