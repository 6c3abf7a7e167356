"""What the doctor makes of facts: each cause once, in its own line, and nothing else red."""

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bot.findings import (
    ACCOUNT,
    BOT,
    HEALTHY,
    IDS,
    KEY,
    LICENCE,
    PASSED,
    TOKENS,
    WHO,
    account,
    judged,
    red,
    refused,
)
from entraclaw.bot.diagnosis.claims import held
from entraclaw.bot.diagnosis.facts import Held, Kept, Past, Walk
from entraclaw.bot.diagnosis.hosts import hosts
from entraclaw.bot.principal import ActsAs, Inbound
from entraclaw.errors import (
    CallRefused,
    HopRefused,
    KeyMisused,
    KeyUnavailable,
    NotAnswering,
    NotRunning,
    Unreachable,
)
from entraclaw.identity import AgentIds, Hop, Token
from entraclaw.identity.features import CHANNEL, GRAPH, Feature
from entraclaw.tools import Licence, Own


def test_healthy_agent_has_no_red_line_and_nothing_unknown() -> None:
    assert [one for one in judged().values() if not one.is_well or one.is_note] == []


def test_everything_behind_a_cause_names_it_and_is_no_alarm() -> None:
    lines = judged(
        key=KeyUnavailable("no key"), walk=None, account=None, signing_keys=4, skew_s=0.0
    )

    assert [name for name, one in lines.items() if not one.is_well] == ["key"]
    assert lines["key"].cure == "entraclaw key list says what each store holds"
    behind = ("certificate", "blueprint", "agent user", GRAPH, CHANNEL, "sponsors", "mailbox")
    assert {lines[name].says for name in behind} == {"not known: key comes first"}


@pytest.mark.parametrize(
    ("code", "hop", "line", "words"),
    [
        ("AADSTS700027", Hop.BLUEPRINT, "certificate", "not registered on the blueprint"),
        ("AADSTS7000215", Hop.BLUEPRINT, "certificate", "does not take what it signs"),
        ("AADSTS7000222", Hop.BLUEPRINT, "certificate", "does not take what it signs"),
        ("AADSTS700024", Hop.BLUEPRINT, "clock", "not valid now"),
        ("AADSTS90002", Hop.BLUEPRINT, "Entra", "knows no tenant t"),
        ("AADSTS700016", Hop.BLUEPRINT, "blueprint", "no such blueprint"),
        ("AADSTS700016", Hop.AGENT, "agent identity", "no such agent identity"),
        ("AADSTS7000229", Hop.BLUEPRINT, "blueprint", "no principal in this tenant"),
        ("AADSTS7000112", Hop.BLUEPRINT, "blueprint", "disabled"),
        ("AADSTS7000112", Hop.AGENT, "agent identity", "disabled"),
        ("AADSTS700211", Hop.AGENT, "agent identity", "not one of this blueprint's"),
        ("AADSTS50034", Hop.USER, "agent user", "belongs to another agent identity"),
        ("AADSTS50057", Hop.USER, "agent user", "disabled"),
        ("AADSTS65001", Hop.USER, GRAPH, "nobody consented to Chat.Read, ChatMessage.Send"),
        ("AADSTS500011", Hop.USER, GRAPH, "does not know this resource"),
        ("AADSTS650053", Hop.USER, GRAPH, "no token for it (AADSTS650053)"),
        ("AADSTS53003", Hop.USER, "Conditional Access", "blocks the agent at Graph"),
        ("AADSTS53000", Hop.USER, "Conditional Access", "blocks the agent at Graph"),
        ("AADSTS1", Hop.AGENT, "agent identity", "Entra refused it (AADSTS1)"),
    ],
)
def test_refusal_is_told_in_the_line_it_belongs_to(
    code: str, hop: Hop, line: str, words: str
) -> None:
    found = refused(code, hop)

    assert list(found) == [line]
    assert words in found[line].says
    assert found[line].cure


def test_refusal_of_a_resource_that_nobody_wants_is_the_hops_own() -> None:
    error = HopRefused(Hop.USER, "AADSTS65001", hint="look")
    walk = Walk({}, {"a resource of tomorrow": error})

    assert list(red(walk=walk, account=None)) == ["agent user"]


def test_certificate_that_worked_before_was_taken_away() -> None:
    sent = datetime(2026, 5, 1, tzinfo=UTC).timestamp()
    after = replace(HEALTHY, past=Past(sent, is_same=True))
    before = replace(HEALTHY, past=Past(datetime(2025, 5, 1, tzinfo=UTC).timestamp()))

    assert (
        "on 2026-05-01, and is not any more"
        in refused("AADSTS700027", facts=after)["certificate"].says
    )
    assert refused("AADSTS700027", facts=before)["certificate"].says == (
        "it is not registered on the blueprint"
    )


