"""An emulated tenant in its own process, and agents in it whose keys are ours."""

import json
import socket
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

from entraclaw.identity import AgentIds, Chain, Cloud, HopTiming
from entraclaw.identity.cloud import parse
from entraclaw.identity.entra import Clock
from entraclaw.identity.keys import Binding, Key
from entraclaw.identity.keys.memory import MemoryKeyStore
from sandbox.scene import BOUND_S, Json, Scene, start


@dataclass(frozen=True, slots=True)
class Tenant:
    """A running sandbox, its cloud profile, and one key that is good for its home tenant."""

    scene: Scene
    cloud: Cloud
    id: str
    key: Key

    def hire(self, certificate: bytes = b"") -> AgentIds:
        """Make an agent whose blueprint knows *certificate*, or our key's; Ada sponsors it."""
        pem = (certificate or self.key.certificate).decode()
        body = {"name": "Claw", "certificate": pem, "sponsors": ["ada"]}
        card = self.scene.ask("POST", "agents", body)
        return AgentIds(card["tenant"], card["blueprint"], card["agent"], card["user"])

    def change(self, ids: AgentIds, **changes: object) -> None:
        self.scene.ask("PUT", f"agents/{ids.user}", changes)

    def account(self, ids: AgentIds, **changes: object) -> None:
        self.scene.ask("PUT", f"agents/{ids.user}/account", changes)

    def register(self, ids: AgentIds, certificate: bytes) -> None:
        body = {"certificate": certificate.decode()}
        self.scene.ask("POST", f"agents/{ids.user}/certificates", body)

    def chain(
        self,
        ids: AgentIds,
        *,
        cloud: Cloud | None = None,
        key: Callable[[], Key] | None = None,
        clock: Clock = time,
        observe: Callable[[HopTiming], None] = lambda _timing: None,
    ) -> Chain:
        return Chain(ids, cloud or self.cloud, key or (lambda: self.key), clock, observe)

    def asked(self, ids: AgentIds) -> list[str]:
        """The token requests made for *ids*, oldest first: the hop, or the refusal's number."""
        lines = cast("list[Json]", self.scene.ask("GET", "tokens")["requests"])
        own = [line for line in lines if line["client_id"] in {ids.blueprint, ids.agent}]
        return [str(line["code"] or line["hop"]) for line in own]

    def metadata_reads(self) -> int:
        """How often Entra's metadata was read, by whomever."""
        return int(self.scene.ask("GET", "tokens")["metadata_reads"])

    def move(self, ahead_s: float) -> None:
        """Set the tenant's clock."""
        self.scene.ask("PUT", "clock", {"ahead_s": ahead_s})

    def spoil(self, ids: AgentIds, **fault: object) -> None:
        """Put one fault of Entra's in *ids*' way, in place of any other."""
        self.scene.ask("PUT", "entra-faults", {"faults": [{"agent": ids.user, **fault}]})

    def heal(self) -> None:
        """Take every fault away, and give the tenant the right time."""
        self.scene.ask("PUT", "entra-faults", {"faults": []})
        self.move(0)

    @contextmanager
    def turned(self, **settings: object) -> Generator[None]:
        """Turn the sandbox's knobs for a while."""
        self.scene.ask("PUT", "settings", settings)
        try:
            yield
        finally:
            self.scene.ask("PUT", "settings", NEUTRAL)


@dataclass(slots=True)
class TenantClock:
    """The time of the agent and of its tenant, moved ahead by hand."""

    tenant: Tenant
    ahead: float = 0.0

    def time(self) -> float:
        return time.time() + self.ahead

    def perf_counter(self) -> float:
        return time.perf_counter()

    def move_to(self, moment: float) -> None:
        self.move(moment - self.time())

    def move(self, seconds: float) -> None:
        self.ahead += seconds
        self.tenant.move(self.ahead)

    async def sleep(self, seconds: float) -> None:
        """What the minter waits for: it is over at once, and it is later."""
        self.move(seconds)


NEUTRAL = {
    "latency_ms": 0,
    "token_lifetime_s": None,
    "propagation_s": 0,
    "credentials_s": 0,
    "replicas": 1,
}


@contextmanager
def emulated(home: Path) -> Generator[Tenant]:
    with start(home) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        scene = Scene(json.loads(process.stdout.readline()))
        cloud = parse(scene.cloud)
        people = scene.ask("GET", "people")["people"]
        tenant = next(str(person["tenant"]) for person in people if person["key"] == "ada")
        made = datetime.now(UTC) - timedelta(days=1)  # tests set the clock back, too
        key = MemoryKeyStore(lambda: made).create("default", Binding(cloud.login, tenant))
        yield Tenant(scene, cloud, tenant, key)
        scene.session.close()
        process.stdin.close()
        assert process.wait(BOUND_S) == 0


def closed_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port
