from entraclaw.devtunnel import NoTunnel, PublicUrl, Reason, Tunnel


async def test_profile_without_a_tunnel_has_a_reason_and_no_address() -> None:
    tunnel: Tunnel = NoTunnel()

    outcome = await tunnel.up(3978)

    assert isinstance(outcome, Reason)
    assert not isinstance(outcome, PublicUrl)
    assert "3978" in outcome.text
    assert "://" not in outcome.text


async def test_taking_down_what_is_not_up_is_no_error() -> None:
    tunnel: Tunnel = NoTunnel()

    await tunnel.down()
    await tunnel.down()
