"""The first instructions of every command: send the shim one way, all others another.

`entraclaw mcp` is started by every host session, so it goes straight to the shim and
never meets the command line library.
"""

import os
import sys

from entraclaw.bot import home


def main() -> int:
    """Run the command in `sys.argv`; the return value is the exit code."""
    profile = _shim_profile(sys.argv[1:], os.environ.get("ENTRACLAW_PROFILE") or home.PROFILE)
    if profile is not None:
        from entraclaw.bot import shim  # noqa: PLC0415 - only the shim pays for the shim

        return shim.run(profile)
    from entraclaw.bot import cli  # noqa: PLC0415 - and only commands pay for click

    return cli.run()


def _shim_profile(words: list[str], default: str) -> str | None:
    """Tell the profile if *words* are exactly ``[--profile NAME] mcp``, else None."""
    match words:
        case ["mcp"]:
            return default
        case ["--profile", name, "mcp"]:
            return name
        case [option, "mcp"] if option.startswith("--profile="):
            return option.removeprefix("--profile=")
        case _:
            return None
