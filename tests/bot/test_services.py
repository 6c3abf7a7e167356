"""The service of a profile, with programs in place of the managers that write down what they hear.

What systemd itself makes of it is in tests/parts/test_systemd.py. The programs of macOS and
Windows are asked as their documents say; nobody has run them.
"""

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from bot.standins import Standins, standins
from entraclaw.bot.services import judging
from entraclaw.bot.services.here import manager_of
from entraclaw.bot.services.launchd import Launchd
from entraclaw.bot.services.managers import Manager
from entraclaw.bot.services.program import Program
from entraclaw.bot.services.scheduler import Scheduler, windowless
from entraclaw.bot.services.service import Service
from entraclaw.bot.services.systemd import Systemd
from entraclaw.errors import EntraclawError

__all__ = ["standins"]

Make = Callable[[Mapping[str, str]], Manager]
MANAGERS: list[Make] = [Systemd, Launchd, Scheduler]
each = pytest.mark.parametrize("make", MANAGERS)


def program(tmp_path: Path, python: str = sys.executable) -> Program:
    return Program(python, str(tmp_path / "home"), "default")


def service(make: Make, tmp_path: Path, python: str = sys.executable) -> Service:
    return Service(make(os.environ), program(tmp_path, python))


def troubled(service: Service) -> judging.Trouble:
    seen = service.look()
    assert seen is not None
    assert seen.trouble is not None
    return seen.trouble


def is_there(make: Make, tmp_path: Path) -> bool:
    return make(os.environ).found(program(tmp_path)) is not None


@each
def test_service_is_installed_seen_and_removed_and_nothing_is_left(
    make: Make, tmp_path: Path, standins: Standins
) -> None:
    one = service(make, tmp_path)

    assert one.look() is None
    assert one.install().was_changed
    seen = one.look()
    assert seen is not None
    assert (seen.python, seen.trouble) == (sys.executable, None)
    standins.asked()
    assert one.remove().was_changed
    assert one.look() is None
    assert not is_there(make, tmp_path)


@each
@pytest.mark.usefixtures("standins")
def test_twice_is_as_once(make: Make, tmp_path: Path) -> None:
    one = service(make, tmp_path)

    assert [one.install().was_changed, one.install().was_changed] == [True, False]
    assert [one.remove().was_changed, one.remove().was_changed] == [True, False]


@each
@pytest.mark.usefixtures("standins")
def test_moved_installation_is_said_and_put_right(make: Make, tmp_path: Path) -> None:
    service(make, tmp_path, "/gone/bin/python").install()
    one = service(make, tmp_path)

    trouble = troubled(one)
    outcome = one.install()

    assert trouble.says == "it starts /gone/bin/python, which is gone"
    assert trouble.cure == "entraclaw --profile default service install"
    assert outcome.was_changed
    assert outcome.notes[0] == "before, it starts /gone/bin/python, which is gone"
    assert troubled_or_none(one) is None


@each
@pytest.mark.parametrize("is_remove", [False, True])
def test_what_somebody_else_wrote_is_neither_written_over_nor_removed(
    *, make: Make, is_remove: bool, tmp_path: Path, standins: Standins
) -> None:
    path = theirs(make, tmp_path, standins)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("mine\n", encoding="utf-8")
    one = service(make, tmp_path)

    with pytest.raises(EntraclawError, match="was not written by entraclaw") as refusal:
        one.remove() if is_remove else one.install()

    assert "move it away" in refusal.value.hint
    assert path.read_text(encoding="utf-8") == "mine\n"
    assert one.look() is None  # it is theirs to look after


@pytest.mark.parametrize("make", [Systemd, Launchd])
@pytest.mark.usefixtures("standins")
def test_file_that_was_changed_by_hand_is_left(make: Make, tmp_path: Path) -> None:
    one = service(make, tmp_path)
    path = Path(one.install().place)
    path.write_text(path.read_text(encoding="utf-8") + "# mine\n", encoding="utf-8")

    with pytest.raises(EntraclawError, match="was changed after entraclaw wrote it"):
        one.install()
    with pytest.raises(EntraclawError, match="was changed after entraclaw wrote it"):
        one.remove()

    assert path.exists()


