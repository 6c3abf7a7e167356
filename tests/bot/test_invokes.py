"""Invokes are answered in the request: HTTP 200 always, the body tells."""

import pytest

from bot.documents import ADA, USER, Document
from entraclaw.bot.fields import Json
from entraclaw.bot.invokes import InvokeAnswer, answer, invoke_key, invoke_name, say


def click(**changes: object) -> Document:
    document: Document = {
        "type": "invoke",
        "id": "f:1",
        "name": "adaptiveCard/action",
        "replyToId": "1700",
        "from": {"id": "29:1", "aadObjectId": ADA},
        "conversation": {"id": "a:1"},
        "value": {"action": {"verb": "approve", "data": {"request": "r1"}}, "trigger": "manual"},
    }
    return {**document, **changes}


def test_button_of_a_card_is_told_that_the_card_is_stale() -> None:
    assert answer(invoke_name(click()), click()) == InvokeAnswer(
        200,
        {
            "statusCode": 200,
            "type": "application/vnd.microsoft.activity.message",
            "value": "This card takes no answers any more.",
        },
    )


@pytest.mark.parametrize(
    "name",
    ["task/fetch", "fileConsent/invoke", "signin/verifyState", "signin/tokenExchange", "", "x"],
)
def test_what_is_not_offered_is_said_in_the_body_and_not_by_the_status(name: str) -> None:
    told = answer(name, click(name=name))

    assert (told.status, told.body["statusCode"]) == (200, 501)
    assert told.body["type"] == "application/vnd.microsoft.error"
    assert told.body["value"] == {
        "code": "NotImplemented",
        "message": "This agent does not offer that.",
    }


def test_handler_answers_the_invoke_it_is_registered_for() -> None:
    def greet(document: Json) -> InvokeAnswer:
        return say(f"for {invoke_name(document)}")

    handlers = {"task/fetch": greet}
    told = answer("task/fetch", {"name": "task/fetch"}, handlers)
    assert told.body["value"] == "for task/fetch"


def test_repetition_under_another_activity_id_has_the_same_key() -> None:
    again = click(id="f:2", timestamp="later", localTimestamp="later")
    assert invoke_key(again) == invoke_key(click()) != ""


@pytest.mark.parametrize(
    "changes",
    [
        {"from": {"id": "29:2", "aadObjectId": USER}},
        {"conversation": {"id": "a:2"}},
        {"name": "task/submit"},
        {"value": {"action": {"verb": "deny", "data": {"request": "r1"}}}},
        {"value": {"action": {"verb": "approve", "data": {"request": "r2"}}}},
        {"value": {"action": {"verb": "approve", "data": {"request": "r1", "note": "x"}}}},
    ],
)
def test_another_click_is_no_repetition(changes: Document) -> None:
    """Ours: a second person, another button or another answer is news."""
    assert invoke_key(click(**changes)) not in {"", invoke_key(click())}


def test_request_of_the_card_is_the_same_wherever_the_card_is_shown() -> None:
    assert invoke_key(click(replyToId="1800")) == invoke_key(click())


def test_card_without_a_request_is_told_by_its_action_and_message() -> None:
    value: Document = {"action": {"id": "b1", "data": {}}}
    one = click(value=value)

    assert invoke_key(one) == invoke_key(click(value=value, id="f:9")) != ""
    assert invoke_key(one) != invoke_key(click(value=value, replyToId="1800"))


@pytest.mark.parametrize(
    "value",
    [
        {"data": {"request": "r1"}},
        {"context": {"request": "r1"}, "action": "accept"},
        {"action": "decline", "context": {}},
    ],
)
def test_forms_and_consents_have_a_key_too(value: object) -> None:
    assert invoke_key(click(value=value)).startswith("invoke:")


@pytest.mark.parametrize("value", [None, {}, [], "x", {"action": {}}, {"action": {"verb": 1}}])
def test_invoke_that_names_nothing_has_no_key(value: object) -> None:
    assert invoke_key(click(value=value)) == ""
