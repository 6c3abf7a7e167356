"""A tool server for the host's tests: one message waits, and each reply brings the next.

Speaks the handshake era only, because a doorbell needs a standing way to the
client. What it was told goes to the file it is given, and so does its end.
"""

import asyncio
import sys
from pathlib import Path
from typing import Any

from mcp.server import Server, ServerRequestContext
from mcp.server.connection import Connection
from mcp.server.runner import serve_connection
from mcp.server.stdio import stdio_server
from mcp.shared.jsonrpc_dispatcher import JSONRPCDispatcher
from mcp_types import (
    CallToolRequestParams,
    CallToolResult,
    ListToolsResult,
    PaginatedRequestParams,
    TextContent,
    Tool,
)

Context = ServerRequestContext[Any]


class Inbox:
    """Three messages; the first reading fails, and the second answer comes too late."""

    def __init__(self, notes: Path) -> None:
        self.notes = notes
        self.waiting = ["first"]
        self.later = ["second", "third"]
        self.more = asyncio.Event()
        self.restarting = True

    def note(self, line: str) -> None:
        with self.notes.open("a", encoding="utf-8") as notes:
            notes.write(f"{line}\n")

    async def tools(
        self, _context: Context, _params: PaginatedRequestParams | None
    ) -> ListToolsResult:
        names = ("read_messages", "reply")
        return ListToolsResult(tools=[Tool(name=n, input_schema={"type": "object"}) for n in names])

    async def call(self, _context: Context, params: CallToolRequestParams) -> CallToolResult:
        if params.name == "read_messages":
            return self.read()
        arguments = params.arguments or {}
        return self.reply(arguments["turn"], arguments["text"])

    def read(self) -> CallToolResult:
        if self.restarting:
            self.restarting = False
            words = TextContent(type="text", text="the daemon restarted, call again")
            return CallToolResult(content=[words], is_error=True)
        taken, self.waiting = self.waiting, []
        messages = [{"turn": f"t-{word}", "text": word, "from": {"name": "Ada"}} for word in taken]
        return CallToolResult(content=[], structured_content={"messages": messages})

    def reply(self, turn: str, text: str) -> CallToolResult:
        self.note(f"{turn} {text}")
        if self.later:
            self.waiting.append(self.later.pop(0))
            self.more.set()
        late = turn == "t-second"
        words = "the turn was closed" if late else "sent"
        return CallToolResult(content=[TextContent(type="text", text=words)], is_error=late)

    async def ring(self, connection: Connection) -> None:
        while True:
            await self.more.wait()
            self.more.clear()
            params: dict[str, Any] = {"content": "1 message waits", "meta": {}}
            await connection.notify("notifications/claude/channel", params)


async def serve(inbox: Inbox) -> None:
    server: Server[Any] = Server(
        "tiny",
        instructions="Answer everybody.",
        on_list_tools=inbox.tools,
        on_call_tool=inbox.call,
    )
    async with stdio_server() as (incoming, outgoing):
        dispatcher = JSONRPCDispatcher(incoming, outgoing, inline_methods=frozenset({"initialize"}))
        connection = Connection.for_loop(dispatcher)
        bell = asyncio.create_task(inbox.ring(connection))
        await serve_connection(
            server,
            dispatcher,
            connection=connection,
            lifespan_state=None,
            init_options=server.create_initialization_options(),
        )
        bell.cancel()
    inbox.note("closed")


if __name__ == "__main__":
    asyncio.run(serve(Inbox(Path(sys.argv[1]))))
