"""The order in which a key is replaced, broken off everywhere. Nothing is asked in here."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entraclaw.errors import (
    CallRefused,
    EntraclawError,
    HopRefused,
    KeyUnavailable,
    RotationUnfinished,
    Unreachable,
)
from entraclaw.identity.rotation_orders import (
    Add,
    Ask,
    Credential,
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
from identity.rotating import NEW, OLD, OURS, THEIRS, CutOffError, World

TWO = ("blueprint", "bot")
LENGTH = 40  # more than the orders of any rotation in here


def test_key_is_replaced_step_by_step() -> None:
    world = World()

    world.run()

    world.settled(current=NEW)
    assert [type(order) for order in world.done] == [
        *(Find, Read),
        *(Keep, Find, Delete, Make, Keep),
        *(Read, Read, Add, Read, Ask, Ask, Ask),
        *(Keep, Find, Read, Remove, Read, Delete, Keep),
    ]


def test_next_rotation_goes_back_to_the_first_name() -> None:
    world = World()
    world.run()

    world.run()

    world.settled(current=OLD)
    assert world.keys[OLD] == "thumbprint 2"


def test_new_certificate_is_proven_before_it_is_the_profiles_key() -> None:
    world = World()

    world.run()

    switch = world.done.index(Keep(Note(NEW, OLD, Phase.REMOVING, OURS.thumbprint)))
    assert [order for order in world.done[:switch] if isinstance(order, Remove)] == []
    assert world.done[switch - 3 : switch] == [Ask("blueprint", NEW)] * 3


def test_every_application_of_the_agent_gets_the_new_certificate() -> None:
    world = World(listed={name: [THEIRS, OURS] for name in TWO})

    world.run()

    world.settled(current=NEW)
    assert [order.application for order in world.told(Add)] == [*TWO]
    assert [order.application for order in world.told(Remove)] == [*TWO]


def interrupted(at: int, how: str, listed: dict[str, list[Credential]]) -> World:
    world = World(listed=listed)
    with pytest.raises(CutOffError):
        world.run(lambda number, _order: how if number == at else None)
    return world


@pytest.mark.parametrize("how", ["before", "after"])
@pytest.mark.parametrize("at", range(21))
def test_rotation_that_is_cut_off_anywhere_is_finished_by_the_next(at: int, how: str) -> None:
    world = interrupted(at, how, {"blueprint": [THEIRS, OURS]})
    begun = world.note.phase is not Phase.SETTLED or NEW in world.note.current

    world.run()

    world.settled(current=OLD if at == 20 and how == "after" else NEW)
    assert begun == (at >= 2 and (at, how) != (2, "before"))


def faults() -> st.SearchStrategy[dict[int, str | EntraclawError]]:
    errors = st.sampled_from(
        [
            Unreachable("Microsoft Graph", "ConnectionError"),
            HopRefused("blueprint", "AADSTS700027", hint=""),
            HopRefused("blueprint", "AADSTS90033", hint="", is_passing=True),
            CallRefused("Microsoft Graph", 403, "Authorization_RequestDenied"),
            KeyUnavailable("the keyring is locked"),
        ]
    )
    verdict: st.SearchStrategy[str | EntraclawError] = st.one_of(
        st.sampled_from(["before", "after"]), errors
    )
    return st.dictionaries(st.integers(0, LENGTH), verdict, max_size=6)


@given(st.lists(faults(), max_size=4), st.sampled_from([("blueprint",), TWO]))
def test_whatever_breaks_there_is_a_working_key_and_the_next_rotation_tidies_up(
    runs: list[dict[int, str | EntraclawError]], applications: tuple[str, ...]
) -> None:
    """`World.check` asserts after each order that nobody is locked out."""
    world = World(listed={name: [THEIRS, OURS] for name in applications})
    for run in runs:
        try:
            world.run(lambda number, _order, run=run: run.get(number))  # type: ignore[misc]  # bound by default
        except (CutOffError, EntraclawError):
            world.check()

    world.run()

    world.settled(current=world.note.current)


@given(st.integers(0, LENGTH))
def test_refusal_before_the_switch_leaves_everything_as_it_was(at: int) -> None:
    world = World()
    refusal = CallRefused("Microsoft Graph", 403, "Authorization_RequestDenied")

    def stop(number: int, order: Order) -> EntraclawError | None:
        is_before = world.note.current == OLD
        return refusal if number == at and is_before and not isinstance(order, Keep) else None

    try:
        world.run(stop)
    except EntraclawError as error:
        # A damaged half of a key is removed: what cannot be read is not what is kept.
        assert error is refusal  # noqa: PT017 - whether it is raised depends on the order
        world.settled(current=OLD)
        assert world.keys[OLD] == OURS.thumbprint
    else:
        world.settled(current=NEW)


@pytest.mark.parametrize("error", [KeyUnavailable("locked"), EntraclawError("disk full")])
def test_nothing_is_begun_where_the_old_key_cannot_be_used(error: EntraclawError) -> None:
    world = World()

    with pytest.raises(EntraclawError) as refusal:
        world.run(lambda number, _order: error if number == 0 else None)

    assert refusal.value is error
    assert world.done == []


def test_profile_without_a_key_has_nothing_to_replace() -> None:
    world = World(keys={})
    orders = [Find(OLD)]

    with pytest.raises(KeyUnavailable, match="is gone"):
        run_unchecked(world)
    assert world.done == orders


def run_unchecked(world: World) -> None:
    world.listed = {}
    world.run()


def test_certificate_that_entra_does_not_know_yet_is_waited_for() -> None:
    world = World(unknown=5)

    world.run()

    world.settled(current=NEW)
    assert [wait.seconds for wait in world.told(Wait)] == [2.0, 4.0, 8.0, 15.0, 15.0]
    assert "AADSTS700027" in world.told(Wait)[0].reason


def test_proof_counts_only_three_times_in_a_row() -> None:
    """Ours: one of Entra's servers that knows the certificate is not all of them."""
    world, asked = World(), 0

    def stop(_number: int, order: Order) -> EntraclawError | None:
        nonlocal asked
        asked += isinstance(order, Ask)
        is_late_server = isinstance(order, Ask) and asked == 3
        return HopRefused("blueprint", "AADSTS700027", hint="") if is_late_server else None

    world.run(stop)

    assert asked == 6


