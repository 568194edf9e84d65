"""The client against real child processes: answers, progress, cancelling, deaths and stopping."""

import asyncio
import io
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from PIL import Image

from engine import (
    CardText,
    Combine,
    EngineClient,
    EngineFault,
    EngineSettings,
    EngineStopped,
    Export,
    Medium,
    PhotoError,
    PhotoReason,
    Progress,
    Reimagine,
    Rejuvenate,
    Species,
    Stage,
    Timeouts,
)
from engine.process.cache import FOLDER, Cache
from engine.process.client_connection import ClientConnection
from engine.process.wire import MAX_BODY_BYTES, Hello, Message, Working, encode
from engine.settings import child_environment
from tests.scripted_engine import SCRIPTED, Script, scripted_engine, scripted_photo


@pytest.fixture
async def engine() -> AsyncIterator[EngineClient]:
    async with scripted_engine() as client:
        yield client


class Held:
    """A rejuvenation that the engine holds; `await held.reached()` until it has been begun."""

    def __init__(self, engine: EngineClient, name: str = "held") -> None:
        self.progress: list[Progress] = []
        self._begun = asyncio.Event()
        request = Rejuvenate(name, scripted_photo(Script.HOLD))
        self.task = asyncio.create_task(engine.rejuvenate(request, self._on_progress))

    def _on_progress(self, progress: Progress) -> None:
        self.progress.append(progress)
        if progress.stage is Stage.PROJECTING:
            self._begun.set()

    async def reached(self) -> "Held":
        await self._begun.wait()
        self._begun.clear()
        return self


async def test_every_request_is_answered(engine: EngineClient) -> None:
    recognition = await engine.recognise(scripted_photo())
    assert (recognition.species, recognition.breeds[0].breed) == (Species.DOG, "samoyed")
    progress: list[Progress] = []
    rejuvenation = await engine.rejuvenate(Rejuvenate("portrait", scripted_photo(Script.CAT)), progress.append)
    assert (rejuvenation.id, rejuvenation.species) == ("portrait", Species.CAT)
    assert rejuvenation.film.mp4[4:8] == b"ftyp"
    assert [one.stage for one in progress] == list(Stage)
    assert {one.id for one in progress} == {"portrait"}
    reimagined = await engine.reimagine(Reimagine("again", rejuvenation.latent, 0.5, film=False))
    assert (reimagined.id, reimagined.film) == ("again", None)
    assert (await engine.describe()).networks == ("scripted",)
    assert (await engine.forget(["00" * 32])).count == 1


@pytest.mark.parametrize("medium", Medium)
async def test_every_medium_is_answered_by_a_file_of_its_kind(engine: EngineClient, medium: Medium) -> None:
    exported = await engine.export(Export("one", b"latent of earlier weights", medium))
    assert (exported.id, exported.medium, exported.latent) == ("one", medium, b"latent")
    if exported.film is None:
        with Image.open(io.BytesIO(exported.file)) as picture:
            assert picture.size == (exported.width, exported.height)
    else:
        assert (exported.film.mp4, exported.film.thumbnail) == (exported.file, exported.thumbnail)


async def test_several_pets_are_answered_by_one_photo_and_one_card(engine: EngineClient) -> None:
    request = Combine("both", (b"one", b"another"), card=CardText("Mochi & Rex", "Then", "Now", ""))
    combined = await engine.combine(request)
    assert combined.whole and combined.card


async def test_what_lies_on_disk_is_forgotten_without_an_engine_too(tmp_path: Path) -> None:
    here = EngineSettings(tmp_path)
    Cache(here.cache / FOLDER).put("aa" * 32, "bb", b"a likeness")
    assert (await EngineClient(here).forget(["aa" * 32, "cc" * 32])).count == 1
    assert Cache(here.cache / FOLDER).get("aa" * 32, "bb") is None


