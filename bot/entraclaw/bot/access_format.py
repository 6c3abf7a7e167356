"""Write the list of who may speak, and read it: `state/access.json`, for people and for us.

Pure. A document that is not whole is refused as a whole.
"""

from collections.abc import Mapping
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from entraclaw.bot.access import DESK, Access, Account, Listed, Pending
from entraclaw.bot.plain import plain_name

_VERSION: Final = 1
_GUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_Guid = Annotated[str, StringConstraints(pattern=f"^{_GUID}$")]
_By = Annotated[str, StringConstraints(pattern=f"^({DESK}|{_GUID})$")]
_Seconds = Annotated[float, Field(ge=0, le=253402300799)]  # what a date can say


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)


class _Head(BaseModel):
    model_config = ConfigDict(strict=True)

    version: int


class _Person(_Strict):
    tenant: _Guid
    oid: _Guid
    name: str

    @property
    def account(self) -> Account:
        return self.tenant, self.oid


class _Listed(_Person):
    since: _Seconds
    by: _By


class _Pending(_Person):
    code: str
    until: _Seconds
    told: Annotated[int, Field(ge=1)]


class _Document(_Strict):
    version: Literal[1]
    pairing: bool
    allowed: list[_Listed]
    denied: list[_Listed]
    pending: list[_Pending]


def decode(raw: bytes) -> Access:
    """Read a list.

    Raises:
        ValueError: It is none; the text of the error says what is wrong.
    """
    try:
        if _Head.model_validate_json(raw).version > _VERSION:
            raise ValueError("it was written by a newer version")
        document = _Document.model_validate_json(raw)
    except ValidationError as error:
        raise ValueError(_first(error)) from None
    return Access(
        allowed={
            one.account: Listed(plain_name(one.name), one.since, one.by) for one in document.allowed
        },
        denied={
            one.account: Listed(plain_name(one.name), one.since, one.by) for one in document.denied
        },
        pairing=document.pairing,
        pending=tuple(
            Pending(one.code, one.account, plain_name(one.name), one.until, one.told)
            for one in document.pending
        ),
    )


def encode(access: Access) -> bytes:
    """Write a list so that `decode` reads the same, and a person can too."""
    document = _Document(
        version=_VERSION,
        pairing=access.pairing,
        allowed=_entries(access.allowed),
        denied=_entries(access.denied),
        pending=[
            _Pending(
                code=one.code,
                tenant=one.account[0],
                oid=one.account[1],
                name=one.name,
                until=one.until,
                told=one.told,
            )
            for one in access.pending
        ],
    )
    return document.model_dump_json(indent=2).encode() + b"\n"


def _entries(listed: Mapping[Account, Listed]) -> list[_Listed]:
    return [
        _Listed(tenant=tenant, oid=oid, name=note.name, since=note.since, by=note.by)
        for (tenant, oid), note in listed.items()
    ]


def _first(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    return f"{where}: {first['msg']}" if where else first["msg"]