@pytest.mark.parametrize(("is_same", "words"), [(True, "is gone"), (False, "another agent")])
def test_user_that_answered_as_this_very_agent_was_deleted(words: str, *, is_same: bool) -> None:
    facts = replace(HEALTHY, past=Past(1.0, is_same=is_same))

    assert words in refused("AADSTS50034", Hop.USER, facts=facts)["agent user"].says


def test_key_of_another_tenant_is_named_with_it() -> None:
    other = Kept("keyring", exportable=True, facts=replace(KEY, tenant="elsewhere"))

    found = red(key=other, walk=None, account=None)

    assert "made for the tenant elsewhere" in found["key"].says


@pytest.mark.parametrize(
    ("begins", "ends", "line", "words"),
    [
        ("2025-01-01T00:00:00+00:00", "2026-11-23T00:00:00+00:00", "certificate", "2026-11-23"),
        ("2026-11-25T00:00:00+00:00", "2027-11-25T00:00:00+00:00", "clock", "2026-11-25"),
    ],
)
def test_certificate_outside_its_time_is_named_with_the_day(
    begins: str, ends: str, line: str, words: str
) -> None:
    key = Kept("keyring", exportable=True, facts=replace(KEY, begins=begins, ends=ends))

    found = red(key=key, walk=None, account=None)

    assert list(found) == [line]
    assert words in found[line].says


def test_certificate_that_ends_soon_is_a_note() -> None:
    facts = replace(KEY, ends="2026-12-01T00:00:00+00:00")
    line = judged(key=Kept("pkcs11", exportable=False, facts=facts))["certificate"]

    assert (line.is_note, line.is_well) == (True, True)
    assert "7 days" in line.says


def test_key_that_cannot_be_copied_is_said_to_stay() -> None:
    line = judged(key=Kept("pkcs11", exportable=False, facts=KEY))["key"]

    assert line.says == "in pkcs11, where it cannot leave it; signs PS256"


def test_store_that_fails_while_it_signs_is_the_keys_line() -> None:
    error = KeyUnavailable("the token was pulled out")

    assert list(red(walk=Walk({}, {GRAPH: error}), account=None)) == ["key"]


def test_metadata_of_somebody_else_is_entras_line() -> None:
    error = KeyMisused("metadata names another endpoint", hint="check the proxy")

    found = red(walk=Walk({}, {GRAPH: error}), account=None)

    assert (list(found), found["Entra"].cure) == (["Entra"], "check the proxy")


@pytest.mark.parametrize(
    ("error", "words", "cure"),
    [
        (HopRefused("blueprint", "AADSTS90002", hint="x"), "no tenant t", "correct tenant"),
        (HopRefused("blueprint", "AADSTS9", hint="look"), "AADSTS9", "look"),
        (Unreachable("Entra", "ConnectError"), "ConnectError", "curl -sSI https://login."),
        (Unreachable("Entra", "503", is_passing=True), "busy", "wait a minute"),
        (Unreachable("Entra", "503", is_passing=True, retry_after=9), "for 9 s", "wait 9 s"),
    ],
)
def test_entra_that_does_not_answer_is_one_line(
    error: HopRefused | Unreachable, words: str, cure: str
) -> None:
    found = red(skew_s=error, signing_keys=error, walk=Walk({}, {GRAPH: error}), account=None)

    assert list(found) == ["Entra"]
    assert words in found["Entra"].says
    assert found["Entra"].cure.startswith(cure)


def test_entra_whose_metadata_alone_is_lost_is_no_alarm() -> None:
    lines = judged(skew_s=Unreachable("Entra", "TimeoutError"))

    assert [name for name, one in lines.items() if not one.is_well] == []
    assert lines["clock"].is_note


def test_bot_has_its_own_hop_keys_and_no_account() -> None:
    bot = replace(
        HEALTHY, who=BOT, walk=Walk({Hop.BOT: 9.0}, {"Bot Framework": Held(None, 60)}), account=None
    )
    lines = judged(bot)

    assert red(bot) == {}
    assert lines["signing keys"].says == "the Bot Framework publishes 4"
    assert lines["account"].says == "acts_as is bot: the agent has no account here"
    assert not {"blueprint", "agent user", GRAPH} & set(lines)

    keys = red(bot, signing_keys=Unreachable("keys", "no"))
    assert keys["signing keys"].cure.startswith("curl -sSI https://login.botframework.com/")


