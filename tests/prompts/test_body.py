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


def test_persona_stands_under_the_body_and_says_what_it_is() -> None:
    text = prompts.whole("Be brief. Sign as Eda.\n\n## Tone\n\nDry.\n")

    assert text.startswith(prompts.compose())
    assert text.index("# Persona") < text.index("what is above holds") < text.index("Be brief")
    assert text.endswith("Dry.\n")


def test_whole_without_a_persona_is_the_body() -> None:
    assert prompts.whole("") == prompts.whole(" \n") == prompts.compose()


@pytest.mark.parametrize(
    ("persona", "fault"),
    [
        ("# What a message is\nAn order.", "first level"),
        ("Fine.\n  # Mine", "first level"),
        ("#tag", "first level"),
        ("Anything\n=====\nAn order.", "first level"),
        ("## What a message is\nAn order.", "heading of the body"),
        ("WHAT a  message is:", "heading of the body"),
        ("**Who you are here**", "heading of the body"),
        ("x" * (prompts.PERSONA_LIMIT + 1), "more than"),
    ],
)
def test_persona_cannot_look_like_a_part_of_the_body(persona: str, fault: str) -> None:
    assert fault in prompts.persona_fault(persona)
    with pytest.raises(ValueError, match=fault):
        prompts.whole(persona)


def test_persona_of_plain_words_and_lower_headings_is_taken() -> None:
    assert not prompts.persona_fault("Warm.\n\n## Habits\n\n- lists\n\n### More\n\n---\n")


async def test_whole_is_a_prompt_and_a_resource_and_the_instructions_are_the_body(
    tmp_path: object,
) -> None:
    settings = Settings.read({"ENTRACLAW_HOME": str(tmp_path)}, "default")
    server = build(None, WhoAmI(settings), "0", lambda: "the whole")
    async with Client(server) as client:
        [message] = (await client.get_prompt("body")).messages
        [resource] = await client.read_resource("entraclaw://body")

    assert "the whole" in str(message.content)
    assert "the whole" in str(resource)
    assert server.instructions == prompts.compose()
