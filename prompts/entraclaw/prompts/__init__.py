"""What the model is told before anything else: the body prompt, from its parts.

The parts are package data, so that they are the same in a wheel and in a checkout. A
rule that matters is also code; the prompt only explains it.
"""

from importlib.resources import files

__all__ = ["LIMIT", "PARTS", "compose"]

PARTS = ("identity", "channel", "security")

# Claude Code cuts the instructions of an MCP server at about 4,096 characters.
LIMIT = 4_000


def compose() -> str:
    """Join the parts into the body prompt, at most `LIMIT` characters.

    Raises:
        ValueError: The parts have grown too long.
    """
    folder = files("entraclaw.prompts") / "text"
    text = "\n".join((folder / f"{part}.md").read_text(encoding="utf-8") for part in PARTS)
    if len(text) > LIMIT:
        raise ValueError(f"the body prompt has {len(text)} characters, more than {LIMIT}")
    return text
