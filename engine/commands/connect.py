"""Runs the gateway to a cluster (`python -m engine connect --fd N`), in the place of an engine process.

It greets at once, whether there is a cluster or not: requests wait until it can be reached. It ends when the socket
closes, and when the cluster is lost; the client starts it again then and repeats its requests.
"""

import argparse
import asyncio
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Sequence
from typing import Any

from engine import settings
from engine.cluster.gateway import Engines, Gateway, NotBegun
from engine.cluster.ray_session import connect, disconnect
from engine.errors import OperatorError
from engine.messages import Cancel, Request
from engine.process.client_connection import ClientConnection
from engine.process.failure_messages import failure_of
from engine.process.wire import Message, encode
from engine.settings import ClusterSettings, EngineSettings, SettingsError

_AGAIN_S = 1.0  # s between two attempts to reach a cluster that is away
_REFUSED_S = 15.0  # s until a cluster that has refused us is tried again
_GOODBYE_S = 2.0  # s; how long a cluster of our own may take to end before it is left to Ray's reaper
_LOST = 75  # exit status when the cluster is gone: try again

logger = logging.getLogger(__name__)


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m engine connect")
    parser.add_argument("--fd", type=int, required=True, help="the inherited socket to speak on")
    parser.add_argument("--module", help="a module that replicas run instead of the real engine")
    args = parser.parse_args(arguments)
    try:
        here = settings.from_environment()
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    # Ctrl-C and SIGTERM are for the process that started this one, which then closes the socket.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    status = asyncio.run(_serve(args.fd, here, args.module))
    logging.shutdown()
    goodbye = threading.Thread(target=disconnect, daemon=True)
    goodbye.start()
    goodbye.join(_GOODBYE_S)
    os._exit(status)  # Ray's own threads may wait for a cluster that is gone


async def _serve(descriptor: int, here: EngineSettings, module: str | None) -> int:
    end = socket.socket(fileno=descriptor)
    end.setblocking(False)
    desk = _Desk()
    _, connection = await asyncio.get_running_loop().create_connection(lambda: ClientConnection(desk.take), sock=end)
    desk.connection = connection
    work = asyncio.create_task(_work(desk, here, module))
    ended: list[asyncio.Future[Any]] = [work, connection.lost]
    await asyncio.wait(ended, return_when=asyncio.FIRST_COMPLETED)
    if connection.lost.done():
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
        return 0
    connection.abort()
    return work.result()


class _Desk:
    """Where requests wait until there is a gateway, or are refused while the cluster refuses us."""

    def __init__(self) -> None:
        self.connection: ClientConnection | None = None
        self.gateway: Gateway | None = None
        self._waiting: dict[str, Request] = {}
        self._refusal: OperatorError | None = None

    def take(self, message: Message) -> None:
        if self.gateway is not None:
            self.gateway.submit(message)
        elif isinstance(message, Cancel):
            self._waiting.pop(message.target, None)
        elif isinstance(message, Request):
            if self._refusal is None:
                self._waiting[message.id] = message
            else:
                self.send(encode(failure_of(message.id, self._refusal)))

    def send(self, frame: bytes) -> None:
        if self.connection is not None:
            self.connection.send(frame)

    def refuse(self, error: OperatorError) -> None:
        """Answer with this error, until there is a gateway."""
        self._refusal = error
        waiting, self._waiting = self._waiting, {}
        for request in waiting.values():
            self.take(request)

    def open(self, engines: Engines) -> Gateway:
        self.gateway = Gateway(engines, self.send)
        waiting, self._waiting = self._waiting, {}
        for request in waiting.values():
            self.gateway.submit(request)
        return self.gateway


async def _work(desk: _Desk, here: EngineSettings, module: str | None) -> int:
    """Work until the cluster is lost; return the exit status."""
    engines = await _reach(desk, here, module)
    gateway = desk.open(engines)
    try:
        await gateway.watch()
    except NotBegun as error:
        logger.error("the cluster is lost: %s", error)
        return _LOST
    finally:
        await gateway.close()
    return 0


async def _reach(desk: _Desk, here: EngineSettings, module: str | None) -> Engines:
    """Connect to the cluster, however long it takes."""
    cluster = here.cluster or ClusterSettings()
    connected, said = False, False
    while True:
        try:
            if not connected:
                await asyncio.to_thread(connect, cluster)
                connected = True
            return await _join(here, module)
        except OperatorError as error:
            logger.error("the cluster cannot be used: %s", error)
            desk.refuse(error)
            await asyncio.sleep(_REFUSED_S)
        except OSError as error:
            if not said:
                logger.warning("the cluster cannot be reached (%s); trying again", type(error).__name__)
            said = True
            await asyncio.sleep(_AGAIN_S)


async def _join(here: EngineSettings, module: str | None) -> Engines:
    from engine.cluster.serving import join  # noqa: PLC0415 - loads Ray, which reads its variables then

    return await join(here, module)
