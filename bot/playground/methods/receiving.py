"""Methods by which the bot gets its updates and its files."""

import re

from bot.playground.errors import Json, bad_request
from bot.playground.fake_telegram import FakeTelegram
from bot.playground.request_parameters import Parameters

POLL_MAX_S = 50  # s; the longest that getUpdates waits, as at Telegram
_SECRET = re.compile(r"[A-Za-z0-9_-]{1,256}")


async def get_updates(telegram: FakeTelegram, p: Parameters) -> list[Json]:
    timeout_s = min(p.integer("timeout") or 0, POLL_MAX_S)
    return await telegram.updates.fetch(p.integer("offset") or 0, timeout_s, p.sequence("allowed_updates"))


async def set_webhook(telegram: FakeTelegram, p: Parameters) -> bool:
    if p.text("secret_token") and not _SECRET.fullmatch(p.text("secret_token")):
        raise bad_request("secret token contains unallowed characters")
    telegram.updates.set_webhook(p.text("url"), p.text("secret_token"), p.sequence("allowed_updates"))
    return True


async def delete_webhook(telegram: FakeTelegram, _: Parameters) -> bool:
    telegram.updates.delete_webhook()
    return True


async def get_webhook_info(telegram: FakeTelegram, _: Parameters) -> Json:
    return telegram.updates.webhook_info()


async def get_file(telegram: FakeTelegram, p: Parameters) -> Json:
    return telegram.files.described_file(p.text("file_id"))
