"""Replace the key of an agent by a new one, in an order that may break off anywhere.

A store keeps keys by name and renames none, so a profile has two names and a note that says
which of them is its key. The new key is made under the other name, registered, proven by a
token, and becomes the profile's key when the note says so, which is one write. Only then is
the old certificate taken off, known by its thumbprint: another machine's is never touched.

`rotate` is a generator. It yields what to do and is sent what came of it, or thrown the
error; the caller owns the stores, Graph, the note and the clock. Whatever it left undone,
the next one finishes or undoes, from the note alone.

Steps, with sources: docs/identity/keys.md#a-new-key-in-place-of-the-old-one
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TypeVar

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
    Orders,
    Phase,
    Read,
    Remove,
    Wait,
    Warn,
)

# Entra's login servers know a new certificate half a minute to two minutes after Graph does.
_PROOF_PAUSES_S = (2.0, 4.0, 8.0, *(15.0,) * 12)
_GRAPH_PAUSES_S = (1.0, 2.0, 4.0)
_LONGEST_PAUSE_S = 60.0
_SURE = 3  # tokens in a row: one server that knows it is not all of them

_T = TypeVar("_T")
_NOT_YET = frozenset({"AADSTS700027", "AADSTS7000215"})


class _NotThere(EntraclawError):
    """Graph does not show yet what it said it did."""


def rotate(note: Note, applications: Sequence[str]) -> Orders[None]:
    """Give the profile a new key on each of *applications*, or finish what *note* began.

    Raises:
        EntraclawError: It was not done, and everything is as it was.
        RotationUnfinished: It was not done and could not be undone; or the new key is in
            use, and the old one is not gone yet. The next rotation sees to it.
    """
    if note.phase is not Phase.REMOVING:
        note = yield from _replaced(note, applications)
    yield from _cleared(note, applications)


def _replaced(start: Note, applications: Sequence[str]) -> Orders[Note]:
    """Bring the new key into use; gives the note that did it."""
    old: str | None = yield Find(start.current)
    if old is None:
        raise KeyUnavailable("the key to be replaced is gone", hint="`entraclaw key list`")
    # Read first: what is refused here is refused before anything was begun.
    for application in applications:
        yield from _patiently(partial(_read, application, start.current), _GRAPH_PAUSES_S, _passes)
    note = replace(start, phase=Phase.MAKING) if start.phase is Phase.SETTLED else start
    try:
        yield Keep(note)
        new = yield from _made(note, applications, old, is_begun=start.phase is not Phase.SETTLED)
        note = replace(note, phase=Phase.ADDING, thumbprint=new)
        yield Keep(note)
        for application in applications:
            yield from _introduced(application, note)
    except EntraclawError as error:
        yield from _undone(note, applications, old, error)
        raise
    switched = Note(note.other, note.current, Phase.REMOVING, old)
    yield Keep(switched)
    return switched


def _read(application: str, by: str) -> Orders[Sequence[Credential]]:
    listed: Sequence[Credential] = yield Read(application, by)
    return listed


def _made(note: Note, applications: Sequence[str], old: str, *, is_begun: bool) -> Orders[str]:
    """Make the new key, or take the one that an earlier rotation made; gives its thumbprint."""
    try:
        left: str | None = yield Find(note.other)
    except KeyUnavailable:
        left = None  # half made; a store that is locked refuses the next step too
    if is_begun and left is not None and note.thumbprint in {"", left}:
        return left
    for stale in sorted({left or "", note.thumbprint} - {""}):
        yield from _taken_off(applications, stale, note.current, keeping=old)
    yield Delete(note.other)
    made: str = yield Make(note.other)
    return made


def _introduced(application: str, note: Note) -> Orders[None]:
    """Register the new certificate, see that nobody else's changed, and have it prove itself."""
    before = yield from _patiently(
        partial(_read, application, note.current), _GRAPH_PAUSES_S, _passes
    )
    after = yield from _patiently(partial(_registered, application, note), _GRAPH_PAUSES_S, _passes)
    harmed = _harmed(before, after, note.thumbprint)
    if harmed:
        raise EntraclawError(
            f"another credential of the application changed meanwhile ({', '.join(harmed)})",
            hint="does another machine change its key now? run it again when it is done",
        )
    yield from _patiently(partial(_proven, application, note.other), _PROOF_PAUSES_S, _is_not_yet)


