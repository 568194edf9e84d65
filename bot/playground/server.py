"""Serves the playground on loopback: the Bot API, the users' actions, and the chat page.

`python -m bot.playground.server` runs it alone, apart from any bot; the first line on stdout is a JSON object with
`url`, `token` and `network`.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tornado.netutil import bind_sockets
from tornado.web import Application

from bot.operations.lifetimes import serving
from bot.operations.processes import stop_event
from bot.playground.api import DownloadHandler, MethodHandler
from bot.playground.control import control_routes
from bot.playground.fake_telegram import FakeTelegram
from bot.playground.local_network import serve_network
from bot.playground.loopback import LOOPBACK

_BODY_MAX_BYTES = 128 * 1024 * 1024  # of one request; above Telegram's 50 MB, so that a larger upload is answered


@dataclass(frozen=True, slots=True)
class Address:
    """The playground's address and the bot's token: all that a bot needs to use it instead of Telegram."""

    url: str
    token: str


@asynccontextmanager
async def serve(telegram: FakeTelegram, port: int = 0) -> AsyncIterator[Address]:
    """Serve `telegram` on loopback while the context lasts, and yield the address; port 0 takes a free one."""
    application = Application(
        [
            (r"/bot([^/]+)/(\w+)", MethodHandler, {"telegram": telegram}),
            (r"/file/bot([^/]+)/(.+)", DownloadHandler, {"telegram": telegram}),
            *control_routes(telegram),
        ],
        log_function=lambda _: None,  # Tornado's own would write the token into the log
    )
    sockets = bind_sockets(port, LOOPBACK)
    async with telegram.running(), serving(application, sockets, max_buffer_size=_BODY_MAX_BYTES):
        yield Address(f"http://{LOOPBACK}:{sockets[0].getsockname()[1]}", telegram.token)


async def _run(home: Path, port: int, strict: bool, host: str | None) -> None:
    stop = stop_event()
    telegram = FakeTelegram(home, strict)
    async with serve(telegram, port) as address, AsyncExitStack() as stack:
        network = await stack.enter_async_context(serve_network(telegram, host, 0)) if host else ""
        sys.stdout.write(json.dumps({"url": address.url, "token": address.token, "network": network}) + "\n")
        sys.stdout.flush()
        await stop.wait()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bot.playground.server", description=__doc__)
    parser.add_argument("--home", type=Path, required=True, help="where conversations and files are kept")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--host", help="serve the page at this address, too, for devices that join")
    parser.add_argument("--strict", action="store_true", help="refuse what is above Telegram's limits")
    options = parser.parse_args()
    asyncio.run(_run(options.home, options.port, options.strict, options.host))


if __name__ == "__main__":
    main()
