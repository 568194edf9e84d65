import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from telegram.error import RetryAfter

from bot.messaging.rate_limiter import Pace, RateLimiter
from bot.playground.request_counts import RateMeter


class Time:
    """A clock that sleeping moves on: waiting takes no time in the test."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += max(seconds, 1e-6)
        await asyncio.sleep(0)


@pytest.fixture
def time() -> Time:
    return Time()


async def send(
    rate_limiter: RateLimiter, chat: int, to: Callable[..., Any], endpoint: str = "sendMessage", retries: int = 0
) -> Any:
    async def call() -> Any:
        return to(chat)

    return await rate_limiter.process_request(call, (), {}, endpoint, {"chat_id": chat}, retries)


async def test_telegrams_limits_are_kept(time: Time) -> None:
    """What the pacer lets through, a strict double takes: to many chats, to one, and to a group."""
    rate_limiter, meter = RateLimiter(clock=time, sleep=time.sleep), RateMeter(strict=True, clock=time)

    def spend(chat: int) -> None:
        meter.spend(chat, chat < 0)

    for _ in range(60):
        await asyncio.gather(*(send(rate_limiter, chat, spend) for chat in (1, -2, 3)))
    await asyncio.gather(*(send(rate_limiter, chat, spend) for chat in range(10, 210)))
    assert meter.report()["excess"] == {"overall": 0, "chat": 0, "group": 0}


async def test_a_refusal_halts_one_chat_alone(time: Time) -> None:
    rate_limiter, sent = RateLimiter(clock=time, sleep=time.sleep), []
    refused = [RetryAfter(30)]

    def spend(chat: int) -> str:
        if chat == 1 and refused:
            raise refused.pop()
        sent.append((chat, time.now))
        return "sent"

    began = time.now
    assert await send(rate_limiter, 1, spend, retries=1) == "sent"
    assert time.now >= began + 30
    refused.append(RetryAfter(30))
    with pytest.raises(RetryAfter):
        await send(rate_limiter, 1, spend)
    assert rate_limiter.busy(1) and not rate_limiter.busy(2)


async def test_answers_and_deletions_are_not_counted(time: Time) -> None:
    rate_limiter, began = RateLimiter(Pace(overall_per_s=1), time, time.sleep), time.now
    for endpoint in ("answerCallbackQuery", "deleteMessage", "getChatMember"):
        for _ in range(5):
            await send(rate_limiter, 1, lambda _: None, endpoint)
    assert time.now == began


async def test_silent_chats_are_forgotten(time: Time) -> None:
    rate_limiter = RateLimiter(Pace(overall_per_s=10_000), time, time.sleep)
    for chat in range(1, 1000):
        await send(rate_limiter, chat, lambda _: None)
    time.now += 500
    for chat in range(1000, 1005):
        await send(rate_limiter, chat, lambda _: None)
    assert len(rate_limiter._chats) < 10
