"""Runs the gateway inside the cluster for a bot that reaches it through Ray's client alone. Loads Ray.

Over `ray://` no answers can be streamed, but an actor can be asked again and again.
"""

import asyncio
from collections.abc import Callable, Mapping

import ray
from ray.exceptions import RayActorError, RayError

from engine.cluster.gateway import Gateway, NotBegun
from engine.cluster.release import RELEASE, mismatch
from engine.cluster.serving import join
from engine.errors import OperatorError
from engine.process.wire import Message, decode, encode
from engine.settings import EngineSettings, child_environment, from_environment

_PATIENCE_S = 10.0  # s until an actor with nothing to say answers all the same, so that a dead one is noticed


class RelayActor:
    """A gateway as an actor; what it says waits here until it is fetched."""

    def __init__(self) -> None:
        self._said: asyncio.Queue[bytes] = asyncio.Queue()
        self._gateway: Gateway | None = None
        self._watching: asyncio.Task[None] | None = None

    async def start(self, release: str, variables: Mapping[str, str], module: str | None) -> str | None:
        """Join or start the engines; return why not, in a sentence for whoever runs the bot."""
        if release != RELEASE:
            return mismatch(RELEASE, release)
        try:
            engines = await join(from_environment(variables), module)
        except OperatorError as error:
            return error.sentence
        self._gateway = Gateway(engines, self._said.put_nowait)
        self._watching = asyncio.create_task(self._gateway.watch())
        return None

    async def submit(self, frame: bytes) -> None:
        """Hand in a message."""
        if self._gateway is not None:
            self._gateway.submit(decode(frame))

    async def receive(self) -> list[bytes]:
        """Return the frames for the bot that have come since; wait a while for the first."""
        try:
            frames = [await asyncio.wait_for(self._said.get(), _PATIENCE_S)]
        except TimeoutError:
            if self._watching is not None and self._watching.done():
                self._watching.result()  # raises what ended it
            return []
        while not self._said.empty():
            frames.append(self._said.get_nowait())
        return frames


class RemoteGateway:
    """A `Gateway` whose work is done by an actor on the cluster."""

    def __init__(self, send: Callable[[bytes], object]) -> None:
        self._send = send
        self._actor = ray.remote(num_cpus=0)(RelayActor).remote()

    async def start(self, settings: EngineSettings, module: str | None) -> None:
        """Join or start the engines.

        Raises `OperatorError` when that cannot be, and `NotBegun` when it may be tried again.
        """
        variables = {name: value for name, value in child_environment({}, settings).items() if name != "PYTHONPATH"}
        try:
            refusal = await self._actor.start.remote(RELEASE, variables, module)
        except NotBegun as error:  # Ray's own error is one of what was raised, too
            raise NotBegun(str(error.args[0])) from None
        except RayError as error:
            if isinstance(error, RayActorError) and not error.actor_init_failed:  # its node died
                raise NotBegun(type(error).__name__) from None
            refusal = f"the cluster's machines cannot run the engine: install Throwback {RELEASE} with Ray there, too"
        if refusal is not None:
            raise OperatorError(refusal)

    def submit(self, request: Message) -> None:
        """Hand in a request."""
        self._actor.submit.remote(encode(request))

    async def watch(self) -> None:
        """Pass on what the actor says. Raises `NotBegun` when it is gone."""
        try:
            while True:
                # Shielded: Ray's client cannot bear that what it waits for is cancelled.
                said = asyncio.wrap_future(self._actor.receive.remote().future())
                for frame in await asyncio.shield(said):
                    self._send(frame)
        except (RayError, ConnectionError, NotBegun) as error:
            raise NotBegun(type(error).__name__) from None

    async def close(self) -> None:
        """Nothing to do: the actor ends with the connection."""