def test_certificate_that_is_never_known_is_taken_off_again() -> None:
    world = World(unknown=1_000)

    with pytest.raises(HopRefused, match="AADSTS700027"):
        world.run()

    world.settled(current=OLD)
    assert 180 <= sum(wait.seconds for wait in world.told(Wait)) <= 200


def test_retry_after_is_heeded_up_to_a_minute() -> None:
    world = World()
    busy = Unreachable("Microsoft Graph", "status 429", retry_after=3_600.0, is_passing=True)

    world.run(lambda number, _order: busy if number == 1 else None)

    assert [wait.seconds for wait in world.told(Wait)] == [60.0]


def test_answer_that_was_lost_does_not_register_the_certificate_twice() -> None:
    world = World()

    def stop(_number: int, order: Order) -> EntraclawError | None:
        if isinstance(order, Add) and not world.told(Add):
            world.do(order)
            return Unreachable("Microsoft Graph", "ConnectionError")
        return None

    world.run(stop)

    world.settled(current=NEW)
    assert len(world.told(Add)) == 1


def changing(world: World, kind: type[Order], change: Credential) -> None:
    """Let another machine's credential become *change* as soon as an order of *kind* was done."""

    def stop(_number: int, order: Order) -> None:
        if isinstance(order, kind):
            world.listed["blueprint"][0] = change

    world.run(stop)


def test_credential_of_another_machine_that_changes_meanwhile_stops_it() -> None:
    world = World()

    with pytest.raises(EntraclawError, match=r"another credential .* changed meanwhile"):
        unchecked(world, Add, replace(THEIRS, content="other bytes"))

    assert [one.thumbprint for one in world.listed["blueprint"]][1:] == [OURS.thumbprint]
    assert set(world.keys) == {OLD}


def unchecked(world: World, kind: type[Order], change: Credential) -> None:
    Unwatched.of(world).changing(kind, change)


