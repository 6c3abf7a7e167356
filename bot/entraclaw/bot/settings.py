"""Read the profile's settings: `config.toml`, then `ENTRACLAW_*`, once, all problems at once.

No secret is ever a setting. docs/settings.md lists every key.
"""

import difflib
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, cast

from entraclaw.bot import feature_setting, home, host_tools
from entraclaw.bot.gate import Relation
from entraclaw.bot.principal import IDS, ActsAs, Inbound, needed
from entraclaw.bot.routing import EVERYTHING, Rule
from entraclaw.bot.routing_rules import read_rules
from entraclaw.errors import BadSettings, Problem
from entraclaw.identity import AgentIds, cloud
from entraclaw.identity.cloud import Cloud
from entraclaw.identity.features import Feature

PORT = 3978  # where Bot Framework tools expect an agent
LABEL = "entraclaw"  # the label of the token that holds our keys

_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_SECRET = re.compile(
    r"secret|password|passphrase|token|private|credential|(\b|_)pin(\b|_)", re.IGNORECASE
)
_AGENT_KEYS = tuple(key for key in IDS if key != "client")
_PUBLIC = cloud.BUILT_IN["public"]
_LABEL_BYTES = 32  # CK_TOKEN_INFO
_TOOLS_FOR = {"tools_for_sponsors": Relation.SPONSOR, "tools_for_others": Relation.ALLOWED}


class Store(StrEnum):
    """Where the key is kept."""

    AUTO = "auto"
    PKCS11 = "pkcs11"
    CNG = "cng"
    KEYRING = "keyring"
    UNSAFE_FILE = "unsafe-file"


@dataclass(frozen=True, slots=True)
class Settings:
    """One profile's settings.

    Attributes:
        profile: Its name.
        folder: Its home on disk.
        cloud: Every remote name.
        agent: Who the agent is; None while the profile is not configured.
        inbound: How messages reach us.
        acts_as: As whom we act.
        client: The public client that a person signs in at; empty unless we act for one.
        admin_client: The one that an administrator signs in at, for one command.
        features: What the agent is to do, and so must be granted.
        key_store: Where the key is kept.
        pkcs11_module: The library that reaches the token; None for the TPM's, where it is.
        pkcs11_token: The label of the token.
        port: Of the webhook, on 127.0.0.1; 0 lets the system choose.
        host_tools: What a host may do with its own tools, by who it works for.
        attach: Which session gets which conversation without being asked.
        channel_permissions: Whether hosts may ask over their channel what they want to do.
    """

    profile: str
    folder: Path
    cloud: Cloud
    agent: AgentIds | None
    inbound: Inbound
    acts_as: ActsAs
    client: str
    admin_client: str
    features: tuple[Feature, ...]
    key_store: Store
    pkcs11_module: Path | None
    pkcs11_token: str
    port: int
    host_tools: host_tools.Rules
    attach: tuple[Rule, ...]
    channel_permissions: bool

    @classmethod
    def read(cls, environ: Mapping[str, str], profile: str) -> "Settings":
        """Read the settings of *profile*.

        Raises:
            BadSettings: One or more of them are wrong.
        """
        folder = profile_folder(environ, profile)
        in_file, in_environ = _from_file(folder / "config.toml"), _from_environ(environ)
        found = in_file | in_environ
        problems = [_unknown(key) for key in found if key not in _KEYS]
        problems += _unsafe_by_environ(in_file, in_environ)
        problems += _module_by_environ(in_environ)
        values: dict[str, Any] = {}
        for key, read in _KEYS.items():
            if key not in found:
                continue
            try:
                values[key] = read(found[key], folder)
            except ValueError as error:
                problems.append(Problem(key, str(error), "correct it in config.toml"))
            except BadSettings as error:
                problems += error.problems
        inbound = values.get("inbound", Inbound.AGENTIC)
        acts_as = values.get("acts_as", ActsAs.AGENT_USER)
        problems += _half_an_agent(found, inbound, acts_as)
        problems += _no_channel(values, inbound)
        features = values.get("features", feature_setting.DEFAULT)
        problems += feature_setting.not_offered(features, values.get("cloud", _PUBLIC))
        if problems:
            raise BadSettings(problems)
        return cls(
            profile=profile,
            folder=folder,
            cloud=values.get("cloud", _PUBLIC),
            agent=_agent(values, inbound, acts_as),
            inbound=inbound,
            acts_as=acts_as,
            client=values.get("client", "") if acts_as is ActsAs.DELEGATED else "",
            admin_client=values.get("admin_client", values.get("cloud", _PUBLIC).admin_client),
            features=features,
            key_store=values.get("key_store", Store.AUTO),
            pkcs11_module=values.get("pkcs11_module"),
            pkcs11_token=values.get("pkcs11_token", LABEL),
            port=values.get("port", PORT),
            host_tools={
                relation: values.get(key, host_tools.DEFAULTS[relation])
                for key, relation in _TOOLS_FOR.items()
            },
            attach=values.get("attach", EVERYTHING),
            channel_permissions=values.get("channel_permissions", False),
        )


def profile_folder(environ: Mapping[str, str], profile: str) -> Path:
    """Find the folder of *profile*; its settings need not be in order.

    Raises:
        BadSettings: *profile* is no plain name, or nothing says where profiles live.
    """
    try:
        return Path(home.profile_dir(environ, profile))
    except ValueError as error:
        raise BadSettings([Problem("profile", str(error), "give --profile a plain name")]) from None
    except LookupError as error:
        raise BadSettings([Problem("ENTRACLAW_HOME", str(error), "name a folder")]) from None


