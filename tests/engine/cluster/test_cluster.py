"""Engines on a real Ray cluster of two nodes: what a client notices, and what it does not."""

import asyncio
import shutil
import socket
import ssl
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from engine import EngineClient, EngineError, EngineFault, EngineStopped, OperatorError, Progress, Rejuvenate
from engine.process.eta import WORK
from engine.process.scheduler import SLOTS
from tests.engine.cluster.conftest import LoopbackCluster, joined, kill


@pytest.fixture(scope="module")
def deployed(cluster: LoopbackCluster) -> Iterator[LoopbackCluster]:
    yield cluster
    cluster.order("delete")


@pytest.fixture
async def engine(deployed: LoopbackCluster, tmp_path: Path) -> AsyncIterator[EngineClient]:
    async with joined(deployed, tmp_path) as client, asyncio.timeout(150):
        yield client


class Begun:
    """A portrait of so many steps; `await begun()` until it is worked on, again and again."""

    def __init__(self, engine: EngineClient, name: str, steps: int = 400) -> None:
        self.progress: list[Progress] = []
        self._event = asyncio.Event()
        self.task = asyncio.create_task(engine.rejuvenate(Rejuvenate(name, b"steps %d" % steps), self._on_progress))

    def _on_progress(self, progress: Progress) -> None:
        self.progress.append(progress)
        self._event.set()

    async def begun(self) -> None:
        self._event.clear()
        await self._event.wait()


async def both_work(engine: EngineClient) -> None:
    """Wait until two portraits at once are made by two engines; one may still be starting after the last test."""
    while True:
        pair = await asyncio.gather(*(Begun(engine, f"trial {number}", 40).task for number in range(2)))
        if len({one.network for one in pair}) == 2:
            return


async def until(condition: Callable[[], bool]) -> None:
    """Look at the cluster's processes until this is so."""
    while True:
        if condition():
            return
        await asyncio.sleep(0.2)


async def test_portraits_are_made_on_all_replicas(engine: EngineClient) -> None:
    made = await asyncio.gather(*(Begun(engine, str(number), 40).task for number in range(8)))
    assert [one.id for one in made] == [str(number) for number in range(8)]
    assert engine.portraits == 8


async def test_the_engine_that_is_through_gets_the_next_portrait(engine: EngineClient) -> None:
    under_way: list[tuple[float, float, str]] = []  # from when to when, and in which engine

    async def place(number: int) -> None:
        for turn in range(3):
            began = time.monotonic()
            made = await Begun(engine, f"{number} {turn}", 30 + 7 * number + 11 * turn).task
            under_way.append((began, time.monotonic(), made.network))

    await asyncio.gather(*(place(number) for number in range(8)))
    for at, _, _ in under_way:
        here = Counter(name for began, ended, name in under_way if began <= at < ended)
        assert max(here.values()) <= 4


async def test_progress_rises(engine: EngineClient) -> None:
    portrait = Begun(engine, "a")
    await portrait.task
    assert tuple(dict.fromkeys(one.stage for one in portrait.progress)) == WORK
    fractions = [one.fraction for one in portrait.progress]
    assert fractions == sorted(fractions)


async def test_what_killed_replicas_worked_on_begins_again(engine: EngineClient, cluster: LoopbackCluster) -> None:
    portraits = [Begun(engine, name) for name in "abc"]
    for portrait in portraits:
        await portrait.begun()
    kill(cluster.replicas())
    assert [(await portrait.task).id for portrait in portraits] == ["a", "b", "c"]


async def test_only_what_two_replicas_die_of_fails(engine: EngineClient, cluster: LoopbackCluster) -> None:
    portrait = Begun(engine, "a", 4000)
    for _ in range(2):
        await portrait.begun()
        kill(cluster.replicas())
    with pytest.raises(EngineFault, match="died of it"):
        await portrait.task
    assert (await Begun(engine, "b", 40).task).id == "b"


async def test_what_kills_the_engine_of_a_replica_kills_no_replica(
    engine: EngineClient, cluster: LoopbackCluster
) -> None:
    before = cluster.replicas()
    with pytest.raises(EngineFault, match="died of it"):
        await engine.rejuvenate(Rejuvenate("a", b"die"))
    assert set(before) <= set(cluster.replicas())  # another may still be starting after the last test


async def test_cancelling_reaches_the_replica(engine: EngineClient) -> None:
    """Otherwise portraits of five minutes would have all places."""
    await both_work(engine)
    long = [Begun(engine, str(number), 60_000) for number in range(2 * SLOTS)]
    for portrait in long:
        await portrait.begun()
    for number in range(SLOTS):
        assert engine.cancel(str(number))
    for portrait in long[SLOTS:]:
        portrait.task.cancel()
    for portrait in long[:SLOTS]:
        with pytest.raises(EngineStopped):
            await portrait.task
    assert (await Begun(engine, "last", 40).task).id == "last"


async def test_a_killed_node_is_no_loss(engine: EngineClient, cluster: LoopbackCluster) -> None:
    portraits = [Begun(engine, str(number)) for number in range(4)]
    for portrait in portraits:
        await portrait.begun()
    cluster.order("kill")
    assert [(await portrait.task).id for portrait in portraits] == ["0", "1", "2", "3"]
    cluster.order("add")


