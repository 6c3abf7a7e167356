"""What a proof needs of an agent's rooms, put together; and the changes that need one.

Whatever widens power is a line in `proving_of`: the name by which its command asks for it,
and what binds such a request to a `Wish`.
"""

import time
from functools import partial

from entraclaw.bot.access_desk import AccessDesk
from entraclaw.bot.access_file import AccessFile
from entraclaw.bot.administrator_desk import CHANGE, AdministratorDesk
from entraclaw.bot.alarm import Alarm
from entraclaw.bot.clock import Steady
from entraclaw.bot.principal import ActsAs
from entraclaw.bot.profile_lock import ProfileLock
from entraclaw.bot.proving import People, Proving
from entraclaw.bot.settings import Settings
from entraclaw.bot.sponsors import Sponsors
from entraclaw.tools import Graph, person


def proving_of(  # noqa: PLR0917 - each is a room of its own
    settings: Settings,
    access: AccessFile,
    alarm: Alarm,
    sponsors: Sponsors,
    lock: ProfileLock,
    graph: Graph,
) -> Proving:
    """Connect them."""
    home = settings.agent.tenant if settings.agent else ""
    desk = AccessDesk(access, time.time, home, partial(person, graph))
    people = People(sponsors.current, alarm.say_to, partial(why_no_chat, settings.acts_as, lock))
    bindings = {
        "access": desk.bind,
        CHANGE: AdministratorDesk(partial(person, graph)).bind,
    }
    return Proving(bindings, people, Steady(time.time, time.monotonic))


def why_no_chat(acts_as: ActsAs, lock: ProfileLock) -> str:
    """Say why what a sponsor writes in a chat proves nothing now; empty where it does."""
    if acts_as is ActsAs.DELEGATED:
        return "the agent acts for a person, and could write in their name"
    return f"the profile is locked, and says nothing ({lock.reason})" if lock.reason else ""
