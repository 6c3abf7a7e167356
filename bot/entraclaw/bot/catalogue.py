"""The tools behind `find_tool` and `use_tool`: named, described, checked, called.

A host sees two tools in place of many, and asks for a description only when it needs one.
Arguments that do not fit a tool's own model are refused, with the reason, before anything
happens.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from pydantic import BaseModel, ValidationError

from entraclaw.errors import ToolRefused

Result: TypeAlias = Any  # what an MCP tool may return


@dataclass(frozen=True, slots=True)
class Tool:
    """One tool.

    Attributes:
        name: As `use_tool` takes it.
        summary: One line.
        details: What it does, when not to use it, what comes back.
        arguments: What it takes.
        call: Does it, for a session.
    """

    name: str
    summary: str
    details: str
    arguments: type[BaseModel]
    call: Callable[[str, Any], Awaitable[Result]]


class Catalogue:
    """All tools that are not shown to a host from the start."""

    def __init__(self, tools: Sequence[Tool]) -> None:
        """Offer *tools*."""
        self._tools = {tool.name: tool for tool in tools}

    def find(self, words: str) -> list[dict[str, object]]:
        """Describe the tools that have one of *words* in name or summary; all for none."""
        wanted = words.lower().replace("_", " ").split()
        found = [tool for tool in self._tools.values() if not wanted or _matches(tool, wanted)]
        return [
            {
                "name": tool.name,
                "about": f"{tool.summary} {tool.details}",
                "arguments": tool.arguments.model_json_schema()["properties"],
            }
            for tool in found
        ]

    async def use(self, session: str, name: str, arguments: Mapping[str, object]) -> Result:
        """Call the tool *name* for *session*.

        Raises:
            ToolRefused: There is none, or its arguments do not fit.
            EntraclawError: As the tool does.
        """
        tool = self._tools.get(name)
        if tool is None:
            raise ToolRefused(f"there is no tool named {name!r}", hint="find_tool lists them")
        try:
            given = tool.arguments.model_validate(dict(arguments), strict=True)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            raise ToolRefused(
                f"{name} cannot take that ({where}: {first['msg']})",
                hint="find_tool shows what it takes",
            ) from None
        return await tool.call(session, given)


def _matches(tool: Tool, words: Sequence[str]) -> bool:
    text = f"{tool.name} {tool.summary}".lower().replace("_", " ")
    return any(word in text for word in words)
