"""The agent that has launchd run a profile's daemon while its user is logged in.

launchd starts anew what ends with anything but 0, ten seconds after its last start at the
soonest; it knows no other code and no pauses that grow. So the keeper has both. Pure.

Contract: launchd.plist(5), https://keith.github.io/xcode-man-pages/launchd.plist.5.html
"""

import plistlib

from entraclaw.bot.services import tag
from entraclaw.bot.services.program import Program
from entraclaw.bot.services.unit import STOP_S

_MADE = "Made by `entraclaw service install`, taken out by `entraclaw service remove`."


def render(program: Program) -> str:
    """Write the property list of *program*."""
    document = {
        "Label": program.name,
        "ProgramArguments": list(program.words),
        "RunAtLoad": True,
        "KeepAlive": {"SuccessfulExit": False},
        "ExitTimeOut": STOP_S,
        # Else the system slows it down as something that nobody waits for.
        "ProcessType": "Interactive",
        "StandardErrorPath": program.log,
        "Umask": 0o077,
    }
    text = plistlib.dumps(document, sort_keys=False).decode()
    made = text.replace("<dict>", f"<!-- {_MADE} -->\n<!-- {tag.HERE} -->\n<dict>", 1)
    return tag.signed(made, program)
