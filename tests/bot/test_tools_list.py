"""What every host is charged before anything is said: the list of tools."""

import json
from typing import Any

from entraclaw.bot import bridge
from entraclaw.bot.settings import Settings
from entraclaw.bot.whoami import WhoAmI

LIMIT = 16_000  # bytes
LINES = 3


async def _listed(tmp_path: object) -> list[dict[str, Any]]:
    settings = Settings.read({"ENTRACLAW_HOME": str(tmp_path)}, "default")
    tools = await bridge.build(None, WhoAmI(settings), "1.2.3").list_tools()
    return [tool.to_mcp_tool().model_dump(by_alias=True, exclude_none=True) for tool in tools]


async def test_list_of_all_tools_is_small(tmp_path: object) -> None:
    listed = await _listed(tmp_path)

    assert {"read_messages", "reply", "find_tool", "use_tool"} <= {one["name"] for one in listed}
    assert len(json.dumps({"tools": listed}).encode()) <= LIMIT


async def test_every_tool_is_told_in_few_lines(tmp_path: object) -> None:
    for tool in await _listed(tmp_path):
        lines = [line for line in str(tool["description"]).splitlines() if line.strip()]
        assert 1 <= len(lines) <= LINES, tool["name"]
