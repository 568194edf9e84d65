"""Where a client's requests wait until the cluster can be reached, or are refused while it refuses us."""

import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from engine.cluster.forgetting import ToForget
from engine.errors import OperatorError
from engine.messages import Cancel, Forget, Forgotten, Request
from engine.process.failure_messages import failure_of
from engine.process.wire import Message, decode, encode

_KEPT = "photos that are still to be forgotten"  # the id of our own request

logger = logging.getLogger(__name__)


class RequestHandler(Protocol):
    """A gateway, wherever it runs."""

    def submit(self, request: Message) -> None:
        """Hand in a request."""

    async def watch(self) -> None:
        """Work until the cluster is lost; raises `engine.cluster.gateway.NotBegun` then."""

    async def close(self) -> None:
        """Give up what is being worked on."""


class WaitingRequests:
    """Takes a client's messages, and sends it frames through `to_client`, which is to be set first.

    Photos that cannot be forgotten now are written down: nobody waits for a cluster that is away to delete a portrait.
    """

    def __init__(self, to_forget: ToForget) -> None:
        self.to_client: Callable[[bytes], object] = lambda _: None
        self._to_forget = to_forget
        self._forgetting: dict[str, tuple[str, ...]] = {}  # photos by request
        self._gateway: RequestHandler | None = None
        self._waiting: dict[str, Request] = {}
        self._refusal: OperatorError | None = None

    def take(self, message: Message) -> None:
        """Handle a message of the client."""
        if isinstance(message, Forget):
            with suppress(OSError):  # then it is forgotten now or by whoever asks again
                self._to_forget.add(message.photos)
            self._forgetting[message.id] = message.photos
        if self._gateway is not None:
            self._gateway.submit(message)
        elif isinstance(message, Forget):
            self.to_client(encode(Forgotten(message.id, 0)))
        elif isinstance(message, Cancel):
            self._waiting.pop(message.target, None)
        elif isinstance(message, Request):
            if self._refusal is None:
                self._waiting[message.id] = message
            else:
                self.to_client(encode(failure_of(message.id, self._refusal)))

    def send(self, frame: bytes) -> None:
        """Pass on what a gateway says to the client."""
        if self._forgetting and isinstance(answer := decode(frame), Forgotten):
            with suppress(OSError):
                self._to_forget.done(self._forgetting.pop(answer.id, ()))
            if answer.id == _KEPT:
                return
        self.to_client(frame)

    def refuse(self, error: OperatorError) -> None:
        """Answer with this error, until there is a gateway."""
        self._refusal = error
        waiting, self._waiting = self._waiting, {}
        for request in waiting.values():
            self.take(request)

    def open(self, gateway: RequestHandler) -> None:
        """Hand this gateway what has waited, and all that comes from now on."""
        self._gateway = gateway
        if photos := self._to_forget.photos:
            self.take(Forget(_KEPT, photos))
        waiting, self._waiting = self._waiting, {}
        for request in waiting.values():
            self.take(request)
