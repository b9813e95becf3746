# SPDX-License-Identifier: Apache-2.0
"""What one would write to serve twins out of PostgreSQL by HTTP: one process of aiohttp and asyncpg, with uvloop.

    front.py PORT SOCKET_FOLDER POSTGRES_PORT CONNECTIONS

Several processes share the port. `GET /twin/ID` answers the twin's document, as the database has it, or 404.
"""
import asyncio, sys

import asyncpg, uvloop
from aiohttp import web


async def serve(port, host, database_port, connections):
    pool = await asyncpg.create_pool(
        host=host, port=database_port, user="bench", database="bench", min_size=connections, max_size=connections)

    async def twin(request):
        row = await pool.fetchrow("SELECT doc::text FROM twin WHERE id = $1", request.match_info["id"])
        if row is None: raise web.HTTPNotFound()
        return web.Response(text=row[0], content_type="application/json")

    app = web.Application()
    app.router.add_get("/twin/{id}", twin)
    runner = web.AppRunner(app, access_log=None, keepalive_timeout=600)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, reuse_port=True, backlog=2048).start()
    print("ready", flush=True)
    await asyncio.Event().wait()


uvloop.run(serve(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