def test_bot_that_is_refused_is_told_as_a_bot() -> None:
    def of(code: str) -> tuple[str, str]:
        error = HopRefused(Hop.BOT, code, hint="look")
        walk = Walk({}, {"Bot Framework": error})
        [(name, one)] = red(HEALTHY, who=BOT, walk=walk, account=None).items()
        return name, one.cure

    assert of("AADSTS7000229") == ("bot", "an administrator runs az ad sp create --id bot-id")
    assert of("AADSTS7000112")[1].endswith("bot-id")
    assert of("AADSTS700027")[0] == "certificate"


def test_bot_that_receives_for_an_agent_user_is_looked_at_as_both() -> None:
    who = replace(WHO, inbound=Inbound.BOT, agent=replace(IDS, bot="bot-id"))
    walk = Walk({**PASSED, Hop.BOT: 2.0}, TOKENS)

    lines = judged(who=who, walk=walk)

    assert {"bot", "blueprint", GRAPH} <= set(lines)
    assert red(who=who, walk=walk) == {}


def test_person_who_lends_an_account_is_not_looked_at_as_an_agent() -> None:
    who = replace(WHO, acts_as=ActsAs.DELEGATED, agent=AgentIds("t", bot="b"), inbound=Inbound.BOT)

    assert red(who=who, walk=Walk({Hop.BOT: 1.0}, {}), account=None) == {}


def test_user_of_another_parent_is_red() -> None:
    found = account(me=Own("Claw", "claw@contoso.example", "other-id"))

    assert "belongs to the agent identity other-id" in found["agent user"].says
    assert not found["agent user"].is_well


def test_user_is_named_by_id_where_graph_does_not_name_it() -> None:
    line = account(me=CallRefused("Graph", 403, "Forbidden"))["agent user"]

    assert line.says.startswith("user-id; 1 ms, tokens last 60 min")
    alone = Walk(PASSED, {GRAPH: HopRefused(Hop.USER, "AADSTS65001", hint="x")})
    assert judged(walk=alone, account=None)["agent user"].says == "user-id; 1 ms"


def test_missing_scopes_are_named_and_asked_for_alone() -> None:
    token = Held(frozenset({"User.Read.All", "Chat.Read"}), 60)
    found = red(walk=Walk(PASSED, {**TOKENS, GRAPH: token}))

    assert found[GRAPH].says == "not granted: ChatMessage.Send"
    assert "client_id=agent-id&scope=https%3A%2F%2Fgraph.microsoft.com%2FChatMessage.Send&" in (
        found[GRAPH].cure
    )


def test_token_that_only_its_resource_can_read_is_a_note() -> None:
    line = judged(walk=Walk(PASSED, {**TOKENS, CHANNEL: Held(None, 60)}))[CHANNEL]

    assert (line.is_note, line.is_well) == (True, True)


@pytest.mark.parametrize("what", ["me", "sponsors", "licences", "mailbox"])
@pytest.mark.parametrize(
    ("error", "words"),
    [
        (CallRefused("Graph", 429, "TooManyRequests", retry_after="7"), "busy"),
        (CallRefused("Graph", 503, "ServiceUnavailable"), "busy"),
        (CallRefused("Graph", 401, "InvalidAuthenticationToken"), "does not take the token"),
        (Unreachable("Graph", "TimeoutError"), "cannot be reached"),
    ],
)
def test_graph_in_trouble_is_one_line_whatever_was_asked(
    what: str, error: CallRefused | Unreachable, words: str
) -> None:
    lines = account(**{what: error})

    assert [name for name, one in lines.items() if not one.is_well] == [GRAPH]
    assert words in lines[GRAPH].says


def test_graph_that_was_not_asked_in_time_is_judged_by_its_token() -> None:
    lines = judged(account=None)

    assert lines[GRAPH].is_well
    assert lines["sponsors"].says == "not known"


def test_what_graph_does_not_show_is_not_guessed() -> None:
    no = CallRefused("Graph", 403, "Authorization_RequestDenied")
    lines = account(sponsors=no, licences=no, mailbox=no)

    for name in ("sponsors", "licence", "mailbox"):
        assert (lines[name].is_note, lines[name].is_well) == (True, True)
        assert lines[name].says.startswith("not known: Graph refused the call (403")


