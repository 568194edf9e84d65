"""What goes on while a context lasts: work in the background, a server."""

import asyncio
import socket
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.httputil import HTTPServerConnectionDelegate


@asynccontextmanager
async def in_background(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Do this work while the context lasts, and no longer."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def serving(
    application: HTTPServerConnectionDelegate, sockets: Sequence[socket.socket], **options: Any
) -> AsyncIterator[None]:
    """Answer what comes to these sockets; `options` are those of Tornado's `HTTPServer`."""
    server = HTTPServer(application, **options)
    server.add_sockets(sockets)
    try:
        yield
    finally:
        server.stop()
        await server.close_all_connections()