async def test_failures_become_errors(engine: EngineClient) -> None:
    with pytest.raises(PhotoError) as caught:
        await engine.rejuvenate(
            Rejuvenate("a", scripted_photo(), baby_photo=scripted_photo(Script.NOT_AN_IMAGE)),
        )
    assert (caught.value.reason, caught.value.which) == (PhotoReason.NOT_AN_IMAGE, "baby_photo")
    with pytest.raises(EngineFault, match=r"^ZeroDivisionError$"):
        await engine.rejuvenate(Rejuvenate("b", scripted_photo(Script.FAULT)))


async def test_a_photo_beyond_all_bounds_is_not_sent(engine: EngineClient) -> None:
    with pytest.raises(PhotoError) as caught:
        await engine.recognise(bytes(MAX_BODY_BYTES + 1))
    assert caught.value.reason is PhotoReason.TOO_LARGE
    assert (await engine.recognise(scripted_photo())).pet


async def test_cancel_by_id_stops_only_that_one(engine: EngineClient) -> None:
    first, second = await Held(engine, "first").reached(), await Held(engine, "second").reached()
    assert engine.cancel("first")
    with pytest.raises(EngineStopped):
        await first.task
    assert not engine.cancel("first")
    await engine.describe()
    assert (await second.task).id == "second"


async def test_an_id_can_be_used_again_right_after_its_cancel(engine: EngineClient) -> None:
    held = await Held(engine, "one").reached()
    engine.cancel("one")
    assert (await engine.rejuvenate(Rejuvenate("one", scripted_photo()))).id == "one"
    with pytest.raises(EngineStopped):
        await held.task


async def test_cancelling_the_task_cancels_in_the_engine(engine: EngineClient) -> None:
    held = await Held(engine, "gone").reached()
    held.task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await held.task
    assert not engine.cancel("gone")
    assert (await engine.describe()).networks  # answers what is held, if there were anything; nothing is confused


async def test_a_failing_listener_harms_nobody(engine: EngineClient, caplog: pytest.LogCaptureFixture) -> None:
    def listen(progress: Progress) -> None:
        raise LookupError("secret")

    assert await engine.rejuvenate(Rejuvenate("a", scripted_photo()), listen)
    assert "LookupError" in caplog.text
    assert "secret" not in caplog.text


async def test_what_a_killed_process_held_is_asked_again(engine: EngineClient) -> None:
    held = await Held(engine).reached()
    first = engine.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    await held.reached()
    assert engine.pid != first
    fractions = [progress.fraction for progress in held.progress]
    assert fractions == sorted(fractions)
    await engine.describe()
    assert (await held.task).film.mp4


async def test_the_status_of_a_dying_process_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """Its socket closes first, and of a large process a while before."""
    dying = "import os, socket, sys, time; socket.socket(fileno=int(sys.argv[2])).close(); time.sleep(0.1); os._exit(7)"
    with pytest.raises(EngineFault, match="does not start"):
        async with EngineClient(command=(sys.executable, "-c", dying)):
            pass
    assert "ended with status 7" in caplog.text and "status -9" not in caplog.text


async def test_a_process_that_hangs_is_replaced_and_asked_again() -> None:
    async with EngineClient(command=SCRIPTED, timeouts=Timeouts(silence_s=5.0)) as engine:
        first = engine.pid
        assert first is not None
        os.kill(first, signal.SIGSTOP)
        async with asyncio.timeout(120):
            assert (await engine.describe()).networks == ("scripted",)
        assert engine.pid != first


async def test_a_process_that_tells_the_same_again_and_again_is_replaced_too(tmp_path: Path) -> None:
    """As one does whose scheduler waits for a thread that hangs."""
    program = f"""
import socket, sys, time
from pathlib import Path
from engine.messages import Description, Progress, Stage
from engine.process.wire import FrameReader, Hello, encode
end, reader, mark = socket.socket(fileno=int(sys.argv[2])), FrameReader(), Path({str(tmp_path / "first life")!r})
first = not mark.exists()
mark.touch()
end.sendall(encode(Hello()))
while data := end.recv(65536):
    for message in reader.feed(data):
        if isinstance(message, Hello):
            continue
        while first:
            end.sendall(encode(Progress(message.id, Stage.FILMING, 0.5)))
            time.sleep(0.01)
        end.sendall(encode(Description(message.id, "second life", (), "", ())))
"""
    async with (
        EngineClient(command=(sys.executable, "-c", program), timeouts=Timeouts(silence_s=5.0)) as engine,
        asyncio.timeout(120),
    ):
        assert (await engine.describe()).device == "second life"


