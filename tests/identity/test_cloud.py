import json
import tomllib
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entraclaw.errors import BadSettings
from entraclaw.identity.cloud import BUILT_IN, find, is_loopback, parse

Document = dict[str, object]

FILE = """
login          = "https://localhost:8443"
graph          = "https://graph.example"
bot_openid     = "https://localhost:8443/v1/.well-known/openidconfiguration"
bot_issuer     = "https://api.botframework.com"
bot_scope      = "https://api.botframework.com/.default"
agent_channel  = "5a807f24-c9de-44ee-a3a7-329e88a00ffc"
service_hosts  = ["localhost:9443", "[::1]:9443"]
work_iq        = ""
storage_scope  = "https://storage.azure.com/.default"
tls_ca         = "ca.pem"
"""


def document(**changes: object) -> Document:
    return {**tomllib.loads(FILE), **changes}


def refused_keys(changed: Document) -> list[str]:
    with pytest.raises(BadSettings) as refusal:
        parse(changed)
    return [problem.key for problem in refusal.value.problems]


@pytest.mark.parametrize("name", BUILT_IN)
def test_every_built_in_cloud_could_have_come_from_a_file(name: str, tmp_path: Path) -> None:
    cloud = find(name, tmp_path)

    written = {**asdict(cloud), "service_hosts": [*cloud.service_hosts], "file_hosts": []}
    assert written.pop("is_file") is False
    assert parse(written) == replace(cloud, is_file=True)


@pytest.mark.parametrize("name", BUILT_IN)
def test_no_built_in_cloud_points_at_this_machine_or_brings_an_authority(name: str) -> None:
    cloud = BUILT_IN[name]

    assert cloud.tls_ca == ""
    assert not any(is_loopback(host) for host in cloud.service_hosts)
    assert "localhost" not in cloud.login


def test_file_is_found_beside_the_settings_and_its_authority_beside_the_file(
    tmp_path: Path,
) -> None:
    (tmp_path / "clouds").mkdir()
    (tmp_path / "clouds" / "mine.toml").write_text(FILE, encoding="utf-8")

    cloud = find("clouds/mine.toml", tmp_path)

    assert cloud.is_file
    assert cloud.login == "https://localhost:8443"
    assert cloud.service_hosts == ("localhost:9443", "[::1]:9443")
    assert cloud.tls_ca == str(tmp_path / "clouds" / "ca.pem")
    assert cloud.graph_scope == "https://graph.example/.default"
    assert cloud.answer_scope == "5a807f24-c9de-44ee-a3a7-329e88a00ffc/.default"


def test_absolute_path_is_taken_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(FILE.replace('"ca.pem"', json.dumps(str(tmp_path / "ca"))), encoding="utf-8")

    assert find(str(path), Path("/elsewhere")).tls_ca == str(tmp_path / "ca")


@pytest.mark.parametrize("name", ["", "Public", "publik", "../public", "mine.json"])
def test_unknown_cloud_is_refused_and_the_known_ones_are_named(name: str, tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match="is unknown") as refusal:
        find(name, tmp_path)

    assert "public, gcch, dod, china" in refusal.value.hint


@pytest.mark.parametrize(
    ("content", "words"),
    [(None, "cannot be read"), (b"login =", "is not TOML"), (b'login = "\xff"', "is not TOML")],
)
def test_file_that_is_no_profile_is_refused(
    tmp_path: Path, content: bytes | None, words: str
) -> None:
    if content is not None:
        (tmp_path / "mine.toml").write_bytes(content)

    with pytest.raises(BadSettings, match=words):
        find("mine.toml", tmp_path)


def test_every_problem_is_named_at_once() -> None:
    changed = document(login="http://login.example", graph=7, service_hosts=[], colour="red")
    del changed["bot_scope"]

    assert refused_keys(changed) == [
        "cloud.bot_scope",
        "cloud.colour",
        "cloud.graph",
        "cloud.login",
        "cloud.service_hosts",
    ]


