"""Azurite, Microsoft's emulator of Azure Storage, with a certificate of its own for the run.

It takes bearers over TLS only (`--oauth basic`), and looks at their audience, issuer and times;
neither at the signature, nor at who may do what. The client library speaks a version of the
protocol that Azurite may not know yet, and which it then must not check.
"""

import shutil
import subprocess
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import trustme

BOUND_S = 30.0
MAIN = Path(__file__).parents[2] / ".parts/node_modules/azurite/dist/src/blob/main.js"
NODE = shutil.which("node")
ACCOUNT = "devstoreaccount1"  # the one that it has by itself
_UP = "successfully listens on "


@dataclass(frozen=True, slots=True)
class Azurite:
    """Where blobs are: *url* without the account, *ca* a PEM file to trust."""

    url: str
    ca: Path


@contextmanager
def running_azurite(folder: Path) -> Generator[Azurite]:
    """Run the blob service with its blobs in memory and its certificate in *folder*."""
    assert NODE is not None
    authority = trustme.CA()
    leaf = authority.issue_cert("127.0.0.1")
    names = {name: folder / f"{name}.pem" for name in ("ca", "cert", "key")}
    authority.cert_pem.write_to_path(names["ca"])
    leaf.private_key_pem.write_to_path(names["key"])
    leaf.cert_chain_pems[0].write_to_path(names["cert"])
    words = ["--inMemoryPersistence", "--disableTelemetry", "--skipApiVersionCheck"]
    words += ["--oauth", "basic", "--blobPort", "0"]
    words += ["--cert", str(names["cert"]), "--key", str(names["key"])]
    with subprocess.Popen(
        [NODE, str(MAIN), *words], cwd=folder, stdout=subprocess.PIPE, text=True
    ) as process:
        killer = threading.Timer(BOUND_S, process.kill)
        killer.start()
        try:
            yield Azurite(_url(process), names["ca"])
        finally:
            process.terminate()
            process.communicate()
            killer.cancel()


def _url(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    said: list[str] = []
    for line in process.stdout:
        if _UP in line:
            return line.partition(_UP)[2].strip()
        said.append(line)
    raise AssertionError("Azurite did not come up:\n" + "".join(said))
