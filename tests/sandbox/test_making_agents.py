"""An agent that an administrator makes at Graph: its objects, their rules, and that it lives."""

import pytest

from sandbox.administrator import Administrator
from sandbox.scene import CHANNEL, GRAPH, Credential, Scene
from sandbox.tenant import Made, Making

AGENT_CHANNEL = "5a807f24-c9de-44ee-a3a7-329e88a00ffc"


@pytest.fixture(scope="module")
def admin(scene: Scene) -> Administrator:
    return Administrator.sign_in(scene)


@pytest.fixture(scope="module")
def making(admin: Administrator) -> Making:
    return Making(admin)


@pytest.fixture(scope="module")
def made(making: Making) -> Made:
    """One whole agent."""
    return making.through("user")


def test_agent_made_by_calls_walks_all_hops(
    scene: Scene, making: Making, made: Made, credential: Credential
) -> None:
    making.certify(made, credential)
    agent = made.hired(credential)
    first, second = scene.walk(agent)
    form = scene.user_form(agent, first, second, scope=GRAPH)
    assert scene.grant(agent, form)["error_codes"] == [65001]

    grants = {
        GRAPH.removesuffix("/.default"): ["User.Read"],
        AGENT_CHANNEL: ["AgentData.ReadWrite"],
    }
    scene.ask("PUT", f"agents/{agent.user}", {"grants": grants})

    assert scene.user_token(agent, GRAPH)
    assert scene.user_token(agent, CHANNEL)
