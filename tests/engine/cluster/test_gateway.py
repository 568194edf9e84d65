"""What the gateway does about replicas that die and clusters that are away, without a cluster."""

import asyncio
from collections.abc import AsyncIterator, Callable

from engine import Rejuvenate, Stage
from engine.cluster.gateway import Gateway, NotBegun, ReplicaDied
from engine.errors import OperatorError
from engine.messages import Answer, Cancel, Describe, Description, Failure, FailureKind, Forget, Forgotten, Progress
from engine.process.wire import Capacity, Message, decode, encode

DESCRIBED = encode(Description("a", "cpu", (), "", ()))


class Rehearsed:
    """Engines that do what `acts` say, one after the other; an exception is raised, frames are yielded."""

    def __init__(self, *acts: Exception | bytes, most: int = 1) -> None:
        self.most = most
        self.here = 1
        self.asked: list[Message] = []
        self.at_once = self.most_at_once = 0
        self._acts = list(acts)

    async def running(self) -> int:
        if self.here < 0:
            raise NotBegun
        return self.here

    async def work(self, frame: bytes, in_turn: bool) -> AsyncIterator[bytes]:
        self.asked.append(decode(frame))
        self.at_once += 1
        self.most_at_once = max(self.at_once, self.most_at_once)
        try:
            await asyncio.sleep(0)
            act = self._acts.pop(0)
            if isinstance(act, Exception):
                raise act
            yield act
        finally:
            self.at_once -= 1

    async def forget_everywhere(self, frame: bytes) -> list[bytes]:
        self.asked.append(decode(frame))
        return [encode(Forgotten("f", 1)), encode(Forgotten("f", 2))]


async def answers_of(engines: Rehearsed, *requests: Message, until: Callable[[list[Message]], bool]) -> list[Message]:
    said: list[Message] = []
    heard = asyncio.Event()

    def send(frame: bytes) -> None:
        said.append(decode(frame))
        heard.set()

    gateway = Gateway(engines, send)
    for request in requests:
        gateway.submit(request)
    async with asyncio.timeout(10):
        while not until(said):
            await heard.wait()
            heard.clear()
    await gateway.close()
    return said


def answered(said: list[Message]) -> bool:
    return any(isinstance(one, Answer) and not isinstance(one, Progress) for one in said)


async def test_what_had_not_begun_is_tried_again_without_blame() -> None:
    engines = Rehearsed(NotBegun(), NotBegun(), ReplicaDied(), DESCRIBED)
    assert await answers_of(engines, Describe("a"), until=answered) == [decode(DESCRIBED)]


async def test_the_second_death_is_the_last() -> None:
    engines = Rehearsed(ReplicaDied(), ReplicaDied())
    (answer,) = await answers_of(engines, Rejuvenate("a", b""), until=answered)
    assert answer == Failure("a", FailureKind.FAULT, "the engine process died of it")
    assert engines.asked == [Rejuvenate("a", b""), Rejuvenate("a", b"", alone=True)]


async def test_replicas_of_one_machine_that_die_one_after_the_other_are_one_death() -> None:
    class Dying(Rehearsed):
        machine_gone_at: float | None = None

        async def work(self, frame: bytes, in_turn: bool) -> AsyncIterator[bytes]:
            if self.machine_gone_at is None:
                self.machine_gone_at = asyncio.get_running_loop().time() + 0.1
            if asyncio.get_running_loop().time() < self.machine_gone_at:
                raise ReplicaDied
            async for part in super().work(frame, in_turn):
                yield part

    assert await answers_of(Dying(DESCRIBED), Describe("a"), until=answered) == [decode(DESCRIBED)]


async def test_suspects_are_tried_one_after_the_other() -> None:
    engines = Rehearsed(*(ReplicaDied() for _ in range(6)))
    requests = [Rejuvenate(str(number), b"") for number in range(3)]
    await answers_of(engines, *requests, until=lambda said: len(said) == 3)
    assert engines.most_at_once == 3
    engines = Rehearsed(*(ReplicaDied() for _ in range(3)), *(DESCRIBED for _ in range(3)))
    engines.asked.clear()
    await answers_of(engines, *requests, until=lambda said: len(said) == 3)
    assert [one.alone for one in engines.asked if isinstance(one, Rejuvenate)] == [False] * 3 + [True] * 3


async def test_a_replica_that_is_stopped_leaves_the_request_to_another() -> None:
    stopped = encode(Failure("a", FailureKind.CANCELLED, "the engine is being stopped"))
    assert await answers_of(Rehearsed(stopped, DESCRIBED), Describe("a"), until=answered) == [decode(DESCRIBED)]


async def test_an_answer_is_one_although_the_replica_dies_then() -> None:
    class Dying(Rehearsed):
        async def work(self, frame: bytes, in_turn: bool) -> AsyncIterator[bytes]:
            async for part in super().work(frame, in_turn):
                yield part
            raise ReplicaDied

    assert await answers_of(Dying(DESCRIBED), Describe("a"), until=answered) == [decode(DESCRIBED)]


async def test_a_refusal_is_the_answer() -> None:
    (answer,) = await answers_of(Rehearsed(OperatorError("another release")), Describe("a"), until=answered)
    assert answer == Failure("a", FailureKind.OPERATOR, "another release")


async def test_a_cancelled_request_is_answered_at_once() -> None:
    engines = Rehearsed(*(NotBegun() for _ in range(100)))
    said = await answers_of(engines, Describe("a"), Cancel("c", "a"), until=answered)
    assert said == [Failure("a", FailureKind.CANCELLED, "cancelled")]


async def test_every_engine_forgets() -> None:
    (answer,) = await answers_of(Rehearsed(), Forget("f", ("00" * 32,)), until=answered)
    assert answer == Forgotten("f", 3)


async def test_progress_passes_as_it_is() -> None:
    progress = Progress("a", Stage.FILMING, 0.5, eta_s=2.0, preview=b"jpeg")
    said = await answers_of(Rehearsed(encode(progress), DESCRIBED), Describe("a"), until=answered)
    assert said[0] == progress


async def test_more_portraits_are_wanted_while_there_may_be_more_engines() -> None:
    said: asyncio.Queue[Message] = asyncio.Queue()
    engines = Rehearsed(most=2)
    gateway = Gateway(engines, lambda frame: said.put_nowait(decode(frame)))
    watching = asyncio.create_task(gateway.watch())
    async with asyncio.timeout(10):
        assert await said.get() == Capacity(8)  # one engine, four portraits, and as many that call for another
        engines.here = 0
        assert await said.get() == Capacity(0)
        engines.here = 2
        assert await said.get() == Capacity(8)  # two engines, four each, and no room for a third
        engines.here = -1
        assert isinstance((await asyncio.gather(watching, return_exceptions=True))[0], NotBegun)
