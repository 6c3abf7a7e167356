"""The search for secrets finds every one that is planted, in each of its shapes, and no other."""

import base64
import json
import subprocess
import sys
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from scenarios.canary import PIECE, Canary, files, processes

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
TOKEN = jwt.encode({"aud": "https://graph.microsoft.com", "oid": "a" * 36}, KEY, "RS256")
SIGNATURE = TOKEN.rpartition(".")[2]
PEM = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
DER = KEY.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
P = KEY.private_numbers().p.to_bytes(128, "big")
BOUND_S = 30.0


def long_enough(shape: bytes) -> bytes:
    """Cut out of the middle what must just be found."""
    start = len(shape) // 2 - PIECE
    return shape[start : start + 2 * PIECE - 1]


@pytest.mark.parametrize(
    "shape",
    [
        TOKEN.encode(),
        SIGNATURE.encode(),
        json.dumps({"Authorization": f"Bearer {TOKEN}"}).encode(),
        f"b'Bearer {TOKEN}'".encode("utf-16-le"),
        TOKEN.encode().hex().encode(),
        *(base64.b64encode(b" " * before + TOKEN.encode()) for before in range(3)),
        base64.urlsafe_b64decode(f"{SIGNATURE}=="),
    ],
    # The key is another one in every process, so it cannot name a test.
    ids=("token", "signature", "header", "utf-16", "hex", *("base64",) * 3, "bytes"),
)
def test_token_is_found_in_each_shape_and_when_it_is_cut_short(shape: bytes) -> None:
    canary = Canary([TOKEN])

    assert canary.is_in(b"\x00" + shape + b"\xff")
    assert canary.is_in(b"\x00" + long_enough(shape) + b"\xff")


@pytest.mark.parametrize(
    "shape",
    [
        PEM.encode(),
        json.dumps({"private": PEM}).encode(),
        DER,
        base64.b64encode(DER),
        P,
        P[::-1],
        P.hex().upper().encode(),
        str(KEY.private_numbers().d).encode(),
        base64.urlsafe_b64encode(P),
    ],
    ids=("pem", "json", "der", "base64", "prime", "little-endian", "hex", "number", "jwk"),
)
def test_key_is_found_in_each_shape(shape: bytes) -> None:
    assert Canary([], [KEY]).is_in(b"\x00" + shape + b"\xff")


def test_what_is_public_or_anothers_is_no_secret() -> None:
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    header = TOKEN.partition(".")[0]
    public = KEY.public_key().public_numbers().n.to_bytes(256, "big")
    canary = Canary([TOKEN], [KEY])

    assert not canary.is_in(header.encode() + public + base64.b64encode(public))
    assert not canary.is_in(jwt.encode({"aud": "x"}, other, "RS256").encode())
    assert not canary.is_in(b"")


def test_word_is_found_however_short_it_is() -> None:
    assert Canary([], words="1234").is_in(b"pin=1234;")


def test_file_is_named_wherever_it_lies(tmp_path: Path) -> None:
    (tmp_path / "state" / "files").mkdir(parents=True)
    (tmp_path / "state" / "files" / "x").write_text(TOKEN, encoding="ascii")
    (tmp_path / "excepted").write_text(TOKEN, encoding="ascii")
    (tmp_path / "clean").write_text("nothing", encoding="ascii")

    found = files(tmp_path, but=[tmp_path / "excepted"])

    assert Canary([TOKEN]).sighted(found) == [str(Path("state", "files", "x"))]


@pytest.mark.parametrize(
    ("words", "environ"), [([TOKEN], {}), ([], {"SECRET": TOKEN})], ids=["cmdline", "environ"]
)
def test_process_that_carries_one_is_named(words: list[str], environ: dict[str, str]) -> None:
    code = "import sys; print('ready', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", code, *words],
        env=environ,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        kind = "environ" if environ else "cmdline"

        assert Canary([TOKEN]).sighted(processes(sealed=0)) == [f"{process.pid} {kind}"]

        process.communicate(timeout=BOUND_S)
