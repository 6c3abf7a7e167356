"""Whom the connections to Microsoft are checked by: the system's authorities, and one's own."""

from pathlib import Path

import pytest
import trustme

from entraclaw.bot.trust import trust
from entraclaw.errors import BadSettings


def authority(path: Path, name: str) -> str:
    """Write an authority's certificate where its file is named by a setting."""
    trustme.CA(organization_name=name).cert_pem.write_to_path(path)
    return str(path)


def trusted(tls_ca: str) -> set[str]:
    found = str(trust(tls_ca).get_ca_certs())
    return {name for name in ("the system's", "one's own") if name in found}


def test_own_authority_is_trusted_beside_the_systems(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", authority(tmp_path / "system.pem", "the system's"))
    own = authority(tmp_path / "own.pem", "one's own")

    assert trusted("") == {"the system's"}
    assert trusted(own) == {"the system's", "one's own"}


def test_bundle_without_a_certificate_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.pem").touch()

    for path in ("empty.pem", "gone.pem"):
        with pytest.raises(BadSettings, match="holds no certificates"):
            trust(str(tmp_path / path))
