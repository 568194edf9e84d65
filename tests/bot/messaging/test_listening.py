"""Listening goes on whatever ends it, and the process ends where that is of no use."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from bot.app import serve
from bot.messaging.listening import ListeningEnded
from bot.playground.faults import Fault, FaultKind
from bot.settings import Webhook
from bot.timings import Timings
from tests.bot.harness import Harness, User, eventually
from tests.bot.messaging.test_webhook import SECRET, free_port

QUICK = Timings(listen_retries_s=(0.05,), webhook_check_s=0.05, refusal_limit_s=300.0)


@pytest.fixture
def timings() -> Timings:
    return QUICK


async def is_answered(harness: Harness, mina: User) -> None:
    asked = await mina.write("/help")
    await harness.message_after(mina.id, asked, "what I can do")


@pytest.mark.parametrize(
    "kind",
    [
        FaultKind.UNAUTHORIZED,
        FaultKind.FORBIDDEN,
        FaultKind.NOT_FOUND,
        FaultKind.CONFLICT,
        FaultKind.TOO_MANY_REQUESTS,
        FaultKind.BUSY,
        FaultKind.BAD_GATEWAY,
        FaultKind.DISCONNECT,
        FaultKind.PAGE,
        FaultKind.FORBIDDEN_PAGE,
    ],
    ids=str,
)
async def test_one_odd_answer_is_followed_by_the_next_question(harness: Harness, kind: FaultKind) -> None:
    mina = harness.user()
    harness.telegram.faults.add(Fault("getUpdates", kind))
    await is_answered(harness, mina)

    async def asked() -> bool:
        return not harness.telegram.faults.take("getUpdates")

    await eventually(asked)
    await is_answered(harness, mina)


async def test_who_cancels_the_task_does_not_end_the_listening(harness: Harness) -> None:
    mina = harness.user()
    await is_answered(harness, mina)
    (task,) = [one for one in asyncio.all_tasks() if one.get_name() == "updates"]
    task.cancel()
    await is_answered(harness, mina)


@pytest.mark.parametrize(
    ("kind", "words"),
    [(FaultKind.UNAUTHORIZED, "check THROWBACK_TOKEN"), (FaultKind.CONFLICT, "another program")],
    ids=str,
)
async def test_what_stays_refused_ends_the_process_with_a_clear_word(
    tmp_path: Path, kind: FaultKind, words: str
) -> None:
    async with Harness(tmp_path, timings=replace(QUICK, refusal_limit_s=0.3)) as harness:
        harness.telegram.faults.add(Fault("getUpdates", kind, times=100_000))
        harness.telegram.updates.add_raw({})
        with pytest.raises(ListeningEnded, match=words):
            async with asyncio.timeout(60):
                await harness.services.listener.ended()


async def test_a_proxys_refusal_is_not_telegrams(tmp_path: Path) -> None:
    """A proxy may want a password for hours; the token is none the worse."""
    async with Harness(tmp_path, timings=replace(QUICK, refusal_limit_s=0.1)) as harness:
        harness.telegram.faults.add(Fault("getUpdates", FaultKind.UNAUTHORIZED_PAGE, times=20))
        await is_answered(harness, harness.user())


async def test_the_bot_does_not_serve_on_when_nobody_listens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with Harness(tmp_path) as harness:
        await harness.close()
        monkeypatch.setattr("bot.app.Timings", lambda: replace(QUICK, refusal_limit_s=0.3))
        harness.telegram.faults.add(Fault("getUpdates", FaultKind.UNAUTHORIZED, times=100_000))
        with pytest.raises(ListeningEnded):
            async with asyncio.timeout(60):
                await serve(harness.settings, asyncio.Event())


async def test_a_webhook_that_another_program_deleted_is_set_again(tmp_path: Path) -> None:
    port = free_port()
    webhook = Webhook(f"http://127.0.0.1:{port}", SECRET, port)
    async with Harness(tmp_path, timings=QUICK, webhook=webhook) as harness:
        mina = harness.user()
        await is_answered(harness, mina)
        harness.telegram.updates.delete_webhook()
        await is_answered(harness, mina)


async def test_a_webhook_takes_what_cannot_be_read(tmp_path: Path) -> None:
    port = free_port()
    webhook = Webhook(f"http://127.0.0.1:{port}", SECRET, port)
    async with Harness(tmp_path, timings=QUICK, webhook=webhook) as harness:
        mina = harness.user()
        harness.telegram.updates.add_raw({"message": {"sticker": None}})
        await is_answered(harness, mina)
        assert await harness.services.storage.updates.aside_by_kind() == {"message": 1}


async def test_one_refusal_at_the_start_is_not_the_end(tmp_path: Path) -> None:
    async with Harness(tmp_path, timings=QUICK) as harness:
        await harness.close()
        for method in ("getMe", "deleteWebhook"):
            harness.telegram.faults.add(Fault(method, FaultKind.UNAUTHORIZED))
            harness.telegram.faults.add(Fault(method, FaultKind.TOO_MANY_REQUESTS, retry_after_s=1))
        harness.telegram.faults.add(Fault("deleteWebhook", FaultKind.BAD_GATEWAY))
        await harness.open()
        await is_answered(harness, harness.user())


async def test_a_token_that_is_refused_from_the_start_ends_the_process_after_a_while(tmp_path: Path) -> None:
    async with Harness(tmp_path, timings=replace(QUICK, refusal_limit_s=0.3)) as harness:
        await harness.close()
        harness.telegram.faults.add(Fault("getMe", FaultKind.UNAUTHORIZED, times=100_000))
        with pytest.raises(ListeningEnded, match="check THROWBACK_TOKEN"):
            async with asyncio.timeout(60):
                await harness.open()
        harness.telegram.faults.clear()
