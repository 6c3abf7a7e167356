"""What holds for every test here: where a part is required, missing it is a failure."""

import gc
import os
import sys
from collections.abc import Generator

import pytest
from hypothesis import HealthCheck, settings

# How fast examples are made is the machine's affair: on a fresh clone the first text takes
# two seconds, while Hypothesis works out the tables of Unicode that it keeps from then on.
settings.register_profile("any machine", suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")

REQUIRED = "ENTRACLAW_PARTS_REQUIRED"

# Without bytecode on disk, every process of a test would compile whatever it imports.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# Nothing here is ever asked of the world outside, so no process of a test has to read the
# authorities of the whole world, twice, when it starts.
os.environ["SSL_CERT_FILE"] = os.devnull


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Do not look for garbage in what is collected: it stays to the end."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fail a skipped test of the parts when `REQUIRED` is set, as CI sets it."""
    report = yield
    required = bool(os.environ.get(REQUIRED)) and item.get_closest_marker("parts") is not None
    if report.skipped and required and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"{REQUIRED} is set, and it was not run: {_reason(report)}"
    return report


def _reason(report: pytest.TestReport) -> str:
    """Take the skip's own words, which pytest keeps beside the place."""
    match report.longrepr:
        case (_, _, reason):
            return str(reason)
        case other:
            return str(other)
