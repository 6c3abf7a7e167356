"""What is written into config.toml, and what the options of `setup` ask for."""

import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from entraclaw.bot.principal import Inbound
from entraclaw.bot.settings import Settings, Store
from entraclaw.bot.setup.asked import Asked, in_json, wants_of
from entraclaw.bot.setup.config_text import changed, new, removed
from entraclaw.errors import BadSettings, EntraclawError
from entraclaw.identity import AgentIds
from entraclaw.identity.features import Feature
from entraclaw.identity.provisioning.journal import Journal

TENANT = "6f1d5c1e-0b7a-4c55-9a41-3c0f5a2b7d10"
PLAIN = Asked(
    more=None,
    name="Agent",
    upn="",
    domain="",
    sponsor=(),
    join="",
    adopt="",
    principal=None,
    bot="",
    licence="",
    no_licence=False,
    endpoint="",
    cloud="",
    key_store=None,
    wait=0,
    here=False,
    device_code=False,
)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.read({"ENTRACLAW_HOME": str(tmp_path)}, "default")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", 'a = "x"\n'),
        ("# mine\n", '# mine\na = "x"\n'),
        ('a = "y" # old\nb = 1\n', 'a = "x"\nb = 1\n'),
        ('"a" = "y"\n', 'a = "x"\n'),
        ('b = 1\n\n[[attach]]\na = "z"\n', 'b = 1\na = "x"\n\n[[attach]]\na = "z"\n'),
        ('a = "x"   # as it is\n', 'a = "x"   # as it is\n'),
    ],
)
def test_setting_is_set_and_nothing_else_is_touched(text: str, expected: str) -> None:
    assert changed(text, {"a": "x"}) == expected
    assert tomllib.loads(expected)["a"] == "x"


@pytest.mark.parametrize(
    "text", ['a = """\nx\n"""\n', "a = [\n 1,\n]\n", 'b = """\na = 1\n"""\n', "a.b = 1\n"]
)
def test_text_that_cannot_be_changed_for_sure_is_refused_with_the_lines(text: str) -> None:
    with pytest.raises(EntraclawError) as refused:
        changed(text, {"a": "x"})

    assert 'a = "x"' in refused.value.hint


def test_text_that_is_no_toml_is_refused() -> None:
    with pytest.raises(EntraclawError, match="cannot be read"):
        changed("a = ", {"a": "x"})


def test_what_was_written_is_taken_out_where_it_is_still_the_same() -> None:
    text = changed("port = 1\n", {"a": "x", "b": ["y"], "c": "z"})
    written = in_json({"a": "x", "b": ["y"], "c": "other", "d": "gone"})

    assert removed(text, written) == 'port = 1\nc = "z"\n'
    assert removed('a = "x"\n', {"a": '"x"'}) == ""


def test_only_what_is_new_is_noted() -> None:
    assert new('a = "x"\n', {"a": "x", "b": "y"}) == {"b": "y"}


def test_options_become_a_wish(settings: Settings) -> None:
    asked = replace(PLAIN, more="mail, files", sponsor=(" Ada@Contoso.example",), join="ABC")

    wish = asked.wish(settings, None)

    assert wish.features == (Feature.CHAT, Feature.MAIL, Feature.FILES)
    assert (wish.sponsors, wish.join, wish.mark) == (("ada@contoso.example",), "abc", "")
    assert asked.values(settings, wish) == {"features": ["chat", "mail", "files"]}


def test_agent_that_was_named_by_hand_is_taken_as_it_is(settings: Settings) -> None:
    named = replace(settings, agent=AgentIds(TENANT, "b", "a", "u"))
    journal = Journal("m", "login", TENANT, endpoint="https://x.example/y")

    assert PLAIN.wish(named, None).adopt == "u"
    again = PLAIN.wish(named, journal)
    assert (again.adopt, again.mark, again.endpoint) == ("", "m", "https://x.example/y")


@pytest.mark.parametrize(
    ("asked", "inbound"),
    [
        (PLAIN, Inbound.AGENTIC),
        (replace(PLAIN, bot="B"), Inbound.BOT),
        (replace(PLAIN, principal="bot", bot="B"), Inbound.BOT),
        (replace(PLAIN, principal="agentic", bot="B"), Inbound.AGENTIC),
    ],
)
def test_principal_is_the_way_in(settings: Settings, asked: Asked, inbound: Inbound) -> None:
    wanted = asked.applied(settings)
    wish = asked.wish(wanted, None)

    assert wanted.inbound is inbound
    assert wish.bot == ("b" if inbound is Inbound.BOT else "")
    assert len(wants_of(wish, wanted)) == (1 if wish.bot else 2)
    assert ("inbound" in asked.values(wanted, wish)) is (asked is not PLAIN)


def test_bot_that_is_named_in_the_settings_need_not_be_named_again(settings: Settings) -> None:
    named = replace(settings, agent=AgentIds(TENANT, "b", "a", "u", "bot"), inbound=Inbound.BOT)

    assert PLAIN.wish(named, None).bot == "bot"


def test_cloud_and_key_store_are_written_down(settings: Settings) -> None:
    asked = replace(PLAIN, cloud="/here/cloud.toml", key_store="unsafe-file")

    wanted = asked.applied(settings)
    values = asked.values(wanted, asked.wish(wanted, None))

    assert wanted.key_store is Store.UNSAFE_FILE
    assert values == {"cloud": "/here/cloud.toml", "key_store": "unsafe-file"}


@pytest.mark.parametrize(
    ("address", "is_good"),
    [
        ("https://agent.example/api/messages", True),
        ("http://127.0.0.1/api/messages", False),
        ("https://agent.example", False),
        ("https://agent.example/", False),
        ("https://agent.example/x?code=1", False),
        ("https://a:b@agent.example/x", False),
        ("https://[/x", False),
    ],
)
def test_endpoint_is_where_teams_can_post(
    settings: Settings, address: str, *, is_good: bool
) -> None:
    asked = replace(PLAIN, endpoint=address)

    if is_good:
        assert asked.wish(settings, None).endpoint == address
    else:
        with pytest.raises(BadSettings, match="--endpoint"):
            asked.wish(settings, None)
    test = replace(settings, cloud=replace(settings.cloud, is_file=True))
    assert replace(PLAIN, endpoint="http://127.0.0.1/x").wish(test, None).endpoint


@pytest.mark.parametrize(
    "asked",
    [
        replace(PLAIN, name=" "),
        replace(PLAIN, more="fax"),
        replace(PLAIN, upn="agent"),
        replace(PLAIN, upn="a@b.example", domain="b.example"),
        replace(PLAIN, adopt="x", join="y"),
        replace(PLAIN, principal="bot"),
    ],
)
def test_what_does_not_go_together_is_told_before_anybody_signs_in(
    settings: Settings, asked: Asked
) -> None:
    with pytest.raises(BadSettings):
        asked.wish(asked.applied(settings), None)
