"""Break the exchange in every way we know, many times over: `make faults CYCLES=n` runs this.

Real processes against a real sandbox: the daemon, shims, and hosts that are played over
the shims' stdio. A preloaded library (faults.c) kills at named points, fails the disk,
moves the clock and takes the power; everything else is done from outside. One profile
lives through all cycles. What must hold is told in ledger.py.

The last line of output is JSON; progress goes to stderr. Exit 1 when a promise was
broken. A run with the same SEED draws the same faults and moments; what the processes
make of them is up to the machine. ONLY=words runs the faults whose names contain them,
PLANT=no-sync breaks the disk's own promise, which must be noticed; KEEP=1 leaves the files.
"""

import argparse
import asyncio
import json
import os
import random
import shutil
import signal
import sys
import tempfile
from pathlib import Path

from bot.stage import sandbox
from faults.cycle import run
from faults.ledger import Wrong
from faults.library import build, missing
from faults.plants import Plant
from faults.report import Plan, Report

# A defect, the faults that bring it to light, and what is then found.
_PROOFS = (
    (Plant.NO_SYNC, "power lost", Wrong.LOST),
    (Plant.DROP, "repeated", Wrong.LOST),
    (Plant.AGAIN, "two hosts", Wrong.DOUBLED),
)
_PROOF_CYCLES, _PROOF_TRIES = 4, 3


def main() -> int:
    """Run; 0 when every promise was kept, 1 when not."""
    words = _words()
    reason = missing()
    if reason is not None:
        sys.stderr.write(f"faults: nothing was run: {reason}\n")
        return 0
    # The processes that are left must be ended, whoever ends us.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    # Without bytecode on disk every start would compile what it imports.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    if words.self_check:
        return _check_self(words.seed)
    report = _run(Plan(words.cycles, words.seed, words.only, Plant(words.plant)))
    sys.stdout.write(f"{json.dumps(report.document())}\n")
    return 0 if report.is_clean else 1


def _check_self(seed: int) -> int:
    """Plant each defect and see whether it is found; 0 when all were."""
    found: dict[str, object] = {}
    for plant, only, wrong in _PROOFS:
        # What a few cycles bring to light is a matter of moments; not finding it three times
        # over is none.
        plans = (Plan(_PROOF_CYCLES, seed + n, only, plant) for n in range(_PROOF_TRIES))
        counts = (_run(plan).count(wrong) for plan in plans)
        found[plant] = {wrong.value: next(filter(None, counts), 0)}
        if found[plant] == {wrong.value: 0}:
            sys.stderr.write(f"faults: planted {plant}, and found nothing {wrong}\n")
            return 1
    sys.stdout.write(f"{json.dumps({'found': found, 'seed': seed})}\n")
    return 0


def _run(plan: Plan) -> Report:
    folder = Path(tempfile.mkdtemp(prefix="faults-"))
    try:
        with sandbox(folder / "tenant") as emulation:
            return asyncio.run(run(plan, emulation, folder, build(folder)))
    finally:
        if os.environ.get("KEEP"):
            sys.stderr.write(f"faults: its files are kept in {folder}\n")
        else:
            shutil.rmtree(folder)


def _words() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m faults", description="Break the exchange.")
    # make hands its own words on by the environment.
    given = os.environ.get
    seed = given("SEED") or random.randrange(10**6)  # noqa: S311 - not a secret
    cycles, check = given("CYCLES") or 40, bool(given("SELF_CHECK"))
    parser.add_argument("--cycles", type=int, default=cycles, help="how many faults")
    parser.add_argument("--seed", type=int, default=seed, help="draw what a run before drew")
    parser.add_argument("--only", default=given("ONLY", ""), help="faults whose names contain this")
    parser.add_argument("--plant", default=given("PLANT", ""), help="no-sync, drop or again")
    parser.add_argument("--self-check", action="store_true", default=check, help="find all of them")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
