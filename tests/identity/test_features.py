"""What each feature needs to be granted."""

from dataclasses import replace

import pytest

from entraclaw.identity.cloud import BUILT_IN
from entraclaw.identity.features import CHANNEL, GRAPH, WORK_IQ_WORD, Feature, is_offered, wanted

PUBLIC = BUILT_IN["public"]


def scopes(*features: Feature) -> dict[str, frozenset[str]]:
    return {want.name: want.scopes for want in wanted(features, PUBLIC)}


def test_chat_alone_needs_graph_and_the_agent_channel() -> None:
    assert scopes() == {
        GRAPH: {"Chat.Read", "ChatMessage.Send", "User.Read", "User.ReadBasic.All"},
        CHANNEL: {"AgentData.ReadWrite"},
    }


def test_scopes_of_several_features_are_one_want_of_each_resource() -> None:
    found = scopes(Feature.WORD, Feature.MAIL)

    assert list(found) == [GRAPH, CHANNEL, WORK_IQ_WORD]
    assert found[GRAPH] >= {"Chat.Read", "Mail.Send", "Files.ReadWrite.All"}
    assert found[WORK_IQ_WORD] == {"Tools.ListInvoke.All"}


def test_token_is_asked_for_by_the_clouds_own_names() -> None:
    gcch = wanted((), BUILT_IN["gcch"])

    assert [want.scope for want in gcch] == [
        "https://graph.microsoft.us/.default",
        "6f669b9e-7701-4e2b-b624-82c9207fde26/.default",
    ]


@pytest.mark.parametrize(
    ("held", "missing"),
    [
        ({"Chat.ReadWrite", "User.Read.All"}, ()),
        ({"Chat.ReadWrite", "User.ReadWrite"}, ("User.ReadBasic.All",)),
        ({"chat.read"}, ("Chat.Read", "ChatMessage.Send", "User.Read", "User.ReadBasic.All")),
    ],
)
def test_broader_scope_stands_for_those_it_includes(
    held: set[str], missing: tuple[str, ...]
) -> None:
    graph, _ = wanted((), PUBLIC)

    assert graph.missing(held) == missing


def test_word_is_offered_only_where_there_is_work_iq() -> None:
    bare = replace(PUBLIC, work_iq="")

    assert is_offered(Feature.WORD, PUBLIC)
    assert not is_offered(Feature.WORD, bare)
    assert is_offered(Feature.FILES, bare)
