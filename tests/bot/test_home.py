import sys
from pathlib import Path

import pytest

from entraclaw.bot import home


def test_data_folder_on_linux_is_what_platformdirs_says(monkeypatch: pytest.MonkeyPatch) -> None:
    from platformdirs.unix import Unix  # noqa: PLC0415 - each system's class is its own module

    for base in ("", "/data"):
        monkeypatch.setenv("XDG_DATA_HOME", base)
        monkeypatch.setenv("HOME", "/home/ada")
        environ = {"HOME": "/home/ada", "XDG_DATA_HOME": base}
        expected = Unix("entraclaw", appauthor=False).user_data_dir
        assert home.data_dir(environ, "linux") == expected


def test_data_folder_on_macos_is_what_platformdirs_says(monkeypatch: pytest.MonkeyPatch) -> None:
    from platformdirs.macos import MacOS  # noqa: PLC0415 - as above

    monkeypatch.setenv("HOME", "/Users/ada")
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    expected = MacOS("entraclaw", appauthor=False).user_data_dir
    assert home.data_dir({"HOME": "/Users/ada"}, "darwin") == expected


def test_data_folder_on_windows_is_what_platformdirs_says(monkeypatch: pytest.MonkeyPatch) -> None:
    from platformdirs.windows import get_win_folder_from_env_vars  # noqa: PLC0415 - as above

    local = r"C:\Users\ada\AppData\Local"
    monkeypatch.setenv("LOCALAPPDATA", local)
    expected = get_win_folder_from_env_vars("CSIDL_LOCAL_APPDATA") + "\\entraclaw"
    assert home.data_dir({"LOCALAPPDATA": local}, "win32") == expected


@pytest.mark.parametrize("platform", ["linux", "darwin", "win32"])
def test_system_that_names_no_folder_gives_none(platform: str) -> None:
    assert home.data_dir({}, platform) is None


def test_entraclaw_home_comes_before_the_systems_folder() -> None:
    environ = {"ENTRACLAW_HOME": "/claws", "HOME": "/home/ada"}
    assert home.profile_dir(environ, "work") == str(Path("/claws/work"))


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a b", "a.b", "\\", "a\x00"])
def test_profile_that_is_no_plain_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="no profile name"):
        home.profile_dir({"ENTRACLAW_HOME": "/claws"}, name)


def test_without_any_folder_the_cure_is_named() -> None:
    with pytest.raises(LookupError, match="ENTRACLAW_HOME"):
        home.profile_dir({}, "default")


@pytest.mark.skipif(sys.platform == "win32", reason="Unix sockets")
def test_long_socket_path_is_looked_up_in_its_note(tmp_path: Path) -> None:
    folder = tmp_path / ("x" * 100)
    (folder / "run").mkdir(parents=True)
    (folder / "run" / "daemon.sock.at").write_text("/run/short.sock\n", encoding="utf-8")

    assert home.socket_path(str(folder)) == "/run/short.sock"
    assert home.socket_path("/short") == "/short/run/daemon.sock"
