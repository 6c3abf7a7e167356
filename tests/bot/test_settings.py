from pathlib import Path

import pytest

from entraclaw.bot.gate import Relation
from entraclaw.bot.host_tools import Rule as ToolRule
from entraclaw.bot.routing import EVERYTHING, Rule
from entraclaw.bot.settings import PORT, Settings, Store
from entraclaw.errors import BadSettings
from entraclaw.identity import AgentIds
from entraclaw.identity.features import Feature

GUID = "5a807f24-c9de-44ee-a3a7-329e88a00ffc"
AGENT = "\n".join(f'{key} = "{GUID}"' for key in ("tenant", "blueprint", "agent", "user"))


def read(home: Path, text: str = "", **environ: str) -> Settings:
    (home / "default").mkdir(exist_ok=True)
    (home / "default" / "config.toml").write_text(text, encoding="utf-8")
    return Settings.read({"ENTRACLAW_HOME": str(home), **environ}, "default")


def problems(home: Path, text: str = "", **environ: str) -> dict[str, str]:
    with pytest.raises(BadSettings) as refusal:
        read(home, text, **environ)
    return {problem.key: f"{problem.reason}: {problem.cure}" for problem in refusal.value.problems}


def test_profile_without_a_file_is_unconfigured_and_in_order(tmp_path: Path) -> None:
    settings = Settings.read({"ENTRACLAW_HOME": str(tmp_path)}, "default")

    assert settings.agent is None
    assert (settings.port, settings.key_store) == (PORT, Store.AUTO)


def test_hosts_tools_are_the_hosts_for_sponsors_and_asked_about_for_others(tmp_path: Path) -> None:
    assert read(tmp_path).host_tools == {
        Relation.SPONSOR: ToolRule.HOST,
        Relation.ALLOWED: ToolRule.ASK,
    }


def test_rules_for_a_hosts_tools_are_set_for_each_apart(tmp_path: Path) -> None:
    settings = read(tmp_path, 'tools_for_sponsors = "ask"', ENTRACLAW_TOOLS_FOR_OTHERS="deny")

    assert settings.host_tools == {Relation.SPONSOR: ToolRule.ASK, Relation.ALLOWED: ToolRule.DENY}
    assert (
        "only host, ask, deny"
        in problems(tmp_path, 'tools_for_others = "never"')["tools_for_others"]
    )


def test_file_names_the_agent(tmp_path: Path) -> None:
    settings = read(tmp_path, AGENT.replace(GUID, GUID.upper()))

    assert settings.agent is not None
    assert settings.agent.tenant == GUID


BOT = "b07b07b0-0000-4000-8000-000000000001"


def test_bot_takes_messages_and_the_agent_user_does_the_rest(tmp_path: Path) -> None:
    settings = read(tmp_path, f'inbound = "bot"\nbot = "{BOT}"\n{AGENT}')

    assert settings.agent is not None
    assert (settings.agent.bot, settings.agent.user) == (BOT, GUID)


def test_bot_alone_needs_no_agent_user_and_takes_none(tmp_path: Path) -> None:
    settings = read(tmp_path, f'inbound = "bot"\nacts_as = "bot"\nbot = "{BOT}"\n{AGENT}')

    assert settings.agent == AgentIds(GUID, bot=BOT)


def test_person_who_signs_in_does_so_at_a_client_of_their_own(tmp_path: Path) -> None:
    text = f'inbound = "bot"\nacts_as = "delegated"\ntenant = "{GUID}"\nbot = "{BOT}"\n'

    assert read(tmp_path, f'{text}client = "{GUID}"').client == GUID
    assert problems(tmp_path, text) == {
        "client": "is missing: inbound bot and acts_as delegated need tenant, bot and client"
    }


@pytest.mark.parametrize("acts_as", ["bot", "delegated"])
def test_nobody_else_answers_what_comes_to_the_agent_user(tmp_path: Path, acts_as: str) -> None:
    assert problems(tmp_path, f'acts_as = "{acts_as}"\n{AGENT}') == {
        "acts_as": f"cannot be {acts_as} where inbound is agentic: "
        "set inbound to bot, or acts_as to agent_user"
    }


def test_ids_of_a_principal_that_is_not_in_use_may_rest_in_the_file(tmp_path: Path) -> None:
    settings = read(tmp_path, f'bot = "{BOT}"\nclient = "{BOT}"\n{AGENT}')

    assert settings.agent == AgentIds(GUID, GUID, GUID, GUID)
    assert settings.client == ""


def test_environment_comes_after_the_file(tmp_path: Path) -> None:
    assert read(tmp_path, "port = 1", ENTRACLAW_PORT="2").port == 2


def test_empty_variable_is_no_setting(tmp_path: Path) -> None:
    assert read(tmp_path, "port = 1", ENTRACLAW_PORT="").port == 1


def test_every_problem_is_named_at_once_with_its_cure(tmp_path: Path) -> None:
    found = problems(
        tmp_path,
        'cloud = "mars"\nport = 70000\ninbound = "telepathy"\nprot = 1\ntenant = "x"\n',
    )

    assert set(found) >= {
        "cloud",
        "port",
        "inbound",
        "prot",
        "tenant",
        "blueprint",
        "agent",
        "user",
    }
    assert found["prot"] == "is unknown: did you mean port?"
    assert "GUID" in found["tenant"]
    assert found["user"].startswith("is missing")


@pytest.mark.parametrize(
    "key", ["client_secret", "password", "access_token", "private_key", "bot_credential"]
)
def test_secret_in_the_file_is_refused_by_name(tmp_path: Path, key: str) -> None:
    found = problems(tmp_path, f'{key} = "hunter2"')

    assert found == {key: "looks like a secret: remove it: keys live in the key store"}
    assert "hunter2" not in str(found)


