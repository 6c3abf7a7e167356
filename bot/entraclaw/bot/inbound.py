"""Choose the door by how messages reach us: which tokens it takes, and whose keys sign them.

A profile has one door. What comes to the agent user bears a token of Entra; what comes to a
classic bot one of the Bot Framework, signed by a key that is endorsed for Teams. Neither is
good at the other's door.
"""

import time

import aiohttp

from entraclaw.bot.bearer import AgenticRules, ClassicRules, Rules
from entraclaw.bot.openid import SigningKeys
from entraclaw.bot.principal import Inbound
from entraclaw.bot.settings import Settings
from entraclaw.identity import AgentIds

CHANNEL = "msteams"


def rules_of(settings: Settings, agent: AgentIds) -> Rules:
    """Say what a token must say."""
    cloud = settings.cloud
    if settings.inbound is Inbound.BOT:
        return ClassicRules(cloud.bot_issuer, agent.bot, agent.tenant)
    return AgenticRules(cloud.login, agent.tenant, agent.blueprint, cloud.agent_channel)


def keys_of(settings: Settings, agent: AgentIds, session: aiohttp.ClientSession) -> SigningKeys:
    """Find the keys that such a token is signed with; nothing is fetched yet."""
    cloud = settings.cloud
    if settings.inbound is Inbound.BOT:
        return SigningKeys(
            session, cloud.bot_openid, time.monotonic, is_metadata=True, channel=CHANNEL
        )
    address = f"{cloud.login}/{agent.tenant}/discovery/v2.0/keys"
    return SigningKeys(session, address, time.monotonic, is_metadata=False)
