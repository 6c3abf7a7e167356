"""Which processes a host has started, as the operating system tells it."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager

import psutil
import pytest

from entraclaw.bot import kin

BOUND_S = 30.0
WAITS = "import sys; sys.stdin.read()"


@contextmanager
def running(*words: str) -> Generator[psutil.Process]:
    """Run what waits for the end of its input; gives the last one that was started."""
    with subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()  # it says so once everything is there
        parent = psutil.Process(process.pid)
        all_of_it = [parent, *parent.children(recursive=True)]
        try:
            yield all_of_it[-1]
        finally:
            for one in reversed(all_of_it):
                with contextlib.suppress(psutil.NoSuchProcess):
                    one.kill()


SAYS_SO = f"print(1, flush=True); {WAITS}"
PROGRAM = (sys.executable, "-c", SAYS_SO)
IN_A_SHELL = ("sh", "-c", f"{sys.executable} -c '{SAYS_SO}'; :")
ON_A_TERMINAL = (sys.executable, "-c", "import pty, sys; pty.spawn(sys.argv[1:])", *IN_A_SHELL)


@pytest.mark.parametrize("words", [PROGRAM, IN_A_SHELL], ids=["program", "in a shell"])
def test_host_and_what_it_starts_descend_from_it(words: tuple[str, ...]) -> None:
    """Hosts start hooks through a shell."""
    with running(*words) as ours, running(*PROGRAM) as started:
        assert kin.descends(os.getpid(), [ours.pid])
        assert kin.descends(started.pid, [ours.pid])


def test_who_started_the_host_does_not() -> None:
    with running(*PROGRAM) as ours:
        assert not kin.descends(os.getppid(), [ours.pid])


def test_nobody_descends_from_no_host() -> None:
    assert not kin.descends(os.getpid(), [])


def test_what_a_person_starts_by_hand_has_no_host() -> None:
    with running(*ON_A_TERMINAL) as ours:
        shell = ours.parent()
        assert shell is not None
        assert shell.name() in {"sh", "dash", "bash"}
        assert not kin.descends(shell.pid, [ours.pid])
        assert not kin.descends(os.getpid(), [ours.pid])


def test_process_that_is_gone_is_refused_and_protects_nobody() -> None:
    with running(*PROGRAM) as gone:
        pass
    gone.wait(BOUND_S)

    assert kin.descends(gone.pid, [])
    assert not kin.descends(os.getpid(), [gone.pid])


NESTED = (
    sys.executable,
    "-c",
    f"import subprocess, sys; subprocess.run([sys.executable, '-c', {SAYS_SO!r}])",
)


def test_session_that_was_started_from_within_another_is_its_child() -> None:
    """The first shim's host is this process; the second's was started by it."""
    with running(*PROGRAM) as ours, running(*NESTED) as theirs:
        assert kin.is_child(theirs.pid, [ours.pid])
        assert not kin.is_child(ours.pid, [theirs.pid])


def test_shims_of_one_host_are_siblings() -> None:
    with running(*PROGRAM) as one, running(*PROGRAM) as other:
        assert not kin.is_child(one.pid, [other.pid])


def test_session_is_no_child_where_the_system_does_not_tell() -> None:
    with running(*PROGRAM) as ours:
        assert not kin.is_child(0, [ours.pid])
        assert not kin.is_child(ours.pid, [0])
    ours.wait(BOUND_S)
    assert not kin.is_child(ours.pid, [os.getpid()])


def test_end_of_a_process_is_known_before_and_after_somebody_has_asked_for_it() -> None:
    assert not kin.has_ended(0)
    assert not kin.has_ended(os.getpid())
    with subprocess.Popen([sys.executable, "-c", ""]) as brief:
        os.waitid(os.P_PID, brief.pid, os.WEXITED | os.WNOWAIT)
        assert kin.has_ended(brief.pid)  # a zombie
    assert kin.has_ended(brief.pid)
