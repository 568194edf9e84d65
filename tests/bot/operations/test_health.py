import asyncio
import urllib.request
from pathlib import Path
from urllib.error import HTTPError

from prometheus_client.parser import text_string_to_metric_families

from bot.operations.health import Metrics, health_server
from storage import State
from tests.bot.harness import Harness
from tests.scripted_engine import Script


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
    samples = [one for family in text_string_to_metric_families(metrics) for one in family.samples]
    values = {(one.name, *one.labels.values()): one.value for one in samples}
    assert values["throwback_portraits", "done"] == values["throwback_people",] == 1
    assert values["throwback_portraits", "failed"] == values["throwback_failures", "no_face"] == 0
    assert all(one.name.startswith("throwback_") for one in samples)
    assert "Wilhelmina" not in metrics and str(mina.id) not in metrics


async def test_a_defects_own_words_are_no_label(harness: Harness) -> None:
    mina = harness.user()
    await mina.send(Script.FAULT)
    await mina.answers(breed="Samoyed", baby=None)
    await mina.portrait_in(State.FAILED)
    text = Metrics().exposition(await harness.services.storage.counts(), running=0).decode()
    assert 'throwback_failures{reason="defect"} 1.0' in text and "ZeroDivisionError" not in text


async def test_ill_without_an_engine(tmp_path: Path) -> None:
    async with Harness(tmp_path) as harness, health_server(harness.services, 0, "127.0.0.1") as port:
        await harness.services.engine.__aexit__(None, None, None)
        assert (await fetch(port, "/healthz"))[0] == 503
