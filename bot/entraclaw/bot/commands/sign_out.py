"""`entraclaw sign-out`: forget whoever signed in."""

import click

from entraclaw.bot.commands.showing import as_json_option, print_json
from entraclaw.bot.commands.sign_in import acting_for_a_person
from entraclaw.bot.delegating import sign_in_file


@click.command(name="sign-out")
@as_json_option
@click.pass_obj
def command(profile: str, *, as_json: bool) -> None:
    """Forget the person that this profile acts for, and what was kept of the sign-in.

    A running daemon stops acting for that person at once. What Entra gave is not revoked by
    it: that is done at https://myaccount.microsoft.com, "sign out everywhere".
    """
    settings, agent = acting_for_a_person(profile)
    file = sign_in_file(settings, agent)
    with file.changing():
        was_there = file.mark() is not None
        file.forget()
    if as_json:
        print_json({"profile": profile, "was_signed_in": was_there})
    else:
        click.echo("signed out" if was_there else "nobody was signed in")