async def test_the_cluster_of_another_machine_answers_too(deployed: LoopbackCluster, tmp_path: Path) -> None:
    async with joined(deployed, tmp_path, address=deployed.client_address) as engine, asyncio.timeout(150):
        assert (await engine.describe()).device == "cpu"
        portraits = [Begun(engine, name) for name in "ab"]
        for portrait in portraits:
            await portrait.begun()
        assert engine.cancel("a")
        with pytest.raises(EngineStopped):
            await portraits[0].task
        assert (await portraits[1].task).id == "b"
        assert (await engine.forget(["00" * 32])).count == 0


async def test_another_release_is_told_at_once(deployed: LoopbackCluster, tmp_path: Path) -> None:
    other = (sys.executable, "-m", "tests.engine.cluster.other_release")
    for address in ("ray", deployed.client_address):
        async with joined(deployed, tmp_path, address=address, program=other) as engine, asyncio.timeout(60):
            with pytest.raises(OperatorError, match=r"the cluster runs Throwback .* and this is Throwback 0\.0\.1, "):
                await engine.describe()


async def test_nothing_is_left_of_a_photo_and_no_secret_is_told(
    cluster: LoopbackCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    token, mark = "123456:a-secret-of-the-bot", b"what-is-in-the-photo"
    monkeypatch.setenv("THROWBACK_TOKEN", token)
    async with joined(cluster, tmp_path) as engine, asyncio.timeout(150):
        for photo in (b"steps 10 " + mark * 100_000, b"die " + mark * 100_000):
            with suppress(EngineError):
                await engine.rejuvenate(Rejuvenate("a", photo))
        await until(lambda: cluster.order("used")["used"] < 1 << 20)
        assert not [one for one in cluster.processes() if token.encode() in (one / "environ").read_bytes()]
    written = cluster.writings()
    assert len(written) > 10_000
    assert mark not in written and token.encode() not in written


async def test_nothing_listens_beyond_loopback(engine: EngineClient, cluster: LoopbackCluster) -> None:
    await engine.describe()
    assert cluster.listening_addresses() <= {"0100007F", "0000000000000000FFFF00000100007F"}  # 127.0.0.1
    assert cluster.listening_addresses()


async def test_engines_come_and_go_with_the_crowd(cluster: LoopbackCluster, tmp_path: Path) -> None:
    cluster.order("delete")
    quick = (sys.executable, "-m", "tests.engine.cluster.quick_scaling")
    async with joined(cluster, tmp_path, (1, 2), program=quick) as engine, asyncio.timeout(150):
        await engine.describe()
        await until(lambda: len(cluster.replicas()) == 1)  # those of the tests before may still be ending
        crowd = [Begun(engine, str(number), 60_000) for number in range(8)]
        await until(lambda: len(cluster.replicas()) == 2)
        for number, portrait in enumerate(crowd):
            engine.cancel(str(number))
            with pytest.raises(EngineStopped):
                await portrait.task
        await until(lambda: len(cluster.replicas()) == 1)
        assert (await Begun(engine, "last", 40).task).id == "last"


@pytest.mark.heavy
async def test_requests_wait_for_a_head_that_is_gone(tmp_path: Path) -> None:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        port = trial.getsockname()[1]
    first = LoopbackCluster(tmp_path, nodes=1, port=port)
    async with joined(first, tmp_path, (1, 1)) as engine, asyncio.timeout(150):
        portrait = Begun(engine, "a", 1000)
        await portrait.begun()
        lost = asyncio.Event()
        engine.on_capacity = lost.set
        first.kill()
        await lost.wait()
        assert engine.portraits == 0
        assert (await engine.forget(["00" * 32])).count == 0  # nobody waits for it
        second = LoopbackCluster(tmp_path, nodes=1, port=port, like=first)
        try:
            assert (await portrait.task).id == "a"
        finally:
            second.end()


@pytest.mark.heavy
@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the certificates")
async def test_a_cluster_with_tls(tmp_path: Path) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=ray"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)]
    await asyncio.to_thread(subprocess.run, command, check=True, capture_output=True)
    tls = {"RAY_USE_TLS": "1", "RAY_TLS_SERVER_KEY": str(key)}
    tls |= {"RAY_TLS_SERVER_CERT": str(certificate), "RAY_TLS_CA_CERT": str(certificate)}
    running = LoopbackCluster(tmp_path, nodes=1, variables=tls)
    try:
        async with joined(running, tmp_path, (1, 1)) as engine, asyncio.timeout(150):
            assert (await Begun(engine, "a", 40).task).id == "a"
        host, _, port = running.environment["RAY_ADDRESS"].partition(":")
        trusting = ssl.create_default_context(cafile=str(certificate))
        trusting.load_cert_chain(certificate, key)
        with socket.create_connection((host, int(port))) as plain, trusting.wrap_socket(plain, server_hostname=host):
            pass
    finally:
        running.end()
