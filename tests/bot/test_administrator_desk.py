"""What a sponsor is shown of what an administrator wants: who, and which permissions."""

import pytest

from entraclaw.bot.administrator_desk import AdministratorDesk
from entraclaw.errors import ProofRefused, Unreachable
from entraclaw.tools import Person

OID = "b0b0b0b0-2222-4222-8222-bbbbbbbbbbbb"
GRACE = Person(OID, "Grace Hopper", "grace@contoso.example")


async def known(oid: str) -> Person | None:
    return GRACE if oid == OID else None


async def nobody(oid: str) -> Person | None:
    del oid
    return None


async def out_of_reach(oid: str) -> Person | None:
    raise Unreachable("Microsoft Graph", oid)


def sponsor(**changes: object) -> dict[str, object]:
    return {"do": "sponsor", "person": OID, "on": ["user"], **changes}


async def test_sponsor_is_shown_by_the_directorys_words_and_not_by_the_commands() -> None:
    wish = await AdministratorDesk(known).bind(sponsor(name="Ada, your boss"))

    assert wish.what == (
        f"make {OID} (the directory says: Grace Hopper, grace@contoso.example)"
        " a sponsor of mine, who may tell me what to do"
    )
    assert wish.needs_proof
    assert "may be done now" in (await wish.do("ada"))["did"]


@pytest.mark.parametrize(
    ("desk", "says"),
    [
        (AdministratorDesk(nobody), "whom the directory does not know"),
        (AdministratorDesk(), "whom the directory does not know"),
        (AdministratorDesk(out_of_reach), "cannot be asked about now"),
    ],
    ids=["unknown", "no directory", "out of reach"],
)
async def test_whoever_the_directory_does_not_tell_of_is_said_to_be_so(
    desk: AdministratorDesk, says: str
) -> None:
    assert says in (await desk.bind(sponsor())).what


async def test_every_kind_of_sponsor_is_named() -> None:
    wish = await AdministratorDesk(known).bind(sponsor(on=["identity", "blueprint"]))

    assert wish.what.endswith("a sponsor of my agent identity and of my blueprint")


async def test_permissions_are_shown_by_resource() -> None:
    scopes = {"Graph": ["Mail.Send", "Mail.ReadWrite"], "Work IQ Word": ["Tools.ListInvoke.All"]}

    wish = await AdministratorDesk().bind({"do": "permissions", "scopes": scopes})

    assert wish.what == (
        "get these permissions at Microsoft: Graph: Mail.Send, Mail.ReadWrite; "
        "Work IQ Word: Tools.ListInvoke.All"
    )
    assert wish.needs_proof


@pytest.mark.parametrize(
    "request_",
    [
        {},
        {"do": "everything"},
        sponsor(person="grace"),
        sponsor(on="user"),
        sponsor(on=["tenant"]),
        {"do": "permissions"},
        {"do": "permissions", "scopes": {}},
        {"do": "permissions", "scopes": ["Mail.Send"]},
        {"do": "permissions", "scopes": {"Graph": []}},
        {"do": "permissions", "scopes": {"Graph": "Mail.Send"}},
        {"do": "permissions", "scopes": {"Graph": ["Mail.Send\nand nothing else"]}},
        {"do": "permissions", "scopes": {"Graph: none": ["Mail.Send"]}},
        {"do": "permissions", "scopes": {"Graph": ["A"] * 60}},
    ],
    ids=[
        *("nothing", "unknown", "no oid", "no list", "no kind", "no scopes", "none", "a list"),
        *("an empty list", "a text", "a second line", "a colon", "too many"),
    ],
)
async def test_what_cannot_be_told_in_plain_words_is_not_asked_of_anybody(
    request_: dict[str, object],
) -> None:
    with pytest.raises(ProofRefused, match="does not know that change"):
        await AdministratorDesk(known).bind(request_)
