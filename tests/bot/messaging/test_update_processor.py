import asyncio
import json
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from telegram import Bot, Update
from telegram.ext import TypeHandler

from bot.messaging.update_processor import PerChatProcessor
from bot.messaging.update_queue import DurableUpdateQueue
from storage import State, Storage
from storage.updates import Updates
from tests.bot.answering import Json
from tests.bot.harness import Harness, eventually, words_of

BOT = Bot("1:token")


def raw(id_: int, chat: int) -> Json:
    """An update as Telegram sends it."""
    message = {"message_id": id_, "date": 1, "chat": {"id": chat, "type": "private"}, "text": str(id_)}
    return {"update_id": id_, "message": message | {"from": {"id": chat, "is_bot": False, "first_name": "P"}}}


def update(id_: int, chat: int) -> Update:
    return Update.de_json(raw(id_, chat), BOT)


async def test_a_thousand_chats_are_answered_in_order_and_none_is_lost(harness: Harness) -> None:
    """1,000 chats with three updates at once: every update is handled, in its chat's order."""
    answered: dict[int, list[int]] = defaultdict(list)
    everyone = asyncio.Event()

    async def note(incoming: Update, _: Any) -> None:
        assert incoming.effective_chat is not None
        await asyncio.sleep(0.001 * (incoming.update_id % 3))  # later ones would overtake if they could
        answered[incoming.effective_chat.id].append(incoming.update_id)
        if sum(map(len, answered.values())) == 3000:
            everyone.set()

    async with Storage(harness.settings.home / "other") as storage:
        update_queue = DurableUpdateQueue(storage, retries_s=(0.01,))
        order = PerChatProcessor(update_queue)
        updates = [raw(1 + turn * 1000 + chat, chat) for turn in range(3) for chat in range(1, 1001)]
        handler: TypeHandler[Update, Any, Any] = TypeHandler(Update, note)
        for one in updates:
            await update_queue.receive(one, BOT)
        async with order:
            tasks = []
            for _ in updates:
                taken = update_queue.get_nowait()
                assert isinstance(taken, Update)
                coroutine = handler.handle_update(taken, None, True, None)  # type: ignore[arg-type]
                tasks.append(asyncio.create_task(order.process_update(taken, coroutine)))
            await asyncio.gather(*tasks)
        assert everyone.is_set()
        assert all(ids == sorted(ids) and len(ids) == 3 for ids in answered.values())
        assert await storage.updates.left() == []


async def test_what_was_taken_and_not_handled_is_handed_out_again(tmp_path: Path) -> None:
    async with Storage(tmp_path) as storage:
        update_queue = DurableUpdateQueue(storage, retries_s=(0.01,))
        for id_ in (1, 2, 3):
            await update_queue.receive(raw(id_, 7), BOT)
        await update_queue.receive(raw(2, 7), BOT)  # Telegram sends again what it thinks was lost
        assert update_queue.qsize() == 3
        await update_queue.handled(update(1, 7))
        await update_queue.receive(raw(1, 7), BOT)  # likewise
        assert update_queue.qsize() == 3
    async with Storage(tmp_path) as storage:
        for handed_out in (2, 2, 2, 2, 2, 1, 1):  # then the one is given up: it may be what brings the process down
            update_queue = DurableUpdateQueue(storage, retries_s=(0.01,))
            assert await update_queue.reopen(BOT) == handed_out
            await update_queue.begun(update(2, 7))  # and the other still waits for its chat
        assert await storage.updates.aside_by_kind() == {"message": 1}


async def test_who_is_told_to_stop_blames_no_update(tmp_path: Path) -> None:
    async def hang(*_: object) -> None:
        await asyncio.Event().wait()

    async with Storage(tmp_path) as storage:
        await storage.updates.remember(1, json.dumps(raw(1, 7)))
        for _ in range(8):
            update_queue = DurableUpdateQueue(storage, retries_s=(0.01,))
            assert await update_queue.reopen(BOT) == 1
            order = PerChatProcessor(update_queue)
            hanging = asyncio.create_task(order.process_update(update_queue.get_nowait(), hang()))
            await asyncio.sleep(0.02)
            await order.close(0.0)
            await asyncio.gather(hanging, return_exceptions=True)


async def test_of_what_was_handled_nothing_but_the_id_is_kept_for_a_day(tmp_path: Path) -> None:
    async with Storage(tmp_path) as storage:
        assert await storage.updates.remember(1, '{"text": "Schnurrdiburr"}')
        await storage.updates.handled(1, storage.now())
    assert b"Schnurrdiburr" not in (tmp_path / "throwback.sqlite3").read_bytes()
    async with Storage(tmp_path, lambda: time.time() + 80_000) as storage:
        await storage.expire(0)
        assert not await storage.updates.remember(1, "{}")
    async with Storage(tmp_path, lambda: time.time() + 90_000) as storage:
        await storage.expire(0)
        assert await storage.updates.remember(1, "{}")


async def killed(*_: object) -> None:
    """The process, before it was noted that an update was handled."""


async def test_a_baby_photo_that_is_handed_out_again_begins_nothing(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    mina = harness.user()
    await mina.send()
    await mina.answers(breed="Samoyed")
    await mina.sees("baby photo")
    with monkeypatch.context() as patch:
        patch.setattr(Updates, "handled", killed)
        await mina.send(shade=90)
        await mina.portrait_in(State.DONE)
    await harness.restart()
    await mina.write("/help")
    await mina.sees("what I can do")  # and what came before is through
    assert len(await harness.services.storage.portraits.of_owner(mina.id)) == 1


async def test_again_that_is_handed_out_again_is_one_portrait(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    mina = harness.user()
    film = await mina.ask_for_portrait()
    with monkeypatch.context() as patch:
        patch.setattr(Updates, "handled", killed)
        await mina.press_more(film, "Other breed")
        await harness.message_after(mina.id, film, "Samoyed, got it!")
    await harness.restart()
    await mina.write("/help")
    await mina.sees("what I can do")
    assert len(await harness.services.storage.portraits.of_owner(mina.id)) == 2


async def test_real_updates_of_many_chats_at_once(harness: Harness) -> None:
    users = [harness.user(f"P{number}") for number in range(100)]
    await asyncio.gather(*(user.write(f"hello {turn}") for turn in range(3) for user in users))

    async def all_answered() -> bool:
        return all(len(harness.said_in(user.id)) == 3 for user in users)

    await eventually(all_answered)


@pytest.mark.heavy
async def test_a_thousand_real_chats_at_once(harness: Harness) -> None:
    """1,000 people write three times each, through the playground and the bot: each gets three answers, in order."""
    users = [harness.user(f"P{number}") for number in range(1000)]
    for text in ("/help", "/privacy", "hello"):
        await asyncio.gather(*(user.write(text) for user in users))
    async with asyncio.timeout(300):
        for user in users:
            while len(harness.said_in(user.id)) < 3:  # noqa: ASYNC110 (as above)
                await asyncio.sleep(0.05)
    for user in users:
        first, second, third = (words_of(message) for message in harness.said_in(user.id))
        assert "what I can do" in first and "What I keep" in second and "Send me a photo" in third
