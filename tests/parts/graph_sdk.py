"""Stock msgraph-sdk, told of a Graph of one's own; what it cannot read of an answer is found.

It is imported where it is used: it is on a machine only where `make parts` put it.
"""

import dataclasses
import importlib
import json
import ssl
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, TypeAlias, cast

import pytest

from graph_shape.ledger import Ledger
from sandbox.scene import BOUND_S, Hired, Scene

# What an open type may carry beside what it declares: Teams tells whose user somebody is.
_OPEN = {"TeamworkUserIdentity": frozenset({"tenantId"})}

_CONFIGURATION = "kiota_abstractions.base_request_configuration.RequestConfiguration"

MARKS = [
    pytest.mark.parts,
    pytest.mark.skipif(find_spec("msgraph") is None, reason="`make parts` installs msgraph-sdk"),
    # The SDK's own models, of each other.
    pytest.mark.filterwarnings(
        "ignore:.*is deprecated.*(QueryParameters|generator):DeprecationWarning"
    ),
]


class Sdk:
    """A client of Microsoft's for the Graph of *scene*, who shows *token*.

    The SDK is made by generators, without a stub of its own, so its things are `Any` here.
    """

    def __init__(self, scene: Scene, token: str, ledger: Ledger) -> None:
        self._token, self._ledger = token, ledger
        self._answer: object = None
        # The SDK puts its own layers above it, and forgets it when it is closed.
        trust = ssl.create_default_context(cafile=scene.ca)
        self._transport = _named("httpx.AsyncHTTPTransport")(verify=trust, trust_env=False)
        http = _named("httpx.AsyncClient")(
            transport=self._transport,
            timeout=BOUND_S,
            event_hooks={"response": [self._take]},
        )
        client = _named("msgraph_core.GraphClientFactory").create_with_default_middleware(
            client=http,
            options=_named("msgraph.graph_request_adapter.options"),  # writes /me for its users/me
        )
        adapter = _named("msgraph.GraphRequestAdapter")(self, client)
        adapter.base_url = self.base = f"{scene.cloud['graph']}/v1.0"
        self.graph: Any = _named("msgraph.GraphServiceClient")(request_adapter=adapter)

    async def close(self) -> None:
        """Let go of its connections."""
        await self._transport.aclose()

    async def authenticate_request(self, request: Any, _context: object = None) -> None:  # noqa: ANN401 - see above
        """Be the SDK's authentication provider."""
        request.headers.try_add("Authorization", f"Bearer {self._token}")

    async def ask(self, call: Awaitable[Any]) -> Any:  # noqa: ANN401 - see above
        """Await *call*; every field of its answer must have a place in the SDK's models."""
        self._answer = None
        read = await call
        self._agree(read)
        return read

    async def refused(self, call: Awaitable[Any]) -> tuple[int, str]:
        """Await *call*, which is refused; gives the status and Graph's code."""
        error = _named("msgraph.generated.models.o_data_errors.o_data_error.ODataError")
        try:
            await call
        except error as no:
            refusal: Any = no
        else:
            raise AssertionError("it was not refused")
        self._agree(refusal)
        return refusal.response_status_code, refusal.error.code

    def _agree(self, read: object) -> None:
        found = [*lost(self._answer, read)]
        assert not found, "\n".join(found)

    async def _take(self, answer: Any) -> None:  # noqa: ANN401 - see above
        body: bytes = await answer.aread()
        asked = answer.request
        self._ledger.take(asked.method, str(asked.url), answer.status_code, body)
        is_json = answer.headers.get("Content-Type", "").startswith("application/json")
        self._answer = json.loads(body) if is_json else None


ClientOf: TypeAlias = Callable[[str], Sdk]


@dataclass(frozen=True, slots=True)
class GraphStand:
    """A sandbox, an agent in it, and what its Graph answered to the SDK."""

    scene: Scene
    agent: Hired
    ledger: Ledger


def model(name: str, **fields: object) -> Any:  # noqa: ANN401 - see above
    """A model of the SDK, by its module below `models` and its class."""
    return _named(f"msgraph.generated.models.{name}")(**fields)


def body(name: str, **fields: object) -> Any:  # noqa: ANN401 - see above
    """The body of an action, by its module and class."""
    return _named(f"msgraph.generated.{name}")(**fields)


def typed() -> Any:  # noqa: ANN401 - see above
    """How a request is told to say which OData the type in its body is of."""
    configuration = _named(_CONFIGURATION)()
    configuration.headers.add("OData-Version", "4.0")
    return configuration


def parsed(module: str, cls: str, document: object) -> Any:  # noqa: ANN401 - see above
    """Read *document* as the SDK reads an answer of that class, or of one that it extends."""
    node = _named("kiota_serialization_json.json_parse_node.JsonParseNode")(document)
    return node.get_object_value(_named(f"msgraph.generated.models.{module}.{cls}"))


def asking(builder: Any, **parameters: object) -> Any:  # noqa: ANN401 - see above
    """How *builder*'s `get` is told of query options."""
    kind = cast("Any", type(builder))
    [options] = [getattr(kind, name) for name in dir(kind) if name.endswith("GetQueryParameters")]
    return _named(_CONFIGURATION)(query_parameters=options(**parameters))


def lost(answer: object, read: Any) -> Iterator[str]:  # noqa: ANN401 - see above
    """The fields of *answer* that have no place in *read*, or came to nothing there."""
    if answer is None:
        return
    for one in _models(read):
        known = _OPEN.get(type(one).__name__, frozenset[str]())
        for name in one.additional_data:
            if "@" not in name and name not in known:
                yield f"{type(one).__name__} has no {name}"
    writer = _named("kiota_serialization_json.json_serialization_writer.JsonSerializationWriter")()
    writer.write_object_value(None, read)
    kept = {*_fields(json.loads(writer.get_serialized_content()))}
    yield from (f"{name} came to nothing" for name in sorted({*_fields(answer)} - kept))


def _models(value: Any) -> Iterator[Any]:  # noqa: ANN401 - see above
    if isinstance(value, list):
        for one in cast("list[object]", value):
            yield from _models(one)
    elif hasattr(value, "additional_data"):
        yield value
        for field in dataclasses.fields(value):
            if field.name not in {"backing_store", "additional_data"}:
                yield from _models(getattr(value, field.name))


def _fields(value: object, at: str = "") -> Iterator[str]:
    if isinstance(value, list):
        for number, one in enumerate(cast("list[object]", value)):
            yield from _fields(one, f"{at}[{number}]")
    elif isinstance(value, dict):
        for name, one in cast("Mapping[str, object]", value).items():
            if "@" not in name:
                yield from _fields(one, f"{at}.{name}")
    elif value is not None:
        yield at


def _named(name: str) -> Any:  # noqa: ANN401 - see above
    module, _, attribute = name.rpartition(".")
    return getattr(importlib.import_module(module), attribute)
