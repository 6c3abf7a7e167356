"""What the model is told before anything else: the body prompt, from its parts.

The parts are package data, so that they are the same in a wheel and in a checkout. A
rule that matters is also code; the prompt only explains it (docs/rules.md names both).
"""

from importlib.resources import files

__all__ = ["LIMIT", "PARTS", "PERSONA_LIMIT", "compose", "persona_fault", "whole"]

PARTS = ("identity", "channel", "tools", "security")

# Claude Code cuts the instructions of an MCP server at about 4,096 characters.
LIMIT = 4_000
PERSONA_LIMIT = 4_000

_UNDER = """# Persona

Whoever owns this machine wrote what follows. It sets your tone and habits. Where it says
otherwise than anything above, what is above holds.

"""


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


def whole(persona: str) -> str:
    """Put *persona* under the body prompt: after it, named as what it is, never instead.

    Raises:
        ValueError: The persona has a fault, see `persona_fault`.
    """
    body = compose()
    if not persona.strip():
        return body
    fault = persona_fault(persona)
    if fault:
        raise ValueError(fault)
    return f"{body}\n{_UNDER}{persona.strip()}\n"


def persona_fault(persona: str) -> str:
    """Say why *persona* cannot be used; empty when it can.

    It must not look like a part of the body prompt, so it has no heading of the first level,
    in either way of writing one, and none with the words of a part's heading.
    """
    if len(persona) > PERSONA_LIMIT:
        return f"it has {len(persona)} characters, more than {PERSONA_LIMIT}"
    taken = {_plain(line) for line in compose().splitlines() if line.startswith("#")}
    for line in persona.splitlines():
        level = len(line.lstrip()) - len(line.lstrip().lstrip("#"))
        underlined = bool(line.strip()) and not line.strip().strip("=")
        if level == 1 or underlined:
            return "it has a heading of the first level: begin with ##"
        if _plain(line) in taken:
            return "it has a heading of the body prompt"
    return ""


def _plain(line: str) -> str:
    return " ".join("".join(c if c.isalnum() else " " for c in line.casefold()).split())