@pytest.mark.parametrize("port", ["-1", "65536", "1.5", "true", '"x"', "[]", '"²"'])
def test_port_that_is_none_is_refused(tmp_path: Path, port: str) -> None:
    assert "0 to 65535" in problems(tmp_path, f"port = {port}")["port"]


@pytest.mark.parametrize("port", [0, 65535])
def test_port_at_its_limits_is_taken(tmp_path: Path, port: int) -> None:
    assert read(tmp_path, f"port = {port}").port == port


def test_file_that_is_no_toml_is_named(tmp_path: Path) -> None:
    [(key, text)] = problems(tmp_path, "port: 1").items()
    assert key.endswith("config.toml")
    assert "cannot be read" in text


def test_key_in_a_plain_file_is_used_only_when_the_profile_itself_names_it(tmp_path: Path) -> None:
    assert read(tmp_path, 'key_store = "unsafe-file"').key_store is Store.UNSAFE_FILE
    assert "environment" in problems(tmp_path, "", ENTRACLAW_KEY_STORE="unsafe-file")["key_store"]


def test_token_is_the_tpms_unless_the_profile_names_another(tmp_path: Path) -> None:
    text = 'key_store = "pkcs11"\npkcs11_module = "/usr/lib/x.so"\npkcs11_token = "card"'

    assert (read(tmp_path).pkcs11_module, read(tmp_path).pkcs11_token) == (None, "entraclaw")
    named = read(tmp_path, text)
    assert (named.key_store, str(named.pkcs11_module), named.pkcs11_token) == (
        Store.PKCS11,
        "/usr/lib/x.so",
        "card",
    )


def test_library_is_loaded_only_when_the_profile_itself_names_it(tmp_path: Path) -> None:
    found = problems(tmp_path, "", ENTRACLAW_PKCS11_MODULE="/tmp/evil.so")  # noqa: S108 - nothing is read there

    assert "environment" in found["pkcs11_module"]
    assert "whole path" in problems(tmp_path, 'pkcs11_module = "x.so"')["pkcs11_module"]


@pytest.mark.parametrize("label", ["", "x" * 33])
def test_label_that_no_token_has_is_refused(tmp_path: Path, label: str) -> None:
    assert "label" in problems(tmp_path, f'pkcs11_token = "{label}"')["pkcs11_token"]


def test_pin_is_no_setting(tmp_path: Path) -> None:
    assert "keys live in the key store" in problems(tmp_path, 'pkcs11_pin = "1234"')["pkcs11_pin"]


def test_cloud_without_an_agent_channel_is_refused_rather_than_guessed(tmp_path: Path) -> None:
    assert "no agent channel" in problems(tmp_path, 'cloud = "china"')["cloud"]


def test_problems_of_a_cloud_file_are_named_with_the_others(tmp_path: Path) -> None:
    (tmp_path / "default").mkdir()
    (tmp_path / "default" / "c.toml").write_text('login = "http://x"\n', encoding="utf-8")

    found = problems(tmp_path, 'cloud = "c.toml"\nport = -1\n')
    assert {"cloud.login", "cloud.graph", "port"} <= set(found)


def test_no_place_for_profiles_is_a_problem_with_a_cure() -> None:
    with pytest.raises(BadSettings, match="ENTRACLAW_HOME"):
        Settings.read({}, "default")


def test_without_rules_the_first_session_gets_everything(tmp_path: Path) -> None:
    assert read(tmp_path).attach == EVERYTHING
    assert read(tmp_path, "attach = []").attach == ()


def test_rules_of_who_gets_what_are_read_in_order(tmp_path: Path) -> None:
    text = (
        f'[[attach]]\nproject = "~/api/"\nsponsor = "{GUID.upper()}"\n'
        '[[attach]]\nconversation = "a:1"'
    )

    first, second = read(tmp_path, text).attach
    assert first == Rule(project=str(Path("~/api").expanduser()), sponsor=GUID)
    assert second == Rule(conversation="a:1")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("attach = 1", "must be written as [[attach]] tables"),
        ("attach = [1]", "must be written as [[attach]] tables"),
        ('[[attach]]\nperson = "x"', "knows no person, only project, conversation, sponsor"),
        ("[[attach]]\nproject = 1", "takes texts that are not empty"),
        ('[[attach]]\nconversation = ""', "takes texts that are not empty"),
        ('[[attach]]\nsponsor = "ada"', "takes the object id of a person"),
        ('[[attach]]\nproject = "work"', "takes an absolute folder as project, not work"),
    ],
)
def test_rule_that_is_none_is_refused_with_its_cure(tmp_path: Path, text: str, says: str) -> None:
    assert problems(tmp_path, text)["attach"].startswith(says)


def test_rules_are_not_taken_from_the_environment(tmp_path: Path) -> None:
    assert "attach" in problems(tmp_path, ENTRACLAW_ATTACH="[]")


def test_chat_is_always_one_of_the_features(tmp_path: Path) -> None:
    assert read(tmp_path).features == (Feature.CHAT,)
    assert read(tmp_path, 'features = ["word", "mail"]').features == (
        Feature.CHAT, Feature.MAIL, Feature.WORD,
    )  # fmt: skip
    assert read(tmp_path, ENTRACLAW_FEATURES="files, mail").features == (
        Feature.CHAT, Feature.MAIL, Feature.FILES,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('features = ["maill"]', "'maill' is no feature; there are chat, mail"),
        ("features = 7", "must be a list of features"),
        ('cloud = "gcch"\nfeatures = ["word"]', "word is not offered in this cloud"),
    ],
)
def test_feature_that_cannot_be_had_is_a_problem(tmp_path: Path, text: str, words: str) -> None:
    assert words in problems(tmp_path, text)["features"]
