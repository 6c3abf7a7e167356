"""`entraclaw catch-up`: have the daemon read what was missed."""

import click

from entraclaw.bot.commands.showing import as_json_option, folder_of, print_json
from entraclaw.bot.local_client import do
from entraclaw.bot.why import when


@click.command(name="catch-up")
@as_json_option
@click.pass_obj
def command(profile: str, *, as_json: bool) -> None:
    """Read in Teams what was missed since the last thing that was kept.

    The daemon does so by itself when it starts. What is found is late: it passes the same
    gate, and is no order to lock, pair or approve. It needs a running daemon.
    """
    caught = do(str(folder_of(profile)), {"verb": "catch-up"})
    if as_json:
        print_json(caught)
        return
    click.echo(f"read back to {when(caught['since'])}")
    click.echo(
        f"{caught['chats']} chats had news: {caught['seen']} messages of others, of which"
        f" {caught['new']} were missing here and {caught['refused']} were refused"
    )