def _from_file(path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadSettings(
            [Problem(str(path), f"cannot be read ({error})", "correct the file")]
        ) from None


def _from_environ(environ: Mapping[str, str]) -> dict[str, object]:
    names = {f"ENTRACLAW_{key.upper()}": key for key in _KEYS}
    return {names[name]: value for name, value in environ.items() if name in names and value}


def _guid(value: object, _: Path) -> str:
    if isinstance(value, str) and _GUID.fullmatch(value.lower()):
        return value.lower()
    raise ValueError("must be a GUID such as 5a807f24-c9de-44ee-a3a7-329e88a00ffc")


def _port(value: object, _: Path) -> int:
    text = str(value)
    if not isinstance(value, bool) and text.isascii() and text.isdigit() and int(text) < 1 << 16:
        return int(text)
    raise ValueError("must be a port number, 0 to 65535")


def _module(value: object, _: Path) -> Path:
    if isinstance(value, str) and Path(value).is_absolute():
        return Path(value)
    raise ValueError("must be the whole path of a PKCS#11 library")


def _label(value: object, _: Path) -> str:
    if isinstance(value, str) and 0 < len(value.encode()) <= _LABEL_BYTES:
        return value
    raise ValueError("must be the label of a token, 32 bytes at most")


def _switch(value: object, _: Path) -> bool:
    if str(value).lower() in {"true", "false"}:  # a text in the environment
        return str(value).lower() == "true"
    raise ValueError("must be true or false")


def _cloud(value: object, folder: Path) -> Cloud:
    if not isinstance(value, str):
        raise ValueError("must be the name of a cloud, or a path ending in .toml")  # noqa: TRY004 - one kind of error for one kind of problem
    return cloud.find(value, folder)


def _choice(kind: type[StrEnum]) -> Callable[[object, Path], StrEnum]:
    def read(value: object, _: Path) -> StrEnum:
        if value in set(kind):
            return kind(cast("str", value))
        raise ValueError(f"{value!r} is not possible in this version, only {', '.join(kind)}")

    return read


_KEYS: Mapping[str, Callable[[object, Path], object]] = {
    "cloud": _cloud,
    **dict.fromkeys((*IDS, "admin_client"), _guid),
    "features": feature_setting.read_features,
    "inbound": _choice(Inbound),
    "acts_as": _choice(ActsAs),
    "key_store": _choice(Store),
    "pkcs11_module": _module,
    "pkcs11_token": _label,
    "port": _port,
    **dict.fromkeys(_TOOLS_FOR, _choice(host_tools.Rule)),
    "attach": read_rules,
    "channel_permissions": _switch,
}


def _unknown(key: str) -> Problem:
    if _SECRET.search(key):
        return Problem(key, "looks like a secret", "remove it: keys live in the key store")
    near = difflib.get_close_matches(key, _KEYS, 1)
    return Problem(key, "is unknown", f"did you mean {near[0]}?" if near else "remove it")


def _unsafe_by_environ(
    in_file: Mapping[str, object], in_environ: Mapping[str, object]
) -> list[Problem]:
    """Refuse a key in a plain file unless the profile itself names it."""
    if in_environ.get("key_store") != Store.UNSAFE_FILE:
        return []
    if in_file.get("key_store") == Store.UNSAFE_FILE:
        return []
    return [
        Problem(
            "key_store",
            "unsafe-file is not taken from the environment",
            "name it in config.toml if you mean it",
        )
    ]


def _module_by_environ(in_environ: Mapping[str, object]) -> list[Problem]:
    """Refuse to load a library that only the environment names."""
    if "pkcs11_module" not in in_environ:
        return []
    return [Problem("pkcs11_module", "is not taken from the environment", "name it in config.toml")]


def _agent(values: Mapping[str, Any], inbound: Inbound, acts_as: ActsAs) -> AgentIds | None:
    """Take the ids of the principals that are in use; what else is named rests."""
    if "tenant" not in values:
        return None
    wanted = needed(inbound, acts_as) or frozenset()
    return AgentIds(**{key: values[key] for key in _AGENT_KEYS if key in wanted})


def _half_an_agent(found: Mapping[str, object], inbound: Inbound, acts_as: ActsAs) -> list[Problem]:
    wanted = needed(inbound, acts_as)
    if wanted is None:
        reason = f"cannot be {acts_as} where inbound is {inbound}"
        cure = f"set inbound to bot, or acts_as to {ActsAs.AGENT_USER}"
        return [Problem("acts_as", reason, cure)]
    if not any(key in found for key in IDS):
        return []
    cure = f"inbound {inbound} and acts_as {acts_as} need {_list(wanted)}"
    return [Problem(key, "is missing", cure) for key in IDS if key in wanted - found.keys()]


def _list(keys: frozenset[str]) -> str:
    *most, last = (key for key in IDS if key in keys)
    return f"{', '.join(most)} and {last}"


def _no_channel(values: Mapping[str, Any], inbound: Inbound) -> list[Problem]:
    chosen: Cloud | None = values.get("cloud")
    if inbound is not Inbound.AGENTIC or chosen is None or chosen.agent_channel:
        return []
    return [Problem("cloud", "has no agent channel", "agentic messages need one")]
