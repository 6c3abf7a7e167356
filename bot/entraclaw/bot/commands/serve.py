"""`entraclaw serve`: run the daemon until it is told to stop."""

import gc
import os

import click

from entraclaw.bot import lock
from entraclaw.bot.settings import Settings


@click.command(name="serve")
@click.option("--until-eof", is_flag=True, hidden=True, help="Stop when standard input ends.")
@click.pass_obj
def command(profile: str, *, until_eof: bool) -> None:
    """Run the daemon of a profile.

    It keeps what Teams sends, hands it to the attached host, and sends the answers. It
    stays until Ctrl-C; `entraclaw mcp` starts one by itself where none runs.
    """
    settings = Settings.read(os.environ, profile)
    with lock.hold(settings.folder):
        pass  # where another daemon runs, that is said before all those imports
    gc.disable()  # what they bring stays: looking for garbage in it would take a seventh longer
    from entraclaw.bot import serving  # noqa: PLC0415 - a second of imports that --help spares

    gc.freeze()
    gc.enable()
    serving.run(settings, until_eof=until_eof)
