import re
from importlib.resources import files

import pytest
from fastmcp import Client

from entraclaw import prompts
from entraclaw.bot.bridge import build
from entraclaw.bot.settings import Settings
from entraclaw.bot.whoami import WhoAmI


def test_body_fits_where_hosts_cut_it() -> None:
    assert 0 < len(prompts.compose()) <= prompts.LIMIT <= 4000


@pytest.mark.parametrize("part", prompts.PARTS)
def test_every_part_is_in_the_body_in_whole(part: str) -> None:
    text = (files(prompts) / "text" / f"{part}.md").read_text(encoding="utf-8")

    assert text.startswith("# ")
    assert text in prompts.compose()


def test_every_part_that_is_shipped_is_used() -> None:
    shipped = {path.name for path in (files(prompts) / "text").iterdir()}

    assert shipped == {f"{part}.md" for part in prompts.PARTS}


def test_parts_follow_each_other_in_the_order_they_are_listed_in() -> None:
    headings = re.findall(r"^# .+$", prompts.compose(), re.MULTILINE)

    assert len(headings) == len(prompts.PARTS)
    assert headings[0] == "# Who you are here"


def test_body_that_has_grown_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prompts, "LIMIT", 10)

    with pytest.raises(ValueError, match="more than 10"):
        prompts.compose()


async def test_body_names_no_tool_and_no_argument_that_is_not_there(tmp_path: object) -> None:
    """Ours: what stands in backticks can be called, passed, or read in an answer."""
    settings = Settings.read({"ENTRACLAW_HOME": str(tmp_path)}, "default")
    async with Client(build(None, WhoAmI(settings), "0")) as client:
        tools = {tool.name: tool for tool in await client.list_tools()}

    arguments = {name for tool in tools.values() for name in tool.input_schema["properties"]}
    quoted = set(re.findall(r"`([^`]+)`", prompts.compose()))
    assert quoted <= tools.keys() | arguments | {"from.relation"}
    assert {"read_messages", "reply", "whoami"} <= quoted
