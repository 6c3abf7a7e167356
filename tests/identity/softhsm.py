"""SoftHSM 2: tokens in software, kept in a folder of the run. `make parts` installs it."""

import shutil
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from contracts.token import PIN

BOUND_S = 30.0
PLACES = (
    "/usr/lib/softhsm",
    "/usr/lib64/softhsm",
    "/usr/lib64/pkcs11",
    "/opt/homebrew/lib/softhsm",
)
MODULE = next((path for place in PLACES if (path := Path(place, "libsofthsm2.so")).exists()), None)
MISSING = MODULE is None or not shutil.which("softhsm2-util")
REASON = "`make parts` installs softhsm2"


@contextmanager
def softhsm(folder: Path, *labels: str) -> Generator[Path]:
    """Have tokens of these *labels*, and no others, in this process's environment."""
    assert MODULE is not None
    (folder / "tokens").mkdir()
    config = f"directories.tokendir = {folder}/tokens\nobjectstore.backend = file\n"
    (folder / "conf").write_text(f"{config}log.level = ERROR\n", encoding="ascii")
    with pytest.MonkeyPatch.context() as environ:
        environ.setenv("SOFTHSM2_CONF", str(folder / "conf"))
        for label in labels:
            make_token(label)
        yield MODULE


def make_token(label: str) -> None:
    util("--init-token", "--free", "--so-pin=0000", f"--label={label}", f"--pin={PIN}")


def util(*words: str) -> None:
    subprocess.run(
        ["softhsm2-util", *words],  # noqa: S607 - wherever it is
        check=True,
        stdout=subprocess.DEVNULL,
        timeout=BOUND_S,
    )
