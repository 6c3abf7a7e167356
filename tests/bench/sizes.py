"""How much is measured: enough for a figure, or with SHORT=1 enough to see that it runs."""

import os

SHORT = os.environ.get("SHORT", "") not in {"", "0"}


def size(full: int, short: int) -> int:
    """Choose by `SHORT`."""
    return short if SHORT else full
