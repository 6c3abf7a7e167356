"""Every answer of the sandbox's Graph has the shape that Microsoft's own CSDL gives it.

The rule is Microsoft's; `graph_shape` says where it is from.
"""

from collections.abc import Generator

import pytest

from graph_shape.ledger import Ledger
from sandbox.inside import inside, routes
from sandbox.scene import Credential
from sandbox.tour import tour


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory, credential: Credential) -> Generator[Ledger]:
    with inside(tmp_path_factory.mktemp("inside") / "home") as scene:
        yield tour(scene, credential)


def test_every_path_that_is_served_was_visited(ledger: Ledger) -> None:
    """A path that is served and not on the tour is a path that nobody checks."""
    missed = set(routes()) - (ledger.agreed() & ledger.refused())

    assert not missed, "\n".join(f"{route.method} {route.address}" for route in missed)


def test_no_answer_contradicts_the_csdl(ledger: Ledger) -> None:
    found = ledger.contradictions()

    assert not found, "\n".join(found)
