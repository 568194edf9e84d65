"""A TCP relay between the bot and Telegram that loses connections, cuts transfers in the middle, and stalls."""

import asyncio
import random
import socket
import struct
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress

_READ_BYTES = 16_384  # at once; smaller parts would let more pauses fall into one upload
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER: closing sends RST instead of FIN
_RESETS, _STALLS = 0.004, 0.015  # of all parts that pass
_LONGEST_STALL_S = 4.0
_LAST_WORDS_S = 1.0  # s for what is still to be passed on when one side closes


class UnreliableNetwork:
    """`async with` relays to `port` on this machine; `port` of its own is where the bot connects to.

    Nothing fails while `calm` is True. `failures` counts what failed, by kind.
    """

    def __init__(self, to_port: int, randomness: random.Random) -> None:
        self.calm = True
        self.failures: Counter[str] = Counter()
        self.port = 0
        self._to_port = to_port
        self._random = randomness
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> "UnreliableNetwork":
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server:
            self._server.close()
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        await asyncio.sleep(0)  # until then, what was aborted is not closed

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None:
            return
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)
        writers = [writer]
        try:
            to_reader, to_writer = await asyncio.open_connection("127.0.0.1", self._to_port)
            writers.append(to_writer)
            ways = [
                asyncio.create_task(self._pass_on(reader, to_writer, writer, "upload")),
                asyncio.create_task(self._pass_on(to_reader, writer, writer, "answer")),
            ]
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for way in ways:
                    way.cancel()
                await asyncio.gather(*ways, return_exceptions=True)
        except OSError:
            self.failures["not reached"] += 1
        finally:
            await _close(writers)

    async def _pass_on(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, bot: asyncio.StreamWriter, what: str
    ) -> None:
        """Pass on until one side closes, or the connection is to break."""
        with suppress(OSError):
            while data := await reader.read(_READ_BYTES):
                chance = 1.0 if self.calm else self._random.random()
                if chance < _RESETS:
                    self.failures[f"reset in an {what}"] += 1
                    writer.write(data[: self._random.randrange(len(data))])
                    await writer.drain()
                    with suppress(AttributeError):  # closed meanwhile
                        bot.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
                    return
                if chance < _RESETS + _STALLS:
                    self.failures[f"stalled {what}"] += 1
                    await asyncio.sleep(self._random.uniform(0.1, _LONGEST_STALL_S))
                writer.write(data)
                await writer.drain()


async def _close(writers: Sequence[asyncio.StreamWriter]) -> None:
    """Close connections once what was to be passed on is, at the latest after a moment."""
    try:
        for writer in writers:
            writer.close()
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(_LAST_WORDS_S):
                await asyncio.gather(*(writer.wait_closed() for writer in writers))
    finally:
        for writer in writers:
            writer.transport.abort()
