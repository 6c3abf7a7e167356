# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# The SDK leaves some of its generics open.
"""The Agents SDK's own echo host, as a process: `python -m bench.stock`.

`start_agent_process` on aiohttp, as the SDK's samples do it. What needs Entra's real
hosts is left out: it checks no token, and its own tokens are constants. Both are to its
advantage. It answers 202 after its handler has, so its time includes the echo.
"""

from types import SimpleNamespace
from typing import cast

from aiohttp import web
from microsoft_agents.hosting.aiohttp import CloudAdapter, start_agent_process
from microsoft_agents.hosting.core import (
    AgentApplication,
    ApplicationOptions,
    ClaimsIdentity,
    Connections,
    MemoryStorage,
    TurnContext,
    TurnState,
)

from bench.served import serve

_CALLER = ClaimsIdentity({"aud": "blueprint"}, "Bearer")


class _Tokens:
    """Stands where the SDK's MSAL package would ask Entra."""

    configuration = SimpleNamespace(ALT_BLUEPRINT_ID="")

    async def get_agentic_user_token(self, *_: object) -> str:
        return "token"


class _Connections:
    def get_token_provider(self, *_: object) -> _Tokens:
        return _Tokens()


def application() -> web.Application:
    connections = cast("Connections", _Connections())
    adapter = CloudAdapter(connection_manager=connections)
    agent = AgentApplication[TurnState](
        ApplicationOptions(storage=MemoryStorage()), connection_manager=connections
    )

    async def echo(context: TurnContext, _: TurnState) -> None:
        await context.send_activity(f"You said: {context.activity.text}")

    agent.activity("message")(echo)

    async def messages(request: web.Request) -> web.StreamResponse:
        request["claims_identity"] = _CALLER
        answer = await start_agent_process(request, agent, adapter)
        return answer or web.Response(status=500)

    app = web.Application()
    app.router.add_post("/api/messages", messages)
    return app


if __name__ == "__main__":
    serve(application())