def _registered(application: str, note: Note) -> Orders[Sequence[Credential]]:
    """Register the new certificate unless it is: an answer may have been lost on the way."""
    listed = yield from _read(application, note.current)
    if not _ours(listed, note.thumbprint):
        yield Add(application, note.other, note.current)
        listed = yield from _read(application, note.current)
    if not _ours(listed, note.thumbprint):
        raise _NotThere("Graph does not list the new certificate yet", hint="try again")
    return listed


def _proven(application: str, name: str) -> Orders[None]:
    for _ in range(_SURE):
        yield Ask(application, name)


def _taken_off(
    applications: Sequence[str], thumbprint: str, by: str, *, keeping: str
) -> Orders[None]:
    for application in applications:
        yield from _patiently(
            partial(_unlisted, application, thumbprint, by, keeping),
            _GRAPH_PAUSES_S,
            _is_not_yet,
        )


def _unlisted(application: str, thumbprint: str, by: str, keeping: str) -> Orders[None]:
    """Take one certificate of ours off, never the last one."""
    listed = yield from _read(application, by)
    found = _ours(listed, thumbprint)
    if not found:
        return
    if not _ours(listed, keeping):
        raise EntraclawError(
            "the certificate of this machine's key is not on the application any more",
            hint="an administrator must register it: `entraclaw key list` names it",
        )
    for one in found:
        yield Remove(application, one.key_id, by)
    rest = yield from _read(application, by)
    if _ours(rest, thumbprint):
        raise _NotThere("Graph still lists the certificate that was removed", hint="try again")
    harmed = _harmed(listed, rest, thumbprint)
    if harmed:
        yield Warn(f"another credential changed meanwhile: {', '.join(harmed)}")


def _cleared(note: Note, applications: Sequence[str]) -> Orders[None]:
    """Take the old certificate off, and delete the old key."""
    try:
        new: str | None = yield Find(note.current)
        yield from _taken_off(
            applications, note.thumbprint, note.current, keeping=new or note.current
        )
        yield Delete(note.other)
        yield Keep(Note(note.current, note.other))
    except EntraclawError as error:
        raise RotationUnfinished(
            f"the new key is in use, but the old one is not gone ({error})",
            hint=f"run `entraclaw key rotate` again; the old certificate is {note.thumbprint}",
        ) from error


def _undone(
    note: Note, applications: Sequence[str], old: str, error: EntraclawError
) -> Orders[None]:
    """Leave everything as it was before."""
    try:
        if note.phase is Phase.ADDING:
            yield from _taken_off(applications, note.thumbprint, note.current, keeping=old)
        yield Delete(note.other)
        yield Keep(Note(note.current, note.other))
    except EntraclawError as second:
        raise RotationUnfinished(
            f"the key was not changed ({error}), and what was begun is not undone ({second})",
            hint=f"{error.hint}; then run `entraclaw key rotate` again".removeprefix("; "),
        ) from error


def _patiently(
    attempt: Callable[[], Orders[_T]],
    pauses: Sequence[float],
    is_worth_it: Callable[[EntraclawError], bool],
) -> Orders[_T]:
    """Try until it is done, until it is not worth it, or until the pauses are used up."""
    for pause in pauses:
        try:
            return (yield from attempt())
        except EntraclawError as error:
            if not is_worth_it(error):
                raise
            asked = getattr(error, "retry_after", None) or 0.0
            reason = _reason(error)
        yield Wait(min(max(pause, asked), _LONGEST_PAUSE_S), reason)
    return (yield from attempt())


def _reason(error: EntraclawError) -> str:
    if isinstance(error, HopRefused) and error.code in _NOT_YET:
        return f"Entra does not know the new certificate yet ({error.code})"
    return str(error)


def _passes(error: EntraclawError) -> bool:
    match error:
        case _NotThere() | Unreachable():
            return True
        case HopRefused(is_passing=passing) | CallRefused(is_passing=passing):
            return passing
        case _:
            return False


def _is_not_yet(error: EntraclawError) -> bool:
    return _passes(error) or (isinstance(error, HopRefused) and error.code in _NOT_YET)


def _ours(listed: Sequence[Credential], thumbprint: str) -> list[Credential]:
    return [one for one in listed if one.thumbprint == thumbprint]


def _harmed(before: Sequence[Credential], after: Sequence[Credential], ours: str) -> list[str]:
    """Name the credentials of others that are not as they were."""
    now = {one.key_id: one.content for one in after}
    return [
        one.key_id
        for one in before
        if one.thumbprint != ours and now.get(one.key_id) != one.content
    ]
