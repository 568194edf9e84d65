"""The real process: client, wire, worker and scheduler together, and what happens when either side dies."""

import asyncio
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import torch

from engine import EngineClient, EngineFault, EngineSettings, EngineStopped, OperatorError, Progress, Rejuvenate, Stage
from engine.messages import Describe, Description, Recognise
from engine.process.scheduler import SLOTS
from engine.process.wire import FrameReader, Hello, Message, Working, encode

COUNTING = (sys.executable, "-m", "tests.engine.process.counting_engine")
HANG_UP_S = 10


@pytest.fixture
async def engine() -> AsyncIterator[EngineClient]:
    async with EngineClient(command=COUNTING) as client:
        yield client


async def test_a_portrait_s_progress_rises_while_short_requests_are_answered(engine: EngineClient) -> None:
    progress: list[Progress] = []
    begun = asyncio.Event()

    def listen(one: Progress) -> None:
        progress.append(one)
        begun.set()

    portrait = asyncio.create_task(engine.rejuvenate(Rejuvenate("a", b""), listen))
    await begun.wait()
    assert not (await engine.recognise(b"")).pet
    assert not portrait.done()
    assert (await portrait).film.mp4 == b"film"
    fractions = [one.fraction for one in progress]
    assert fractions == sorted(fractions)
    assert progress[-1].stage is Stage.FILMING


async def test_killed_in_the_midst_of_a_job_it_still_finishes(engine: EngineClient) -> None:
    begun = asyncio.Event()
    portraits = [asyncio.create_task(engine.rejuvenate(Rejuvenate(name, b""), lambda _: begun.set())) for name in "abc"]
    await begun.wait()
    assert engine.pid is not None
    os.kill(engine.pid, signal.SIGKILL)
    assert [(await portrait).id for portrait in portraits] == ["a", "b", "c"]


async def test_what_kills_once_is_done_at_the_second_attempt(engine: EngineClient, tmp_path: Path) -> None:
    photo = f"die {tmp_path / 'died'}".encode()
    assert (await engine.rejuvenate(Rejuvenate("a", photo))).id == "a"


async def test_only_what_kills_twice_fails(engine: EngineClient) -> None:
    poisoned = asyncio.create_task(engine.rejuvenate(Rejuvenate("a", b"die")))
    sound = asyncio.create_task(engine.rejuvenate(Rejuvenate("b", b"")))
    with pytest.raises(EngineFault, match="died of it"):
        await poisoned
    assert (await sound).id == "b"


async def test_a_cancelled_portrait_makes_way(engine: EngineClient) -> None:
    queued = asyncio.Event()
    portraits = [asyncio.create_task(engine.rejuvenate(Rejuvenate(name, b""))) for name in map(str, range(SLOTS))]

    def listen(progress: Progress) -> None:
        if progress.stage is Stage.QUEUED and progress.position:
            queued.set()

    waiting = asyncio.create_task(engine.rejuvenate(Rejuvenate("late", b""), listen))
    await queued.wait()
    assert engine.cancel("0")
    for portrait in portraits[1:]:
        portrait.cancel()
    with pytest.raises(EngineStopped):
        await portraits[0]
    assert (await waiting).id == "late"


class Process:
    """A worker driven by hand."""

    def __init__(self) -> None:
        self.end, theirs = socket.socketpair()
        self.end.settimeout(HANG_UP_S)
        self._reader = FrameReader()
        with theirs:
            descriptor = theirs.fileno()
            self.child = subprocess.Popen([*COUNTING, "--fd", str(descriptor)], pass_fds=[descriptor])

    def __enter__(self) -> "Process":
        return self

    def __exit__(self, *_: object) -> None:
        self.end.close()
        self.child.kill()
        self.child.wait()

    def until(self, kind: type[Message]) -> Message:
        while data := self.end.recv(1 << 16):
            for message in self._reader.feed(data):
                if isinstance(message, kind):
                    return message
        raise EOFError


def test_it_ends_when_its_parent_hangs_up_in_the_midst_of_work() -> None:
    with Process() as process:
        process.end.sendall(encode(Hello()) + encode(Rejuvenate("a", b"")))
        process.until(Progress)
        process.end.close()
        assert process.child.wait(HANG_UP_S) == 0


def test_it_ends_when_its_parent_is_killed() -> None:
    program = (
        "import asyncio, sys\nfrom engine import EngineClient, Rejuvenate\n"
        "async def main():\n"
        f"    async with EngineClient(command={COUNTING!r}) as engine:\n"
        "        print(engine.pid, flush=True)\n"
        "        while True: await engine.rejuvenate(Rejuvenate('a', b''))\n"
        "asyncio.run(main())\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        watch = os.pidfd_open(pid)
        parent.kill()
    try:
        assert select.select([watch], [], [], HANG_UP_S)[0]
    finally:
        os.close(watch)


@pytest.mark.parametrize(
    "nonsense",
    [b"GET / HTTP/1.1\r\n\r\n", encode(Describe("a")), encode(Hello(version=99)), encode(Hello())[:9]],
    ids=["another protocol", "no greeting", "another version", "cut off"],
)
def test_it_hangs_up_on_what_it_does_not_understand(nonsense: bytes) -> None:
    with Process() as process:
        process.end.sendall(nonsense)
        process.end.shutdown(socket.SHUT_WR)
        assert process.child.wait(HANG_UP_S) == 0


def test_ctrl_c_does_not_end_it_before_its_parent_does() -> None:
    with Process() as process:
        process.end.sendall(encode(Hello()) + encode(Recognise("a", b"")))
        process.until(Working)
        for number in (signal.SIGINT, signal.SIGTERM):
            process.child.send_signal(number)
        process.end.sendall(encode(Describe("b")))
        process.until(Description)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a device")
async def test_a_device_that_is_not_there_is_named(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    async with EngineClient(EngineSettings(tmp_path, device="cuda")) as engine:
        with pytest.raises(OperatorError, match="THROWBACK_DEVICE is cuda, but there is none"):
            await engine.describe()
    assert "Traceback" not in capfd.readouterr().err