@each
@pytest.mark.usefixtures("standins")
def test_profile_of_the_same_name_in_another_home_keeps_its_service(
    make: Make, tmp_path: Path
) -> None:
    other = Program(sys.executable, str(tmp_path / "other"), "default")
    Service(make(os.environ), other).install()

    with pytest.raises(EntraclawError, match=r"is the service of the profile default in .*/other"):
        service(make, tmp_path).remove()

    assert service(make, tmp_path).look() is None
    assert is_there(make, tmp_path)


@each
@pytest.mark.usefixtures("standins")
def test_path_with_a_line_break_is_refused_before_anything_is_written(
    make: Make, tmp_path: Path
) -> None:
    one = service(make, tmp_path, "/tmp/\nExecStart=/bin/sh")  # noqa: S108 - nothing is written there

    with pytest.raises(EntraclawError, match=r"no service can be given the path '/tmp/\\nExec"):
        one.install()

    assert not is_there(make, tmp_path)


@pytest.mark.parametrize(
    ("make", "word"), [(Systemd, "restart"), (Launchd, "bootstrap"), (Scheduler, "/Run")]
)
def test_manager_that_refuses_is_quoted_and_a_second_run_finishes(
    make: Make, word: str, tmp_path: Path, standins: Standins
) -> None:
    one = service(make, tmp_path)
    standins.have("refuses", word)

    with pytest.raises(EntraclawError, match=rf"{word} .*` ended with 5: no, not that"):
        one.install()
    (standins.folder / "refuses").unlink()
    standins.asked()
    one.install()

    assert started(standins)
    assert one.remove().was_changed


@pytest.mark.parametrize(("make", "folder"), [(Systemd, ".config"), (Launchd, "Library")])
@pytest.mark.usefixtures("standins")
def test_place_that_cannot_be_written_is_said_and_nothing_is_left(
    make: Make, folder: str, tmp_path: Path
) -> None:
    (tmp_path / "user").mkdir()
    (tmp_path / "user" / folder).write_text("a file where a folder must be\n", encoding="utf-8")

    with pytest.raises(EntraclawError, match=r"cannot be written \(Not a directory\)") as refusal:
        service(make, tmp_path).install()

    assert refusal.value.hint == "nothing was changed"
    assert [one.name for one in (tmp_path / "user").iterdir()] == [folder]


def test_systemd_is_asked_for_this_users_unit(tmp_path: Path, standins: Standins) -> None:
    one = service(Systemd, tmp_path)
    outcome = one.install()

    name = "entraclaw-default.service"
    assert outcome.place == str(tmp_path / "user" / ".config" / "systemd" / "user" / name)
    assert doing(standins) == [
        "systemctl --user daemon-reload",
        f"systemctl --user enable {name}",
        f"systemctl --user restart {name}",
    ]
    one.install()
    assert doing(standins) == [f"systemctl --user enable --now {name}"]
    one.remove()
    assert doing(standins) == [
        f"systemctl --user disable --now {name}",
        "systemctl --user daemon-reload",
        f"systemctl --user reset-failed {name}",
    ]


def test_launchd_is_asked_in_the_session_at_the_screen(tmp_path: Path, standins: Standins) -> None:
    one = service(Launchd, tmp_path)
    outcome = one.install()

    session = f"gui/{os.getuid()}"
    assert outcome.place == str(tmp_path / "user/Library/LaunchAgents/entraclaw-default.plist")
    assert doing(standins) == [
        f"launchctl enable {session}/entraclaw-default",
        f"launchctl bootstrap {session} {outcome.place}",
    ]
    one.install()
    assert doing(standins) == [
        f"launchctl enable {session}/entraclaw-default",
        f"launchctl kickstart {session}/entraclaw-default",
    ]
    one.remove()
    assert doing(standins) == [f"launchctl bootout {session}/entraclaw-default"]


def test_launchd_lets_the_old_one_go_before_it_is_given_the_new(
    tmp_path: Path, standins: Standins
) -> None:
    service(Launchd, tmp_path, "/gone/bin/python").install()
    standins.asked()
    service(Launchd, tmp_path).install()

    asked = [one.split()[1] for one in standins.asked()]
    assert asked[asked.index("bootout") :] == [
        "bootout", "print", "print", "enable", "print", "bootstrap",
    ]  # fmt: skip


