"""Classic bots: how a test or a demonstration registers one.

A bot is an ordinary application of the tenant, which the Bot Framework sends what
people write to it. What is said to it, and how it answers, goes the way of
everybody's messages.

Registration: https://learn.microsoft.com/azure/bot-service/bot-service-quickstart-registration
"""

from aiohttp import web

from entraclaw.sandbox.agent import Agent
from entraclaw.sandbox.asks import Asks
from entraclaw.sandbox.directory import Directory
from entraclaw.sandbox.documents import Json, load


class Bots:
    """The part of the control API that registers them.

    A bot is changed, certified and revoked at `/control/agents/{bot}`, as agents are.
    """

    def __init__(self, *, directory: Directory, asks: Asks) -> None:
        self._directory, self._asks = directory, asks

    def routes(self) -> list[web.RouteDef]:
        """What this part serves."""
        return [web.post("/control/bots", self._register)]

    async def _register(self, request: web.Request) -> web.Response:
        ask = self._asks.register(load(await request.read()))
        bot = self._directory.register(ask.name, ask.certificate, endpoint=ask.endpoint)
        return web.json_response(_card(bot), status=201)


def _card(bot: Agent) -> Json:
    return {"tenant": bot.tenant, "bot": bot.bot, "name": bot.name}
