"""Read the profile's persona, and put it under the body prompt.

``persona.md`` in the profile's folder is its owner's own words on tone and habits. It is
read each time it is needed; one that cannot be used is left out, and why is told.
"""

from pathlib import Path

from entraclaw import prompts

FILE = "persona.md"


def whole_prompt(folder: Path) -> str:
    """Compose the body prompt with the persona of the profile in *folder*, if it has one."""
    text = _read(folder)
    return prompts.whole("" if text is None or _fault(text) else text)


def warning(folder: Path) -> str:
    """Say why the persona of the profile in *folder* is not used; empty if it is, or is none."""
    fault = _fault(_read(folder))
    return f"{FILE} is not used: {fault}" if fault else ""


def _read(folder: Path) -> str | None:
    try:
        with (folder / FILE).open(encoding="utf-8") as file:
            return file.read(prompts.PERSONA_LIMIT + 1)
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError):
        return None


def _fault(text: str | None) -> str:
    return "it cannot be read" if text is None else prompts.persona_fault(text)