def test_task_scheduler_is_given_the_document(tmp_path: Path, standins: Standins) -> None:
    one = service(Scheduler, tmp_path)
    outcome = one.install()

    create, *rest = doing(standins)
    assert outcome.place == r"\entraclaw-default"
    assert create.startswith(r"schtasks /Create /TN \entraclaw-default /XML ")
    assert create.endswith("/task.xml /F")
    assert rest == [
        r"schtasks /End /TN \entraclaw-default",
        r"schtasks /Run /TN \entraclaw-default",
    ]
    one.remove()
    assert doing(standins) == [
        r"schtasks /End /TN \entraclaw-default",
        r"schtasks /Delete /TN \entraclaw-default /F",
    ]


def test_machine_without_systemd_is_said_with_another_way(
    tmp_path: Path, standins: Standins, monkeypatch: pytest.MonkeyPatch
) -> None:
    (standins.folder / "systemctl").unlink()
    monkeypatch.setenv("PATH", str(standins.folder))

    with pytest.raises(EntraclawError, match="systemd does not run this machine") as refusal:
        service(Systemd, tmp_path).install()

    assert "run `entraclaw serve`" in refusal.value.hint
    assert not is_there(Systemd, tmp_path)


@pytest.mark.parametrize(
    ("is_booted", "says", "cure"),
    [
        (False, "systemd does not run this machine", "a container's entry point"),
        (True, r"systemd answers nothing to .* \(Failed to connect to bus\)", "not by su or sudo"),
    ],
)
def test_systemd_without_a_session_is_said_with_its_cure(
    *, is_booted: bool, says: str, cure: str, tmp_path: Path, standins: Standins
) -> None:
    standins.have("no-bus")
    booted = tmp_path if is_booted else tmp_path / "not"
    one = Service(Systemd(os.environ, booted=booted), program(tmp_path))

    with pytest.raises(EntraclawError, match=says) as refusal:
        one.install()

    assert cure in refusal.value.hint
    assert not is_there(Systemd, tmp_path)


def test_mac_without_a_session_at_the_screen_is_said(tmp_path: Path, standins: Standins) -> None:
    standins.have("no-session")

    with pytest.raises(EntraclawError, match="launchd has no session of yours") as refusal:
        service(Launchd, tmp_path).install()

    assert "log in at the screen" in refusal.value.hint


def test_windows_without_its_program_is_said(tmp_path: Path, standins: Standins) -> None:
    standins.have("refuses", "/?")

    with pytest.raises(EntraclawError, match="schtasks cannot be run"):
        service(Scheduler, tmp_path).install()


def test_service_that_ends_at_logout_says_so_unless_its_user_lingers(
    tmp_path: Path, standins: Standins
) -> None:
    one = service(Systemd, tmp_path)
    before = one.install()
    lingers = standins.folder / "loginctl"
    lingers.write_text("#!/bin/sh\necho Linger=yes\n", encoding="utf-8")

    assert "loginctl enable-linger" in before.notes[0]
    assert one.install().notes == ()


@pytest.mark.parametrize(
    ("platform", "environ", "expected"),
    [
        ("linux", {"HOME": "/h"}, Systemd),
        ("darwin", {"HOME": "/h"}, Launchd),
        ("win32", {}, Scheduler),
        ("linux", {}, type(None)),
        ("freebsd14", {"HOME": "/h"}, type(None)),
    ],
)
def test_system_has_the_manager_it_comes_with(
    platform: str, environ: Mapping[str, str], expected: type
) -> None:
    assert isinstance(manager_of(environ, platform), expected)


def test_windows_is_given_the_interpreter_that_opens_no_window() -> None:
    assert windowless(r"C:\venv\Scripts\python.exe") == r"C:\venv\Scripts\pythonw.exe"
    assert windowless(r"C:\venv\Scripts\entra.exe") == r"C:\venv\Scripts\entra.exe"


def troubled_or_none(service: Service) -> judging.Trouble | None:
    seen = service.look()
    return seen.trouble if seen else None


def theirs(make: Make, tmp_path: Path, standins: Standins) -> Path:
    """Name the file that what is at the service's place comes from."""
    if make is Scheduler:
        return standins.folder / "task"
    return Path(make(os.environ).place(program(tmp_path)))


def doing(standins: Standins) -> list[str]:
    """Give what was asked but what only looks."""
    looks = (" show", " print ", " /Query", "loginctl ")
    return [one for one in standins.asked() if not any(look in one for look in looks)]


def started(standins: Standins) -> bool:
    words = {"restart", "--now", "bootstrap", "kickstart", "/Run"}
    return any(words & set(one.split()) for one in doing(standins))
