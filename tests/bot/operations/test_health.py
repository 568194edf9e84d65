import asyncio
import sqlite3
import urllib.request
from pathlib import Path
from urllib.error import HTTPError

import pytest
from prometheus_client.parser import text_string_to_metric_families

from bot.operations.health import Ailment, ailments, exposition, health_server
from bot.operations.service_manager import DEADLY
from bot.playground.faults import Fault, FaultKind
from bot.portraits.engine_results import RELEASE
from storage import State
from storage.updates import Updates
from tests.bot.harness import Harness, eventually
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
    await mina.press(await mina.ask_for_portrait(), "😍")
    await mina.portrait_in(State.DONE)
    async with health_server(harness.services, 0, "127.0.0.1") as port:
        assert await fetch(port, "/healthz") == (200, "ok\n")
        status, metrics = await fetch(port, "/metrics")
    assert status == 200
    samples = [one for family in text_string_to_metric_families(metrics) for one in family.samples]
    values = {(one.name, *one.labels.values()): one.value for one in samples}
    assert values["throwback_portraits", "done"] == values["throwback_people",] == 1
    assert values["throwback_portraits", "failed"] == values["throwback_failures", "no_face"] == 0
    (verdict,) = [one for one in samples if one.name == "throwback_verdicts"]
    about = {"species": "dog", "network": f"scripted {RELEASE}".strip(), "photo_quality": "good"}
    assert (verdict.labels, verdict.value) == ({"verdict": "love"} | about, 1)
    assert all(one.name.startswith("throwback_") for one in samples)
    assert "Wilhelmina" not in metrics and str(mina.id) not in metrics


async def test_a_defects_own_words_are_no_label(harness: Harness) -> None:
    mina = harness.user()
    await mina.send(Script.FAULT)
    await mina.answers(breed="Samoyed", baby=None)
    await mina.portrait_in(State.FAILED)
    text = exposition(await harness.services.storage.counts(), running=0, places=4).decode()
    assert 'throwback_failures{reason="defect"} 1.0' in text and "ZeroDivisionError" not in text


async def test_ill_without_an_engine(tmp_path: Path) -> None:
    async with Harness(tmp_path) as harness, health_server(harness.services, 0, "127.0.0.1") as port:
        await harness.services.engine.__aexit__(None, None, None)
        assert await fetch(port, "/healthz") == (503, "engine\n")


async def test_ill_when_telegram_does_not_answer(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.operations.health._LISTENING_S", 0.5)
    async with health_server(harness.services, 0, "127.0.0.1") as port:
        for kind in (FaultKind.UNAUTHORIZED, FaultKind.BAD_GATEWAY):
            harness.telegram.faults.add(Fault("getUpdates", kind, times=100_000))
        await harness.user().write("/help")

        async def ill() -> bool:
            return await fetch(port, "/healthz") in ((503, "telegram\n"), (503, "listening\n"))

        await eventually(ill)
        harness.telegram.faults.clear()

        async def well() -> bool:
            return await fetch(port, "/healthz") == (200, "ok\n")

        await eventually(well)


async def test_ill_without_a_database(tmp_path: Path) -> None:
    async with Harness(tmp_path) as harness, health_server(harness.services, 0, "127.0.0.1") as port:
        await harness.services.storage.__aexit__()
        assert await fetch(port, "/healthz") == (503, "database\n")
        await harness.services.storage.__aenter__()


async def test_updates_that_were_set_aside_are_counted(harness: Harness) -> None:
    mina = harness.user()
    harness.telegram.updates.add_raw({"callback_query": {}})
    await mina.write("/help")
    await mina.sees("what I can do")
    text = exposition(await harness.services.storage.counts(), running=0, places=4).decode()
    assert 'throwback_updates_set_aside{kind="callback_query"} 1.0' in text
    assert 'throwback_updates_set_aside{kind="unknown"} 0.0' in text


async def test_a_full_disk_is_called_so_and_kills_nobody(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    """A restart would not make room: the bot waits, and systemd goes on hearing that it lives."""
    mina, remember = harness.user(), Updates.remember
    full = True

    async def refuse(updates: Updates, id_: int, body: str) -> bool:
        if full:
            raise sqlite3.OperationalError("database or disk is full")
        return await remember(updates, id_, body)

    monkeypatch.setattr(Updates, "remember", refuse)
    await mina.write("/help")

    async def noticed() -> bool:
        return await ailments(harness.services) == [Ailment.DISK]

    await eventually(noticed)
    assert Ailment.DISK not in DEADLY
    full = False
    await mina.sees("what I can do")

    async def well() -> bool:
        return await ailments(harness.services) == []

    await eventually(well)