class Unwatched(World):
    """A world in which another machine may change what is its own."""

    @classmethod
    def of(cls, world: World) -> "Unwatched":
        return cls(world.keys, world.note, world.listed, done=world.done)

    def changing(self, kind: type[Order], change: Credential) -> None:
        changing(self, kind, change)

    def check(self) -> None:
        assert self.is_registered("blueprint", self.note.current)


def test_credential_of_another_machine_that_changes_later_is_told() -> None:
    world = World()

    unchecked(world, Remove, Credential("other", "their next key", "bytes"))

    assert [warn.sentence for warn in world.told(Warn)] == [
        "another credential changed meanwhile: theirs"
    ]


def test_graph_that_does_not_list_what_it_took_is_asked_again() -> None:
    world = World()
    stale: list[object] = []

    class Late(World):
        def do(self, order: Order) -> object:
            answer = super().do(order)
            if isinstance(order, Read) and self.told(Add) and not stale:
                stale.append(answer)
                return (THEIRS, OURS)
            if isinstance(order, Read) and self.told(Remove) and len(stale) == 1:
                stale.append(answer)
                return (THEIRS, OURS, *self.listed["blueprint"][1:])
            return answer

    late = Late(done=world.done)
    late.run()

    late.settled(current=NEW)
    assert len(late.told(Add)) == 1
    assert [wait.seconds for wait in late.told(Wait)] == [1.0, 1.0]


def test_old_certificate_that_cannot_be_removed_is_said_and_seen_to_by_the_next() -> None:
    world = World()
    no = CallRefused("Microsoft Graph", 403, "Authorization_RequestDenied")

    with pytest.raises(RotationUnfinished, match="the new key is in use") as refusal:
        world.run(lambda _number, order: no if isinstance(order, Remove) else None)

    assert OURS.thumbprint in refusal.value.hint
    assert world.note == Note(NEW, OLD, Phase.REMOVING, OURS.thumbprint)
    before = len(world.told(Make))
    world.run()
    world.settled(current=NEW)
    assert len(world.told(Make)) == before, "it is finished, not begun anew"


def test_what_cannot_be_undone_is_said_with_both_reasons() -> None:
    world = World(unknown=1_000)
    down = Unreachable("Microsoft Graph", "ConnectionError", hint="is there a network?")

    with pytest.raises(RotationUnfinished, match=r"AADSTS700027.*ConnectionError") as refusal:
        world.run(lambda _n, order: down if world.told(Wait) and isinstance(order, Read) else None)

    assert refusal.value.hint == "is it registered?; then run `entraclaw key rotate` again"
    world.unknown = 0
    world.run()
    world.settled(current=NEW)


def test_new_key_that_was_lost_meanwhile_is_made_anew_and_its_certificate_removed() -> None:
    world = interrupted(12, "before", {"blueprint": [THEIRS, OURS]})
    assert world.note.phase is Phase.ADDING
    del world.keys[NEW]

    world.run()

    world.settled(current=NEW)


def test_key_that_nobody_noted_is_removed_with_its_certificate() -> None:
    """A note that was lost: both names have a key, and the first is taken for the profile's."""
    world = interrupted(12, "before", {"blueprint": [THEIRS, OURS]})
    world.note = Note(OLD, NEW)

    world.run()

    world.settled(current=NEW)
    assert world.keys[NEW] == "thumbprint 2"


def test_half_made_key_is_removed_first() -> None:
    world = World()
    world.note = Note(OLD, NEW, Phase.MAKING)
    world.keys[NEW] = "half"
    damaged = KeyUnavailable("damaged")

    world.run(lambda number, order: damaged if order == Find(NEW) and number < 9 else None)

    world.settled(current=NEW)
    assert world.told(Delete)[0] == Delete(NEW)


def test_last_certificate_of_ours_is_never_removed() -> None:
    world = World()
    world.note = Note(NEW, OLD, Phase.REMOVING, OURS.thumbprint)
    world.keys[NEW] = "not registered"

    class Blind(Unwatched):
        def _refuse_unknown(self, application: str, name: str) -> None:
            pass

        def check(self) -> None:
            assert OURS in self.listed["blueprint"]

    with pytest.raises(RotationUnfinished, match="not on the application any more"):
        Blind.of(world).run()
