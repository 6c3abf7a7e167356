"""`entraclaw send`: say something in a conversation, as the agent, for no turn."""

import sys
from collections.abc import Mapping
from typing import Any

import click

from entraclaw.bot.commands.showing import (
    as_json_option,
    console,
    folder_of,
    labels,
    print_json,
    safe,
)
from entraclaw.bot.inbox_look import look
from entraclaw.bot.labels import Labels
from entraclaw.bot.local_client import ask, do
from entraclaw.bot.places import Place
from entraclaw.errors import EntraclawError

_SHOWN = 20


@click.command(name="send")
@click.argument("conversation")
@click.argument("text")
@as_json_option
@click.pass_obj
def command(profile: str, conversation: str, text: str, *, as_json: bool) -> None:
    """Say TEXT in CONVERSATION, as the agent.

    CONVERSATION is the id of one that something came from; any other shows which there
    are. Where the profile acts for a person, it may be any chat of theirs in Graph. TEXT
    may be - for standard input. It needs a running daemon.
    """
    folder = folder_of(profile)
    who = ask(str(folder))["identity"]
    with look(folder / "inbox.db") as seen:
        places, names = seen.places(), labels(seen)
    is_the_persons = bool(who["delegated"]) and conversation.startswith("19:")
    is_known = conversation in {place.id for place in places}
    if not (is_known or is_the_persons):
        _show_known(places, names)
        raise EntraclawError(
            "nothing ever came from that conversation",
            hint="name one of those above"
            if places
            else "somebody has to write to the agent first",
        )
    words = sys.stdin.read().rstrip("\n") if text == "-" else text
    if not words.strip():
        raise click.UsageError("there is nothing to say")
    sent = do(str(folder), {"verb": "send", "conversation": conversation, "text": words})
    acts_as = _sender(who, is_known=is_known)
    if as_json:
        print_json({**sent, "place": names[conversation], "acts_as": acts_as})
    else:
        click.echo(f"sent to {names[conversation]} as {acts_as}: id {sent['sent']}")


def _sender(who: Mapping[str, Any], *, is_known: bool) -> str:
    """Name who said it: whoever answers there, else the person who signed in."""
    person = who["delegated"]
    if person and not is_known:
        return f"{person['upn']}, marked as sent by the agent"
    return str(who["upn"] or who["agent_user"] or who["bot"])


def _show_known(places: list[Place], names: Labels) -> None:
    out = console(to_stderr=True)
    # A chat has two names once Graph has told of it; the one it was pushed by will do.
    spare = {place.twin for place in places if place.reference}
    places = [place for place in places if place.id not in spare]
    for place in places[:_SHOWN]:
        out.print(safe(names[place.id], "bold"))
        out.print(safe(f"  {place.id}"), soft_wrap=True)
    if len(places) > _SHOWN:
        out.print(f"and {len(places) - _SHOWN} more")