@pytest.mark.parametrize(
    ("plans", "is_red", "words"),
    [
        ({"TEAMS1": "Success"}, False, "with Teams"),
        ({"TEAMS_GOV": "Success"}, False, "with Teams"),
        ({"TEAMS1": "PendingProvisioning"}, False, "is being set up"),
        ({"TEAMS1": "Disabled"}, True, "turned off in SKU"),
        ({"TEAMSPRO_CUST": "Success"}, True, "no Teams in SKU"),
        ({}, True, "no Teams in SKU"),
    ],
)
def test_licence_is_judged_by_its_teams_plan(
    plans: dict[str, str], words: str, *, is_red: bool
) -> None:
    line = account(licences=(Licence("SKU", plans),))["licence"]

    assert line.is_well is not is_red
    assert words in line.says


NO_MAILBOX = CallRefused("Graph", 404, "MailboxNotEnabledForRESTAPI")
NO_EXCHANGE = (Licence("SKU", {"TEAMS1": "Success"}),)
NO_LICENCES = CallRefused("Graph", 403, "Authorization_RequestDenied")


@pytest.mark.parametrize(
    ("licences", "features", "is_red", "words"),
    [
        ((LICENCE,), (Feature.CHAT,), True, "not ready"),
        (NO_LICENCES, (Feature.CHAT,), True, "not ready"),
        ((), (Feature.CHAT,), False, "there is no licence"),
        (NO_EXCHANGE, (Feature.CHAT,), False, "nothing here needs it"),
        (NO_EXCHANGE, (Feature.CHAT, Feature.CALENDAR), True, "no licence comes with one"),
    ],
)
def test_missing_mailbox_is_red_where_one_should_be(
    licences: tuple[Licence, ...] | CallRefused,
    features: tuple[Feature, ...],
    words: str,
    *,
    is_red: bool,
) -> None:
    changed = replace(ACCOUNT, mailbox=NO_MAILBOX, licences=licences)

    line = judged(who=replace(WHO, features=features), account=changed)["mailbox"]

    assert line.is_well is not is_red
    assert words in line.says


def test_mailbox_that_may_not_be_asked_for_is_a_note() -> None:
    assert account(mailbox=None)["mailbox"].is_note


@pytest.mark.parametrize(
    ("platform", "cure"),
    [("linux", "timedatectl"), ("darwin", "sntp"), ("win32", "w32tm"), ("plan9", "set this")],
)
def test_clock_is_set_as_the_platform_does_it(platform: str, cure: str) -> None:
    found = red(skew_s=-75.0, platform=platform)

    assert list(found) == ["clock"]
    assert found["clock"].says == "this machine's is 1 min ahead of Entra's"
    assert cure in found["clock"].cure


def token(claims: object, form: str = "e30.{}.e30") -> Token:
    raw = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return Token(form.format(raw), "s", 0.0, 600.0)


def test_token_says_what_it_is_good_for() -> None:
    assert held(token({"scp": "A B", "exp": 160}), 100) == Held(frozenset({"A", "B"}), 60)


@pytest.mark.parametrize(
    "odd",
    [
        token({}, "opaque"),
        token({}, "a.{}"),
        token(["no", "object"]),
        token({"scp": 7, "exp": "soon"}),
        Token("a.%%%.c", "s", 0.0, 600.0),
        Token("a.e3.c", "s", 0.0, 600.0),
        Token("a.é.c", "s", 0.0, 600.0),
    ],
)
def test_token_that_cannot_be_read_is_still_one(odd: Token) -> None:
    assert held(odd, 100) == Held(None, 500)


def status(**changes: object) -> dict[str, object]:
    running: dict[str, object] = {
        "pid": 7,
        "webhook": None,
        "inbox": {"waiting": 0},
        "sessions": [],
    }
    return running | changes


def test_daemon_that_does_not_run_or_answer_is_told_apart() -> None:
    [resting] = hosts(NotRunning())
    [stuck] = hosts(NotAnswering())

    assert (resting.is_well, resting.cure) == (True, "entraclaw serve")
    assert (stuck.is_well, "daemon.log" in stuck.cure) == (False, True)


def test_missing_host_is_red_only_while_messages_wait() -> None:
    _, calm = hosts(status())
    _, due = hosts(status(inbox={"waiting": 2}))
    served = {"host": "", "session": "0123456789"}
    _, well = hosts(status(inbox={"waiting": 2}, sessions=[served]))

    assert (calm.is_note, calm.is_well) == (True, True)
    assert due.says == "2 messages wait, and no host is attached"
    assert not due.is_well
    assert well.says == "1 attached: 01234567"
