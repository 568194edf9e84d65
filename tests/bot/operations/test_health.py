import asyncio
import urllib.request
from pathlib import Path
from urllib.error import HTTPError

from bot.operations.health import health_server
from storage import State
from tests.bot.harness import Harness


async def fetch(port: int, path: str) -> tuple[int, str]:
    def ask() -> tuple[int, str]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}") as answer:
                return answer.status, answer.read().decode()
        except HTTPError as error:
            with error:
                return error.code, error.read().decode()

    return await asyncio.to_thread(ask)


async def test_healthy_and_counted(harness: Harness) -> None:
    mina = harness.user("Wilhelmina")
    await mina.ask_for_portrait()
    await mina.portrait_in(State.DONE)
    async with health_server(harness.services, 0, "127.0.0.1") as port:
        assert await fetch(port, "/healthz") == (200, "ok\n")
        status, metrics = await fetch(port, "/metrics")
    assert status == 200
    lines = metrics.splitlines()
    assert 'throwback_portraits{state="done"} 1' in lines
    assert "throwback_people 1" in lines
    assert all(line.startswith(("#", "throwback_")) for line in lines)
    assert "Wilhelmina" not in metrics and str(mina.id) not in metrics


async def test_ill_without_an_engine(tmp_path: Path) -> None:
    async with Harness(tmp_path) as harness, health_server(harness.services, 0, "127.0.0.1") as port:
        await harness.services.engine.__aexit__(None, None, None)
        assert (await fetch(port, "/healthz"))[0] == 503
