"""Graph's query options, as lists of directory objects know them."""

import pytest

from entraclaw.sandbox.envelopes import GraphError
from entraclaw.sandbox.queries import listing, narrowed, selected
from sandbox.scene import Json

URL = "https://localhost/v1.0/things"
NAMES = frozenset({"displayName", "tags", "accountEnabled", "id"})
THINGS: list[Json] = [
    {"id": "1", "displayName": "O'Hara and sons", "tags": ["claw:A"], "accountEnabled": True},
    {"id": "2", "displayName": "Claw", "tags": [], "accountEnabled": False},
    {"id": "3", "displayName": "Claw two", "tags": ["claw:B", "x"], "accountEnabled": True},
]


def ids(**query: str) -> list[str]:
    options = {f"${name}": value for name, value in query.items()}
    return [one["id"] for one in listing(URL, options, THINGS, NAMES).value]


def code(**query: str) -> tuple[int, str]:
    with pytest.raises(GraphError) as refusal:
        ids(**query)
    return refusal.value.status, refusal.value.code


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("displayName eq 'O''Hara and sons'", ["1"]),
        ("displayName eq 'CLAW'", ["2"]),
        ("startswith(displayName,'claw')", ["2", "3"]),
        ("startsWith( displayName , 'Claw ')", ["3"]),
        ("tags/any(t:t eq 'claw:B')", ["3"]),
        ("tags/any(t: t eq 'claw:b')", ["3"]),
        ("accountEnabled eq false", ["2"]),
        ("accountEnabled eq true and tags/any(t:t eq 'x')", ["3"]),
        ("displayName eq 'nobody'", []),
        ("accountEnabled eq 'true'", []),
        ("", ["1", "2", "3"]),
    ],
)
def test_filter_finds(condition: str, found: list[str]) -> None:
    assert ids(filter=condition) == found


@pytest.mark.parametrize(
    "condition",
    [
        "displayName",
        "displayName ne 'Claw'",
        "displayName eq Claw",
        "tags/any(t:u eq 'x')",
        "displayName eq 'a' or displayName eq 'b'",
        "displayName eq 'a' and",
    ],
)
def test_filter_that_makes_no_sense_is_refused(condition: str) -> None:
    assert code(filter=condition) == (400, "BadRequest")


@pytest.mark.parametrize(
    "condition", ["secret eq 'x'", "startswith(secret,'x')", "secret/any(t:t eq 'x')"]
)
def test_property_that_cannot_be_filtered_by_is_refused(condition: str) -> None:
    assert code(filter=condition) == (400, "Request_UnsupportedQuery")


def test_pages_follow_each_other_and_keep_the_filter() -> None:
    query = {"$top": "1", "$filter": "startswith(displayName,'claw')", "$count": "true"}
    first = listing(URL, query, THINGS, NAMES)

    assert first.next is not None
    assert first.next.startswith(f"{URL}?$top=1&$filter=startswith")
    token = first.next.rpartition("$skiptoken=")[2]
    second = listing(URL, {**query, "$skiptoken": token}, THINGS, NAMES)

    assert [page.value[0]["id"] for page in (first, second)] == ["2", "3"]
    assert second.next is None


@pytest.mark.parametrize("top", ["0", "1000", "ten", "-1", ""])
def test_page_of_no_size_is_refused(top: str) -> None:
    assert code(top=top) == (400, "BadRequest")


def test_option_that_is_not_known_is_refused() -> None:
    assert code(search="claw") == (400, "BadRequest")


def test_what_is_selected_is_shown_with_its_type_and_nothing_else() -> None:
    whole = {"@odata.type": "#x", "id": "1", "rare": 1, "name": "a"}

    assert selected(whole, {"$select": "id, rare"}) == {"@odata.type": "#x", "id": "1", "rare": 1}
    assert selected(whole, {}, frozenset({"rare"})) == {"@odata.type": "#x", "id": "1", "name": "a"}
    with pytest.raises(GraphError, match="BadRequest"):
        selected(whole, {"$select": "id,other"})


def test_context_names_what_was_selected_and_nothing_where_all_is_shown() -> None:
    assert narrowed("users", {"$select": " id , tags"}) == "users(id,tags)"
    assert narrowed("users", {}) == "users"
