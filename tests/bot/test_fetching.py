import os
from pathlib import Path
from typing import Any, cast

from entraclaw.bot.fetching import Fetching


def test_files_fetched_before_a_moment_are_removed_and_later_ones_stay(tmp_path: Path) -> None:
    old, new = tmp_path / "state/files/1-0-old.txt", tmp_path / "state/files/2-0-new.txt"
    old.parent.mkdir(parents=True)
    for file, age in ((old, 10.0), (new, 1000.0)):
        file.write_text("x", encoding="ascii")
        os.utime(file, (age, age))
    nothing = cast("Any", None)  # neither the inbox nor the network is asked

    assert Fetching(nothing, nothing, nothing, nothing, tmp_path).forget(500.0) == 1
    assert (old.exists(), new.exists()) == (False, True)
