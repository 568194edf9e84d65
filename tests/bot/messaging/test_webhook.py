"""Updates by webhook instead of by asking for them."""

import random
import socket
from contextlib import suppress
from pathlib import Path

import httpx

from bot.settings import Webhook
from tests.bot.harness import Harness, Json, User, words_of

SECRET = "only-Telegram-knows"


def free_port() -> int:
    """Of those that no connection gets by itself, so that it is still free when the bot takes it."""
    for port in random.sample(range(20_000, 32_000), 100):
        with socket.socket() as free, suppress(OSError):
            free.bind(("127.0.0.1", port))
            return port
    raise OSError("no port is free")


def help_from(user: User) -> Json:
    """The update with which Telegram tells of this person's /help."""
    return {
        "update_id": 1,
        "message": {
            "message_id": 1,
            "date": 0,
            "chat": {"id": user.id, "type": "private"},
            "from": {"id": user.id, "is_bot": False, "first_name": "Mina"},
            "text": "/help",
            "entities": [{"type": "bot_command", "offset": 0, "length": 5}],
        },
    }


async def test_updates_come_by_webhook_and_only_with_the_secret(tmp_path: Path) -> None:
    port = free_port()
    webhook = Webhook(f"http://127.0.0.1:{port}", SECRET, port)
    async with Harness(tmp_path, webhook=webhook) as harness:
        mina = harness.user()
        await mina.ask_for_portrait()
        async with httpx.AsyncClient() as stranger:
            for headers in ({}, {"X-Telegram-Bot-Api-Secret-Token": "guessed"}):
                answer = await stranger.post(f"http://127.0.0.1:{port}/telegram", json=help_from(mina), headers=headers)
                assert answer.status_code == 403
        assert not any("what I can do" in words_of(message) for message in harness.said_in(mina.id))


async def test_an_update_that_is_posted_again_is_handled_once(tmp_path: Path) -> None:
    """Telegram does so when our answer was lost."""
    port = free_port()
    webhook = Webhook(f"http://127.0.0.1:{port}", SECRET, port)
    async with Harness(tmp_path, webhook=webhook) as harness:
        mina = harness.user()
        async with httpx.AsyncClient(headers={"X-Telegram-Bot-Api-Secret-Token": SECRET}) as telegram:
            for command, answer in (("/privacy", "What I keep"), ("/history", "Nothing here yet")):
                posted = await telegram.post(f"http://127.0.0.1:{port}/telegram", json=help_from(mina))
                assert posted.status_code == 200
                await mina.write(command)
                await mina.sees(answer)  # in order: what came before it is through
        helped = [message for message in harness.said_in(mina.id) if "what I can do" in words_of(message)]
        assert len(helped) == 1
