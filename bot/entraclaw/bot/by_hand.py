"""What a person does to one entry by hand: have it judged again, or drop it.

The daemon does it when one runs; else the command line, while it holds the profile.
"""

from entraclaw.bot.inbox import Entry, Inbox, Move, State
from entraclaw.bot.lifecycle import MOVES
from entraclaw.errors import TurnRefused

DROPPED = "dropped at the desk"  # the reason of what a person dropped


async def replay(inbox: Inbox, seq: int, *, yes: bool) -> Entry:
    """Have an ended entry judged again; gives it as it is now.

    Args:
        inbox: Where it is.
        seq: Its number.
        yes: An answer that may have arrived may be sent a second time.

    Raises:
        TurnRefused: It is in no state for that, or not erased yet, or *yes* is missing.
    """
    entry = await _known(inbox, seq)
    if entry.state is State.AMBIGUOUS and not yes:
        raise TurnRefused(
            f"entry {seq} may have been answered: replayed, its answer may be there twice",
            hint=f"look at the chat, then `entraclaw inbox replay {seq} --yes`, or drop it",
        )
    if not await inbox.replay(seq):
        raise TurnRefused(f"entry {seq} cannot be replayed: {_why_not(entry)}", hint=_more(seq))
    return await _known(inbox, seq)


async def drop(inbox: Inbox, seq: int) -> Entry:
    """End an entry that nobody needs to answer; gives it as it is now.

    Raises:
        TurnRefused: It has ended already, or is not there.
    """
    entry = await _known(inbox, seq)
    if not await inbox.end(seq, Move.DROP, DROPPED):
        raise TurnRefused(f"entry {seq} cannot be dropped: it is {entry.state}", hint=_more(seq))
    return await _known(inbox, seq)


async def _known(inbox: Inbox, seq: int) -> Entry:
    entry = await inbox.entry(seq)
    if entry is None:
        raise TurnRefused(f"there is no entry {seq}", hint="see `entraclaw inbox list`")
    return entry


def _more(seq: int) -> str:
    return f"`entraclaw inbox why {seq}` says more"


def _why_not(entry: Entry) -> str:
    if entry.state in MOVES[Move.REPLAY][0]:
        return "what it said is erased"
    return f"it is {entry.state}"
