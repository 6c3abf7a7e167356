"""Do what a rotation of the key orders: in the key store, at Graph, in the profile's note.

The order is `entraclaw.identity.rotation`'s. One rotation of a profile runs at a time; the
daemon goes on meanwhile, and takes the new key when it next has to sign.
"""

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from filelock import FileLock, Timeout

from entraclaw.bot.keystores import ProfileKey
from entraclaw.bot.settings import Store
from entraclaw.errors import EntraclawError, KeyUnavailable
from entraclaw.identity import AgentIds
from entraclaw.identity.assertion import thumbprint
from entraclaw.identity.keys import Binding, Key, KeyStore
from entraclaw.identity.keys.certificate import end_of
from entraclaw.identity.registration import Registration
from entraclaw.identity.rotation import rotate
from entraclaw.identity.rotation_orders import (
    Add,
    Ask,
    Delete,
    Find,
    Keep,
    Make,
    Note,
    Order,
    Phase,
    Read,
    Remove,
    Wait,
    Warn,
)


@dataclass(frozen=True, slots=True)
class Tools:
    """What a rotation needs of the world.

    Attributes:
        registration: The agent's applications at Graph.
        sleep: Waits, seconds.
        tell: Is told each step when it is done: its name, and a few words.
    """

    registration: Registration
    sleep: Callable[[float], object]
    tell: Callable[[str, str], object]


@dataclass(slots=True)
class Rotating:
    """One rotation, under way.

    Attributes:
        place: Which store has the key.
        store: That store.
        note: What is noted.
        keep: Writes a note down.
        binding: What the new key is for.
        applications: Which applications the key is registered on.
        tools: What it needs of the world.
    """

    place: Store
    store: KeyStore
    note: Note
    keep: Callable[[Note], None]
    binding: Binding
    applications: Sequence[str]
    tools: Tools
    _keys: dict[str, Key] = field(default_factory=dict[str, Key])

    def run(self) -> None:
        """Do it to the end.

        Raises:
            EntraclawError: As `rotate` does.
        """
        if self.note.phase is not Phase.SETTLED:
            self.tools.tell("resumed", "a rotation that was broken off goes on")
        orders = rotate(self.note, self.applications)
        answer: object = None
        error: EntraclawError | None = None
        while True:
            try:
                order = orders.send(answer) if error is None else orders.throw(error)
            except StopIteration:
                return
            answer, error = None, None
            try:
                answer = self._do(order)
            except EntraclawError as refusal:
                error = refusal

    def _do(self, order: Order) -> object:
        match order:
            case Keep(note):
                self._switch(note)
            case Find(name):
                key = self._find(name)
                return None if key is None else thumbprint(key.certificate)
            case Make(name):
                return self._make(name)
            case Delete(name):
                self._delete(name)
            case Wait() | Warn():
                self._say(order)
            case Read() | Add() | Remove() | Ask():
                return self._ask(order)
        return None

    def _ask(self, order: Read | Add | Remove | Ask) -> object:
        registration, tell = self.tools.registration, self.tools.tell
        match order:
            case Read(application, by):
                return registration.read(application, self._key(by))
            case Add(application, name, by):
                registration.add(application, self._key(name).certificate, self._key(by))
                tell("registered", f"its certificate is on the application {application}")
            case Remove(application, key_id, by):
                registration.remove(application, key_id, self._key(by))
                tell("removed", f"the certificate {key_id} is off the application {application}")
            case Ask(application, name):
                registration.ask(application, self._key(name))
        return None

    def _say(self, order: Wait | Warn) -> None:
        match order:
            case Wait(seconds, reason):
                self.tools.tell("waiting", f"{seconds:.0f} s: {reason}")
                self.tools.sleep(seconds)
            case Warn(sentence):
                self.tools.tell("warning", sentence)

    def _switch(self, note: Note) -> None:
        is_switch = note.current != self.note.current
        self.keep(note)
        self.note = note
        if is_switch:
            self.tools.tell("proven", "Entra takes it, three times in a row")
            self.tools.tell("switched", "it is the profile's key")

    def _find(self, name: str) -> Key | None:
        if name not in self._keys:
            found = self.store.load(name)
            if found is None:
                return None
            self._keys[name] = found
        return self._keys[name]

    def _key(self, name: str) -> Key:
        found = self._find(name)
        if found is None:
            raise KeyUnavailable(f"the key {name!r} is gone", hint="`entraclaw key list`")
        return found

    def _make(self, name: str) -> str:
        made = self._keys[name] = self.store.create(name, self.binding)
        named = thumbprint(made.certificate)
        self.tools.tell(
            "made", f"{named} in {self.place}, until {end_of(made.certificate):%Y-%m-%d}"
        )
        return named

    def _delete(self, name: str) -> None:
        was_there = self._keys.pop(name, None) is not None
        self.store.delete(name)
        if was_there:
            which = "old" if self.note.phase is Phase.REMOVING else "new"
            self.tools.tell("deleted", f"the {which} key is gone from {self.place}")


def applications_of(agent: AgentIds) -> tuple[str, ...]:
    """Name the applications that prove themselves by the profile's key.

    Raises:
        KeyUnavailable: There is none: a person signs in instead.
    """
    named = tuple(one for one in (agent.blueprint, agent.bot) if one)
    if not named:
        raise KeyUnavailable(
            "no application of this profile proves itself by a key", hint="docs/identity/keys.md"
        )
    return named


def is_registered(key: Key, applications: Sequence[str], registration: Registration) -> bool:
    """Ask Graph whether the certificate of *key* is on each of *applications*.

    Raises:
        EntraclawError: As `Registration.read` does.
    """
    ours = thumbprint(key.certificate)
    listed = [registration.read(one, key) for one in applications]
    return all(ours in {one.thumbprint for one in found} for found in listed)


@contextmanager
def one_at_a_time(folder: Path) -> Generator[None]:
    """Hold the right to change the key of the profile in *folder*.

    Raises:
        EntraclawError: Somebody else changes it now.
    """
    run = folder / "run"
    run.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = FileLock(run / "rotation.lock", timeout=0, mode=0o600)
    try:
        lock.acquire()
    except Timeout:
        raise EntraclawError(
            "the key of this profile is being changed already",
            hint="let the other `entraclaw key` finish, then look at `entraclaw key list`",
        ) from None
    try:
        yield
    finally:
        lock.release()


def begun(key: ProfileKey, binding: Binding, agent: AgentIds, tools: Tools) -> Rotating:
    """Look at where *key* is, and make the rotation that goes on from there.

    Raises:
        EntraclawError: The key cannot be used, or there is nothing to rotate.
    """
    place, store, note = key.place()
    applications = applications_of(agent)
    return Rotating(place, store, note, key.noted.keep, binding, applications, tools)