async def test_a_request_that_kills_twice_fails_and_the_others_do_not(engine: EngineClient) -> None:
    held = await Held(engine).reached()
    with pytest.raises(EngineFault, match="died of it"):
        await engine.recognise(scripted_photo(Script.DIE))
    await engine.describe()
    assert (await held.task).film.mp4


async def test_leaving_is_quick_and_tells_those_who_wait() -> None:
    async with scripted_engine() as engine:
        held = await Held(engine).reached()
        pid = engine.pid
        assert pid is not None
        began = time.monotonic()
    assert time.monotonic() - began < 5
    with pytest.raises(EngineStopped):
        await held.task
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    with pytest.raises(EngineStopped):
        await engine.recognise(scripted_photo())


async def test_a_process_that_does_not_hear_is_ended() -> None:
    deaf = (
        "import sys, time; from engine.process.server_connection import *\n"
        "with ServerConnection.inherited(int(sys.argv[2])): time.sleep(60)"
    )
    async with EngineClient(command=(sys.executable, "-c", deaf)) as engine:
        pid = engine.pid
        began = time.monotonic()
    assert time.monotonic() - began < 5
    assert pid is not None
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


@pytest.mark.parametrize(
    "program",
    [
        "raise SystemExit(7)",
        "import socket, sys; socket.socket(fileno=int(sys.argv[2])).send(bytes(64))",
        "import socket, sys; from engine.process.wire import *; end = socket.socket(fileno=int(sys.argv[2]))\n"
        "end.send(encode(Hello(version=99))); end.recv(1)",
    ],
    ids=["it exits", "it sends nonsense", "it speaks another version"],
)
async def test_an_engine_that_does_not_start_is_said_once(program: str) -> None:
    with pytest.raises(EngineFault, match="does not start"):
        async with EngineClient(command=(sys.executable, "-c", program)):
            pass


async def test_a_command_that_is_not_there_is_said_too(tmp_path: Path) -> None:
    with pytest.raises(EngineFault, match="does not start"):
        async with EngineClient(command=(str(tmp_path / "nothing"),)):
            pass


def test_the_process_is_told_its_settings_and_no_secrets() -> None:
    inherited = {"THROWBACK_TOKEN": "1:a", "THROWBACK_WEBHOOK_SECRET": "b", "PATH": "/bin", "THROWBACK_DEVICE": "cuda"}
    inherited["THROWBACK_COMPILE"] = "1"
    environment = child_environment(inherited, EngineSettings(Path("/home/x"), device="cpu", network="storybook"))
    assert environment["THROWBACK_HOME"] == "/home/x"
    assert environment["THROWBACK_DEVICE"] == "cpu"
    assert environment["THROWBACK_NETWORK"] == "storybook"
    assert environment["THROWBACK_COMPILE"] == "0"
    assert not {"THROWBACK_TOKEN", "THROWBACK_WEBHOOK_SECRET"} & environment.keys()


async def test_last_words_are_heard_though_writing_fails_first() -> None:
    """Who died of what is known by them; without, one photo would kill the process for ever."""
    heard: list[Message] = []
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    _, link = await asyncio.get_running_loop().create_connection(lambda: ClientConnection(heard.append), sock=ours)
    with theirs:
        theirs.sendall(encode(Hello()))
        await link.greeted
        theirs.sendall(encode(Working(("7",))))
    link.send(encode(Hello()))
    await link.lost
    assert heard == [Working(("7",))]
