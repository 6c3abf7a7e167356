"""Read the setting `features`: what the agent is to do, and so what it must be granted. Pure."""

from collections.abc import Sequence
from pathlib import Path
from typing import cast

from entraclaw.errors import Problem
from entraclaw.identity.cloud import Cloud
from entraclaw.identity.features import Feature, is_offered

DEFAULT: tuple[Feature, ...] = (Feature.CHAT,)


def read_features(value: object, _: Path) -> tuple[Feature, ...]:
    """Read a list of names, or names with commas between them; chat is always one of them.

    Raises:
        ValueError: One is no feature.
    """
    listed = value.split(",") if isinstance(value, str) else value
    if not isinstance(listed, list):
        raise ValueError("must be a list of features")  # noqa: TRY004 - one kind of error for one kind of problem
    names = {str(one).strip() for one in cast("list[object]", listed)} | set(DEFAULT)
    unknown = names - set(Feature)
    if unknown:
        raise ValueError(f"{min(unknown)!r} is no feature; there are {', '.join(Feature)}")
    return tuple(feature for feature in Feature if feature in names)


def not_offered(features: Sequence[Feature], cloud: Cloud) -> list[Problem]:
    """Name what *cloud* does not have."""
    return [
        Problem("features", f"{feature} is not offered in this cloud", "leave it out")
        for feature in features
        if not is_offered(feature, cloud)
    ]
