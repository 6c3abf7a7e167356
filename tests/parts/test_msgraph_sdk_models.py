"""Every answer of the sandbox's Graph has a place in the models of Microsoft's own client."""

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import cast

import pytest

from graph_shape import cut
from graph_shape.csdl import published
from graph_shape.judge import Answer
from graph_shape.paths import leads_to
from parts.graph_sdk import MARKS, lost, parsed
from sandbox.inside import inside
from sandbox.scene import Credential, Json
from sandbox.tour import tour

pytestmark = MARKS


@pytest.fixture(scope="module")
def generated() -> Path:
    """Where the SDK's models are."""
    spec = find_spec("msgraph")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "generated"


def unread(sdk: cut.Sdk, answer: Answer) -> Iterator[str]:
    """What the SDK's model of what is due at this path makes nothing of."""
    document = cast("Json", answer.body)
    due = leads_to(published(), answer.path.removeprefix("/v1.0/"))
    cls = sdk.cls(due.kind)
    for one in document["value"] if due.is_many and "value" in document else [document]:
        yield from lost(one, parsed(sdk.find(due.kind).module, cls, one))


def test_every_field_of_every_answer_has_a_place_in_the_sdk(
    generated: Path, tmp_path: Path
) -> None:
    """What the tour of all paths was answered, beta left out: it has an SDK of its own."""
    with inside(tmp_path / "home") as scene:
        answers = tour(scene, Credential.make()).agreements()
    sdk = cut.Sdk(generated)
    found = (
        f"{one.path}: {what}"
        for one in answers
        if one.path.startswith("/v1.0/") and isinstance(one.body, dict)
        for what in unread(sdk, one)
    )

    assert not [*found]


@pytest.mark.parametrize(
    ("document", "what"),
    [
        ({"id": "1", "colour": "red"}, "AgentUser has no colour"),
        ({"id": 1}, ".id came to nothing"),
        ({"id": "1", "assignedLicenses": [{"size": 1}]}, "AssignedLicense has no size"),
    ],
)
def test_field_that_the_sdk_does_not_know_is_found(document: Json, what: str) -> None:
    own = {"@odata.type": "#microsoft.graph.agentUser", **document}

    assert [*lost(own, parsed("user", "User", own))] == [what]


def test_excerpt_is_what_the_installed_sdk_says(generated: Path) -> None:
    """What may be null is no word of the SDK's."""
    kept = Path(cut.__file__).with_name("v1.0.xml").read_text(encoding="utf-8")

    assert cut.excerpt("v1.0", generated) == kept.replace(' Nullable="false"', "")
