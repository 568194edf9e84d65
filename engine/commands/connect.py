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
from typing import TYPE_CHECKING, Any

from engine import settings
from engine.cluster.forgetting import ToForget
from engine.cluster.gateway import Gateway, NotBegun
from engine.cluster.ray_session import connect, disconnect
from engine.cluster.waiting_requests import RequestHandler, WaitingRequests
from engine.errors import OperatorError
from engine.process.client_connection import ClientConnection
from engine.settings import ClusterSettings, EngineSettings, SettingsError

if TYPE_CHECKING:
    from engine.cluster.network_distribution import Publisher

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
    waiting = WaitingRequests(ToForget(here.cache / "to-forget.json"))
    connection = ClientConnection(waiting.take)
    waiting.to_client = connection.send
    await asyncio.get_running_loop().create_connection(lambda: connection, sock=end)
    work = asyncio.create_task(_work(waiting, here, module))
    ended: list[asyncio.Future[Any]] = [work, connection.lost]
    await asyncio.wait(ended, return_when=asyncio.FIRST_COMPLETED)
    if connection.lost.done():
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
        return 0
    connection.abort()
    return work.result()


async def _work(waiting: WaitingRequests, here: EngineSettings, module: str | None) -> int:
    """Work until the cluster is lost; return the exit status."""
    gateway, publisher = await _reach(waiting, here, module)
    waiting.open(gateway)
    publishing = asyncio.create_task(publisher.watch())
    try:
        await gateway.watch()
    except NotBegun as error:
        logger.error("the cluster is lost: %s", error)
        return _LOST
    finally:
        publishing.cancel()
        await gateway.close()
    return 0


async def _reach(
    waiting: WaitingRequests, here: EngineSettings, module: str | None
) -> "tuple[RequestHandler, Publisher]":
    """Connect to the cluster, however long it takes."""
    cluster = here.cluster or ClusterSettings()
    publisher = None
    said = False
    while True:
        try:
            if publisher is None:
                await asyncio.to_thread(connect, cluster)
                publisher = _publisher(here)
            await publisher.publish()  # before engines start
            return await _join(waiting, here, module), publisher
        except OperatorError as error:
            logger.error("the cluster cannot be used: %s", error)
            waiting.refuse(error)
            await asyncio.sleep(_REFUSED_S)
        except (OSError, NotBegun) as error:
            if not said:
                logger.warning("the cluster cannot be reached (%s); trying again", type(error).__name__)
            said = True
            await asyncio.sleep(_AGAIN_S)


def _publisher(here: EngineSettings) -> "Publisher":
    from engine.cluster.network_distribution import Publisher  # noqa: PLC0415 - loads Ray, which reads its variables then

    return Publisher(here.home)


async def _join(waiting: WaitingRequests, here: EngineSettings, module: str | None) -> RequestHandler:
    """Join the engines: from this process, or through an actor where Ray's client allows nothing else."""
    if here.cluster is not None and here.cluster.address.startswith("ray://"):
        from engine.cluster.relay import RemoteGateway  # noqa: PLC0415 - loads Ray

        relay = RemoteGateway(waiting.send)
        await relay.start(here, module)
        return relay
    from engine.cluster.serving import join  # noqa: PLC0415 - the same

    return Gateway(await join(here, module), waiting.send)
