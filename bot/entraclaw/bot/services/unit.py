"""The unit that has systemd run a profile's daemon for its user.

What ends with 2 has wrong settings, which no new start puts right. systemd itself has pauses
that grow only since version 254, so the keeper has them, and systemd restarts the keeper.
Pure.

Contract: https://www.freedesktop.org/software/systemd/man/latest/systemd.service.html
"""

from entraclaw.bot.services import tag
from entraclaw.bot.services.program import Program

STOP_S = 30  # the daemon takes 15 s at most to end in its order

_TEXT = """\
# Made by `entraclaw service install`, taken out by `entraclaw service remove`.
# Changes belong into `systemctl --user edit {name}`.
# {tag}

[Unit]
Description=Entraclaw, profile {profile}

[Service]
ExecStart={command}
Restart=on-failure
RestartSec=5
RestartPreventExitStatus=2
KillMode=mixed
TimeoutStopSec={stop}
UMask=0077

[Install]
WantedBy=default.target
"""


def name(program: Program) -> str:
    """Name the unit of *program*; what a unit's name may not have is written as a byte."""
    bytes_of = (
        one if one.isascii() else "".join(f"\\x{byte:02x}" for byte in one.encode())
        for one in program.name
    )
    return f"{''.join(bytes_of)}.service"


def render(program: Program) -> str:
    """Write the unit of *program*."""
    command = " ".join(_quoted(word) for word in program.words)
    text = _TEXT.format(
        name=name(program),
        tag=tag.HERE,
        profile=program.profile,
        # The colon: a dollar sign is one.
        command=f":{command}",
        stop=STOP_S,
    )
    return tag.signed(text, program)


def _quoted(word: str) -> str:
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped}"'
