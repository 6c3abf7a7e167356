"""An agent with an endpoint of its own, and people who do things to it."""

from sandbox.scene import Endpoint, Hired, Json, Scene


class Stand:
    """An agent whose endpoint is served here, and what people do to it."""

    def __init__(self, scene: Scene, agent: Hired, endpoint: Endpoint) -> None:
        self.scene, self.agent, self.endpoint = scene, agent, endpoint

    async def say(self, text: str = "hello", **more: object) -> Json:
        body = {"from": "ada", "agent": self.agent.user, "text": text, **more}
        return await self.act("messages", **body)

    async def act(self, what: str, **body: object) -> Json:
        return await self.scene.ask_async("POST", what, {"from": "ada", **body})

    @property
    def told(self) -> list[Json]:
        return [arrival.activity for arrival in self.endpoint.arrivals]
