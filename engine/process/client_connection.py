"""The client's connection to one engine process."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import cast

from engine.process.wire import VERSION, FrameReader, Hello, Message, WireError, encode

_READ_BYTES = 65_536

logger = logging.getLogger(__name__)


class ClientConnection(asyncio.Protocol):
    """Greets the process, sends it frames and passes its messages to `receive`, until it is lost.

    A protocol rather than a stream: a stream forgets what it has buffered when the connection breaks, and the last
    message before a death says which request is to blame.
    """

    def __init__(self, receive: Callable[[Message], None]) -> None:
        loop = asyncio.get_running_loop()
        self.greeted: asyncio.Future[None] = loop.create_future()  # done when it is lost, too
        self.lost: asyncio.Future[None] = loop.create_future()
        self._receive = receive
        self._reader = FrameReader()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self.send(encode(Hello()))

    def data_received(self, data: bytes) -> None:
        try:
            for message in self._reader.feed(data):
                if not self.greeted.done():
                    self._greet(message)
                else:
                    self._receive(message)
        except WireError as error:
            logger.error("the engine process sent what is no message: %s", error)
            self.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        if exc is not None:
            self._read_the_last()
        if not self.lost.done():
            self.lost.set_result(None)
        if not self.greeted.done():
            self.greeted.set_result(None)

    def _read_the_last(self) -> None:
        """Read what the process sent before it died: when writing fails first, asyncio reads no more."""
        if self._transport is None:
            return
        with self._transport.get_extra_info("socket").dup() as ours, suppress(OSError):
            while data := ours.recv(_READ_BYTES):
                self.data_received(data)

    def send(self, frame: bytes) -> None:
        """Send one encoded message; nothing happens when the connection is closing."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(frame)

    def abort(self) -> None:
        """Close the connection; frames that are not sent yet are dropped."""
        if self._transport is not None:
            self._transport.abort()

    def _greet(self, message: Message) -> None:
        if not isinstance(message, Hello):
            raise WireError("it did not greet")
        if message.version != VERSION:
            raise WireError(f"it speaks version {message.version}, not {VERSION}")
        self.greeted.set_result(None)
