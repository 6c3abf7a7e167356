"""What a running sandbox leaves in its folder: its cloud profile and a certificate."""

from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

import trustme

from entraclaw.sandbox.profile import cloud_profile


@contextmanager
def described(
    home: Path, authority: trustme.CA, *, login: str, graph: str, service: str
) -> Generator[tuple[Path, Path]]:
    """Write both files into *home* and take them away again; *service* is `host:port`.

    Raises:
        OSError: *home* cannot be written.
    """
    ours = not home.exists()
    home.mkdir(parents=True, exist_ok=True)
    home.chmod(0o700)
    cloud, ca = home / "cloud.toml", home / "ca.pem"
    profile = cloud_profile(login=login, graph=graph, service=service, authority=ca)
    try:
        _write(ca, authority.cert_pem.bytes())
        _write(cloud, profile.encode())
        yield cloud, ca
    finally:
        for path in (cloud, ca):
            path.unlink(missing_ok=True)
        if ours:
            # Somebody may have put a file of their own beside ours.
            with suppress(OSError):
                home.rmdir()


def _write(path: Path, content: bytes) -> None:
    # Made anew, so that the mode holds from the first byte and never follows an old link.
    path.unlink(missing_ok=True)
    path.touch(mode=0o600, exist_ok=False)
    path.write_bytes(content)
