"""Updates of every shape: none of them keeps anybody else from being answered."""

import asyncio
import logging
import statistics
import time
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from telegram import Bot, Update
from telegram.error import Conflict
from telegram.ext import ExtBot

from bot.messaging.listening import Pulse
from bot.messaging.polling import Poller
from bot.messaging.rate_limiter import RateLimiter
from bot.messaging.raw_updates import read_update
from bot.messaging.telegram_request import TelegramRequest
from bot.messaging.update_queue import DurableUpdateQueue
from storage import Storage
from tests.bot.answering import Json
from tests.bot.harness import Harness, User, eventually
from tests.bot.messaging.odd_updates import SECRET, every_shape, inaccessible, message, private, spoilt, user

MINA, GROUP = 1003, -1_000_000_077  # the first user of a harness; a group that nobody knows


async def answered_s(harness: Harness, joon: User) -> float:
    """Return how long /help takes."""
    began = time.monotonic()
    asked = await joon.write("/help")
    await harness.message_after(joon.id, asked, "what I can do")
    return time.monotonic() - began


async def all_confirmed(harness: Harness) -> None:
    async def none_pending() -> bool:
        return not harness.telegram.updates.webhook_info()["pending_update_count"]

    await eventually(none_pending)


def test_whatever_arrives_somebody_else_is_answered(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "bot")
    waits_s: list[float] = []
    with asyncio.Runner() as runner:
        harness = Harness(tmp_path)
        runner.run(harness.__aenter__())
        mina, joon = harness.user(), harness.user("Joon")
        assert mina.id == MINA

        async def arrives(update: Json) -> None:
            harness.telegram.updates.add_raw(update)
            waits_s.append(await answered_s(harness, joon))

        @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
        @given(update=spoilt(every_shape(MINA, GROUP)))
        def check(update: Json) -> None:
            runner.run(arrives(update))

        check()
        runner.run(all_confirmed(harness))
        runner.run(harness.__aexit__())
    assert statistics.median(waits_s) < 1
    assert SECRET not in caplog.text


async def test_every_kind_of_update_is_handled_or_passed_over(
    harness: Harness, caplog: pytest.LogCaptureFixture
) -> None:
    mina, joon = harness.user(), harness.user("Joon")
    for update in every_shape(mina.id, GROUP):
        harness.telegram.updates.add_raw(update)
    await answered_s(harness, joon)
    await all_confirmed(harness)
    assert SECRET not in caplog.text
    assert await harness.services.storage.updates.aside_by_kind() == {}  # all of them can be read


STICKER_OF_5 = {"file_id": "f", "file_unique_id": "u", "width": 9, "height": 9, "is_animated": False}
POLL_OF_5 = {"id": "1", "question": SECRET, "options": [], "total_voter_count": 0, "is_closed": False}


@pytest.mark.parametrize("content", [{"sticker": STICKER_OF_5}, {"poll": POLL_OF_5}], ids=["sticker", "poll"])
async def test_a_message_of_an_older_server_is_answered(
    harness: Harness, caplog: pytest.LogCaptureFixture, content: Json
) -> None:
    """Before 6.2 stickers had no `type`, and before 9.6 polls had fewer fields; the words beside them count."""
    mina, joon = harness.user(), harness.user("Joon")
    old = message(mina.id, private(mina.id), **content)
    harness.telegram.world.chats[mina.id].started = True
    harness.telegram.updates.add_raw({"message": old})
    await mina.sees("Send me a photo")
    command = {"type": "bot_command", "offset": 0, "length": 5}
    asked = message(joon.id, private(joon.id), text="/help", entities=[command], reply_to_message=old)
    harness.telegram.world.chats[joon.id].started = True
    harness.telegram.updates.add_raw({"message": asked})
    await joon.sees("what I can do")
    assert await harness.services.storage.updates.aside_by_kind() == {}
    assert SECRET not in caplog.text


async def test_a_membership_of_an_older_server_is_noted(harness: Harness) -> None:
    """Each version adds rights that python-telegram-bot then requires; whether the bot is in the group counts."""
    mina = harness.user()
    chat = harness.group(mina)
    bot, storage = harness.telegram.bot, harness.services.storage
    left, restricted = {"status": "left"}, {"status": "restricted", "is_member": False, "until_date": 0}
    for before, after, present in (
        (left, {"status": "administrator"}, True),
        ({"status": "member"}, restricted, False),
    ):
        change = {"chat": harness.telegram.world.describe(chat), "from": user(mina.id), "date": 1_700_000_000}
        change |= {"old_chat_member": before | {"user": bot}, "new_chat_member": after | {"user": bot}}
        harness.telegram.updates.add("my_chat_member", change)

        async def noted(present: bool = present) -> bool:
            group = await storage.groups.get(chat.id)
            return group is not None and group.present is present

        await eventually(noted)
    await harness.message(chat.id, "Hello everyone")


@pytest.mark.parametrize("spoilt", [{"date": None}, {"chat": None}], ids=["date", "chat"])
async def test_what_cannot_be_read_is_set_aside_once(
    harness: Harness, caplog: pytest.LogCaptureFixture, spoilt: Json
) -> None:
    mina = harness.user()
    before = len([call for call in harness.telegram.calls if call.method == "getUpdates"])
    id_ = harness.telegram.updates.add_raw({"message": message(mina.id, private(mina.id), text=SECRET) | spoilt})
    await answered_s(harness, mina)
    await all_confirmed(harness)
    assert await harness.services.storage.updates.aside_by_kind() == {"message": 1}
    assert caplog.text.count("set aside") == 1
    assert SECRET not in caplog.text
    assert len([call for call in harness.telegram.calls if call.method == "getUpdates"]) - before < 10
    kept = (harness.settings.home / "throwback.sqlite3").read_bytes()
    assert SECRET.encode() not in kept and str(id_)
    await harness.restart()
    await answered_s(harness, mina)
    assert caplog.text.count("set aside") == 1


