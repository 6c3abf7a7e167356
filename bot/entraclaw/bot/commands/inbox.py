"""`entraclaw inbox`: what was sent to the agent, what became of it, and what a person can do."""

import click

from entraclaw.bot.commands import inbox_desk, inbox_views
from entraclaw.bot.commands.showing import (
    as_json_option,
    folder_of,
    labels,
    print_json,
    text_option,
)
from entraclaw.bot.inbox import Entry
from entraclaw.bot.inbox_look import Look, look, number_of
from entraclaw.bot.lifecycle import State
from entraclaw.bot.why import when
from entraclaw.errors import EntraclawError

_state = click.option(
    "--state", type=click.Choice([state.value for state in State]), help="Only these."
)
_limit = click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 1000))
_seq = click.argument("seq", type=click.IntRange(1))


@click.group(name="inbox")
def command() -> None:
    """Look at what was sent to the agent, and decide what nobody else can.

    Works with and without a daemon. docs/inbox.md draws the states.
    """


@command.command(name="list")
@_state
@_limit
@text_option
@as_json_option
@click.pass_obj
def list_entries(
    profile: str, state: str | None, limit: int, *, with_text: bool, as_json: bool
) -> None:
    """List the latest entries, newest first."""
    with look(folder_of(profile) / "inbox.db") as seen:
        entries = seen.latest(limit, State(state) if state else None)
        names = labels(seen)
    if as_json:
        rows = [inbox_views.document(entry, names, with_text=with_text) for entry in entries]
        print_json({"entries": rows})
    else:
        inbox_views.print_list(entries, names, with_text=with_text)


@command.command()
@_seq
@text_option
@as_json_option
@click.pass_obj
def show(profile: str, seq: int, *, with_text: bool, as_json: bool) -> None:
    """Show all that is kept of one entry."""
    with look(folder_of(profile) / "inbox.db") as seen:
        record, names = seen.record(_find(seen, str(seq))[0]), labels(seen)
    if as_json:
        print_json(inbox_views.full(record, names, with_text=with_text))
    else:
        inbox_views.print_record(record, names, with_text=with_text)


@command.command()
@click.argument("name", metavar="ID")
@as_json_option
@click.pass_obj
def why(profile: str, name: str, *, as_json: bool) -> None:
    """Say what became of an entry, why, and what changes that.

    ID is an entry's number, a turn, or the id of a message in Teams: one that came, or one
    of the agent's own answers.
    """
    folder = folder_of(profile)
    with look(folder / "inbox.db") as seen:
        records = [seen.record(entry) for entry in _find(seen, name)]
        names = labels(seen)
    told = inbox_views.tell(records, inbox_desk.moment(folder))
    if as_json:
        print_json({"entries": told})
    else:
        inbox_views.print_stories(records, told, names)


@command.command()
@_seq
@click.option("--yes", is_flag=True, help="Even if its answer may then be there twice.")
@as_json_option
@click.pass_obj
def replay(profile: str, seq: int, *, yes: bool, as_json: bool) -> None:
    """Have an entry judged again, from the start.

    It must be dead, dropped, ambiguous or superseded, and not erased yet.
    """
    result = inbox_desk.replay(folder_of(profile), seq, yes=yes)
    done = "is judged again" if result["daemon"] else "is judged again when a daemon runs"
    _say(result, f"entry {seq} {done}; see `entraclaw inbox why {seq}`", as_json=as_json)


@command.command()
@_seq
@as_json_option
@click.pass_obj
def drop(profile: str, seq: int, *, as_json: bool) -> None:
    """End an entry that nobody needs to answer."""
    result = inbox_desk.drop(folder_of(profile), seq)
    _say(result, f"entry {seq} is dropped", as_json=as_json)


def _say(result: dict[str, object], sentence: str, *, as_json: bool) -> None:
    if as_json:
        print_json(result)
    else:
        click.echo(sentence)


def _find(seen: Look, name: str) -> list[Entry]:
    found = seen.find(name)
    if found:
        return found
    number = number_of(name)
    gone = None if number is None else seen.pruned(number)
    if gone is not None:
        raise EntraclawError(
            f"entry {name} was pruned at {when(gone)}", hint="docs/inbox.md says what is kept"
        )
    raise EntraclawError(f"nothing here is called {name}", hint="see `entraclaw inbox list`")
