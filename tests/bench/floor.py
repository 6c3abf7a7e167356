"""The least a durable webhook can do, as a process: `python -m bench.floor FILE JWK AUDIENCE`.

Bare aiohttp, one RS256 check with the one key it knows, one commit of the body with
SQLite's WAL and synchronous=FULL, then 202. No dedup, no limits, no gate, no log. The
commit runs in the loop: a hop to a thread is a cost the floor need not pay. The token is
checked for every message; the daemon remembers the tokens it has checked.
"""

import json
import sqlite3
import sys

import jwt
from aiohttp import web

from bench.served import serve

_TABLE = "CREATE TABLE entry (seq INTEGER PRIMARY KEY, body BLOB NOT NULL)"


def application(database: str, jwk: str, audience: str) -> web.Application:
    key = jwt.PyJWK(json.loads(jwk), algorithm="RS256")
    connection = sqlite3.connect(database, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute(_TABLE)

    async def messages(request: web.Request) -> web.Response:
        token = request.headers["Authorization"].removeprefix("Bearer ")
        jwt.decode(token, key, algorithms=["RS256"], audience=audience)
        body = await request.read()
        connection.execute("INSERT INTO entry (body) VALUES (?)", (body,))
        return web.Response(status=202)

    app = web.Application()
    app.router.add_post("/api/messages", messages)
    return app


if __name__ == "__main__":
    serve(application(sys.argv[1], sys.argv[2], sys.argv[3]))