@pytest.mark.parametrize(
    "spoilt",
    [
        {"text": "half of an emoji: \ud83d"},
        {"text": 5},
        {"message_id": "5"},
        {"message_id": None},
        {"date": None},
        {"chat": {"id": "1", "type": "private"}},
        {"chat": {"id": 2**70, "type": "private"}},
        {"from": {"id": [], "is_bot": False, "first_name": "Mina"}},
    ],
    ids=str,
)
def test_what_no_handler_could_work_with_is_not_read(spoilt: Json) -> None:
    hello = message(1, private(1), text="hello")
    read_update({"update_id": 1, "message": hello}, Bot("1:token"))
    with pytest.raises((TypeError, UnicodeEncodeError)):
        read_update({"update_id": 1, "message": hello | spoilt}, Bot("1:token"))


@pytest.mark.parametrize("gone", ["chat", "from", "old_chat_member", "new_chat_member"])
def test_a_change_of_nothing_is_not_read(gone: str) -> None:
    member: Json = {"status": "member", "user": user(1)}
    change: Json = {
        "chat": private(1),
        "from": user(1),
        "date": 1,
        "old_chat_member": member,
        "new_chat_member": member,
    }
    read_update({"update_id": 1, "my_chat_member": change}, Bot("1:token"))
    with pytest.raises((TypeError, KeyError, AttributeError)):
        read_update({"update_id": 1, "my_chat_member": change | {gone: None}}, Bot("1:token"))


class SpoiltAnswers(TelegramRequest):
    """Telegram with three updates, of which the second makes every answer unreadable that has it."""

    async def do_request(self, url: str, *_: object, **__: object) -> tuple[int, bytes]:
        query = {name: int(value) for name, (value,) in parse_qs(urlsplit(url).query).items() if value.isdecimal()}
        spoilt = b'{"update_id": 2, "message": {"text": "' + SECRET.encode()
        parts = {1: b'{"update_id": 1}', 2: spoilt, 3: b'{"update_id": 3}'}
        wanted = [part for id_, part in parts.items() if id_ >= query.get("offset", 0)][: query["limit"]]
        if not wanted:
            raise Conflict("enough")
        return 200, b'{"ok": true, "result": [' + b", ".join(wanted) + b"]}"


async def test_an_update_that_spoils_the_whole_answer_is_set_aside_alone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    bot = ExtBot("1:token", rate_limiter=RateLimiter())
    async with Storage(tmp_path) as storage:
        queue = DurableUpdateQueue(storage, retries_s=(0.01,))
        with pytest.raises(Conflict):
            await Poller(bot, SpoiltAnswers(), queue, ["message"]).listen(Pulse())
        read = [queue.get_nowait() for _ in range(queue.qsize())]
        assert [one.update_id for one in read if isinstance(one, Update)] == [1, 3]
        assert await storage.updates.aside_by_kind() == {"unknown": 1}
    assert SECRET not in caplog.text


GROUP_CHAT: Json = {"id": GROUP, "type": "supergroup", "title": SECRET}


@pytest.mark.parametrize(
    "content",
    [
        {"pinned_message": inaccessible(GROUP_CHAT)},
        {"text": "hm", "reply_to_message": message(1, GROUP_CHAT, pinned_message=inaccessible(GROUP_CHAT))},
        {"text": "hm", "reply_to_message": inaccessible(GROUP_CHAT)},
        {
            "poll_option_added": {
                "option_text": "x",
                "option_persistent_id": "0",
                "poll_message": inaccessible(GROUP_CHAT),
            }
        },
    ],
    ids=["pinned", "reply to a notice", "reply", "poll"],
)
@pytest.mark.parametrize("kind", ["message", "edited_message", "callback_query"])
async def test_messages_that_the_bot_may_not_see(
    harness: Harness, caplog: pytest.LogCaptureFixture, kind: str, content: Json
) -> None:
    mina = harness.user()
    hidden = message(mina.id, GROUP_CHAT, **content)
    if kind == "callback_query":
        query = {"id": "1", "from": user(mina.id), "chat_instance": "1", "data": "page:0:0.0"}
        harness.telegram.updates.add_raw({kind: query | {"message": hidden}})
    else:
        harness.telegram.updates.add_raw({kind: hidden})
    await answered_s(harness, mina)
    await harness.restart()
    await answered_s(harness, mina)
    assert await harness.services.storage.updates.aside_by_kind() == {}
    assert "ERROR" not in [record.levelname for record in caplog.records]


async def test_an_update_that_an_earlier_version_left_unreadable_does_not_keep_the_bot_from_starting(
    harness: Harness,
) -> None:
    mina = harness.user()
    await answered_s(harness, mina)
    for id_, body in enumerate(("no JSON", '{"update_id": 2, "message": {}}', "[]"), 1):
        assert await harness.services.storage.updates.remember(id_, body)
    await harness.restart()
    await answered_s(harness, mina)
    assert await harness.services.storage.updates.aside_by_kind() == {"message": 1, "unknown": 2}