@pytest.mark.parametrize("key", ["is_file", "Login", "tls_verify"])
def test_unknown_key_is_refused(key: str) -> None:
    assert refused_keys(document(**{key: True})) == [f"cloud.{key}"]


def test_key_that_stands_for_something_absent_may_be_empty_and_no_other() -> None:
    assert parse(document(agent_channel="", work_iq="", tls_ca="")).work_iq == ""
    assert refused_keys(document(login="", storage_scope="")) == [
        "cloud.login",
        "cloud.storage_scope",
    ]


NO_SITES = [
    "http://login.example",
    "login.example",
    "https://",
    "https:///path",
    "https://ada@login.example",
    "https://login.example@evil.example",
    "https://login.example/",
    "https://login.example/path",
    "https://login.example?x=1",
    "https://login.example#x",
    "https://login.example\\@evil.example",
    "https://login.exa\nmple",
    "https://login.example ",
    "https://LOGIN.example",
    "https://login.example:port",
    "https://[::1",
    "https://lögin.example",
]


@pytest.mark.parametrize("address", NO_SITES)
@pytest.mark.parametrize("key", ["login", "graph", "work_iq"])
def test_anything_but_an_https_host_is_refused(key: str, address: str) -> None:
    assert refused_keys(document(**{key: address})) == [f"cloud.{key}"]


@pytest.mark.parametrize("address", [one for one in NO_SITES if not one.endswith("/path")])
@pytest.mark.parametrize("key", ["bot_openid", "bot_issuer"])
def test_page_may_have_a_path_and_nothing_else_besides(key: str, address: str) -> None:
    assert parse(document(**{key: "https://login.example/a/b"}))
    assert refused_keys(document(**{key: address})) == [f"cloud.{key}"]


@pytest.mark.parametrize(
    "hosts",
    [
        "smba.trafficmanager.net",
        [7],
        [""],
        ["https://smba.trafficmanager.net"],
        ["smba.trafficmanager.net/path"],
        ["ada@smba.trafficmanager.net"],
        ["SMBA.trafficmanager.net"],
        ["*.trafficmanager.net"],
        ["smba.trafficmanager.net", "evil.example/"],
        ["[::1"],
    ],
)
def test_service_host_is_an_exact_host_or_refused(hosts: object) -> None:
    assert refused_keys(document(service_hosts=hosts)) == ["cloud.service_hosts"]
    if hosts != []:
        assert refused_keys(document(file_hosts=hosts)) == ["cloud.file_hosts"]


def test_file_hosts_need_not_be_named() -> None:
    assert parse(document()).file_hosts == ()
    assert parse(document(file_hosts=["localhost:9443"])).file_hosts == ("localhost:9443",)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.text().map("https://{}".format),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=4,
)
KEYS = st.sampled_from([*tomllib.loads(FILE), "colour"])


@given(st.dictionaries(KEYS, VALUES))
def test_no_document_does_more_than_be_refused(changes: Document) -> None:
    with suppress(BadSettings):
        assert parse(document(**changes)).is_file


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.9.1", "::1", "[::1]"])
def test_this_machine_is_known_by_its_names(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["localhost.evil.example", "10.0.0.1", "127.1", "0x7f.1", ""])
def test_other_machines_are_not_taken_for_this_one(host: str) -> None:
    assert not is_loopback(host)


def test_administrators_sign_in_at_microsofts_own_client_unless_told_otherwise() -> None:
    own = "11111111-2222-4333-8444-555555555555"

    assert parse(document()).admin_client == BUILT_IN["public"].admin_client
    assert parse(document(admin_client=own)).admin_client == own
    for wrong in ("", "tools", f"{own}/", own.upper().replace("1", "A")):
        assert refused_keys(document(admin_client=wrong)) == ["cloud.admin_client"]
