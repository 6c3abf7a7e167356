"""`PUT /control/settings`: what it may say, and what is so afterwards.

All of a body holds, or nothing: whatever does not fit is refused before anything changes.
"""

from collections.abc import Mapping

from entraclaw.sandbox.documents import DocumentError, Json, flag, number, part
from entraclaw.sandbox.settings import Late, Settings

# What is a number, as the control API calls it, and what the settings do.
_NUMBERS: Mapping[str, str] = {
    "patience": "patience_s",
    "latency_ms": "latency_ms",
    "propagation_s": "propagation_s",
    "credentials_s": "credentials_s",
}
_WHOLE: Mapping[str, str] = {"replicas": "replicas", "quota": "quota"}
_LIFETIME, _KNOWN, _MOST, _TAKES = (
    "token_lifetime_s",
    "known_after_s",
    "most",
    "takes_endpoints",
)


def turn(settings: Settings, body: Json) -> None:
    """Change *settings* as *body* says, all of it or nothing.

    Raises:
        DocumentError: It names no setting, or a value that cannot be one.
    """
    if unknown := set(body) - {*_NUMBERS, *_WHOLE, _LIFETIME, _KNOWN, _MOST, _TAKES}:
        raise DocumentError(f"there is no setting called {min(unknown)}")
    named = {*_NUMBERS, *_WHOLE, _LIFETIME}
    values = _positive({name: body[name] for name in body if name in named})
    delays, most = _positive(_late(body, _KNOWN)), _positive(_late(body, _MOST))
    takes = flag(body, _TAKES, default=settings.takes_endpoints)
    for name, value in values.items():
        if name in _NUMBERS:
            setattr(settings, _NUMBERS[name], value)
        elif name in _WHOLE:
            setattr(settings, _WHOLE[name], max(1, int(value)))
    if _LIFETIME in body:
        # Null gives Entra its random lifetimes back.
        settings.token_lifetime_s = values.get(_LIFETIME)
    settings.takes_endpoints = takes
    settings.known_after_s = {**settings.known_after_s, **_by_kind(delays)}
    counts = {kind: int(count) for kind, count in _by_kind(most).items()}
    settings.most = settings.most if body.get(_MOST) is None else counts


def shown(settings: Settings) -> Json:
    """What the settings are, by the names that `turn` takes."""
    numbers = {**_NUMBERS, **_WHOLE, _LIFETIME: _LIFETIME, _TAKES: _TAKES}
    return {
        **{name: getattr(settings, own) for name, own in numbers.items()},
        _KNOWN: dict(settings.known_after_s),
        _MOST: dict(settings.most),
    }


def _late(body: Json, name: str) -> Json:
    told = part(body, name)
    if unknown := set(told) - {kind.value for kind in Late}:
        raise DocumentError(f"{name} has nothing called {min(unknown)}")
    return told


def _positive(told: Json) -> dict[str, float]:
    values = {name: number(told, name) for name in told if told[name] is not None}
    if any(value < 0 for value in values.values()):
        raise DocumentError("a setting cannot be negative")
    return values


def _by_kind(values: Mapping[str, float]) -> dict[Late, float]:
    return {Late(name): value for name, value in values.items()}
