"""Have a blueprint's messages sent to an address, where a tenant lets Graph say so.

The setting is replaced as a whole, so it is read, changed and sent back. Where a blueprint
has other agents, one's address must not become all the others': each may have its own.

https://learn.microsoft.com/graph/api/agentidentityblueprint-update-communicationconfiguration
https://learn.microsoft.com/graph/api/resources/agentcommunicationconfiguration
"""

from collections.abc import Mapping
from types import MappingProxyType

from entraclaw.identity.provisioning import paths, reading
from entraclaw.identity.provisioning.calls import Call, Document, Orders
from entraclaw.identity.provisioning.refused import accepted

_PLACE = "endpointConfiguration"
_FOR_ALL = "isOverridableAtAgentIdLevel"
_NOTHING: Document = MappingProxyType({})


def point(url: str, blueprint: str, identity: str, *, is_ours: bool) -> Orders[bool]:
    """Have messages sent to *url*; gives whether this tenant has such a setting.

    *is_ours*: the blueprint has no agents but this one, so that its own setting is changed.

    Raises:
        CallRefused: It was refused.
    """
    where = paths.communication(blueprint)
    shown = yield Call("GET", where)
    if not shown.is_good:
        return False
    document: Document = shown.body
    if not is_ours and document.get(_FOR_ALL) is True:
        where = paths.own_communication(identity)
        own = yield Call("GET", where)
        document = own.body if own.is_good else _NOTHING
    if reading.endpoint(document).url == url:
        return True
    more: Document = {_FOR_ALL: True} if is_ours else {}
    accepted((yield Call("PUT", where, {**_plain(document), **more, _PLACE: _to(url)})))
    return True


def unpoint(blueprint: str, identity: str, url: str) -> Orders[bool]:
    """Have messages not be sent to *url* any more; gives whether they were.

    Raises:
        CallRefused: It was refused.
    """
    where = paths.communication(blueprint)
    shown = yield Call("GET", where)
    if shown.is_good and reading.endpoint(shown.body).url == url:
        kept = {name: value for name, value in _plain(shown.body).items() if name != _PLACE}
        accepted((yield Call("PUT", where, kept)))
        return True
    where = paths.own_communication(identity)
    own = yield Call("GET", where)
    if own.is_good and reading.endpoint(own.body).url == url:
        accepted((yield Call("POST", f"{where}/reset")))
        return True
    return False


def _to(url: str) -> Document:
    return {"configurationType": "apiBased", "apiBased": {"callbackUri": url}, "botBased": None}


def _plain(document: Document) -> Mapping[str, object]:
    """Leave out what Graph says about an answer, which is no part of the setting."""
    return {name: value for name, value in document.items() if not name.startswith("@odata.")}
