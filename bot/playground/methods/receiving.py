"""Methods by which the bot gets its updates and its files."""

import re

from bot.playground.errors import Json, bad_request
from bot.playground.fake_telegram import FakeTelegram
from bot.playground.request_parameters import Parameters

_POLL_MAX_S = 50
_UPDATES_MAX = 100
_SECRET = re.compile(r"[A-Za-z0-9_-]{1,256}")


async def get_updates(telegram: FakeTelegram, p: Parameters) -> list[Json]:
    limit = min(max(p.integer("limit") or _UPDATES_MAX, 1), _UPDATES_MAX)
    timeout_s = min(p.integer("timeout") or 0, _POLL_MAX_S)
    return await telegram.updates.fetch(p.integer("offset") or 0, limit, timeout_s, p.sequence("allowed_updates"))


async def set_webhook(telegram: FakeTelegram, p: Parameters) -> bool:
    if p.flag("drop_pending_updates"):
        telegram.updates.drop_pending()
    if not p.text("url"):
        telegram.updates.delete_webhook()
        return True
    if p.text("secret_token") and not _SECRET.fullmatch(p.text("secret_token")):
        raise bad_request("secret token contains unallowed characters")
    connections = p.integer("max_connections") or 40
    if not 1 <= connections <= 100:
        raise bad_request("bad webhook: max_connections must be between 1 and 100")
    telegram.updates.set_webhook(p.text("url"), p.text("secret_token"), connections, p.sequence("allowed_updates"))
    return True


async def delete_webhook(telegram: FakeTelegram, p: Parameters) -> bool:
    if p.flag("drop_pending_updates"):
        telegram.updates.drop_pending()
    telegram.updates.delete_webhook()
    return True


async def get_webhook_info(telegram: FakeTelegram, _: Parameters) -> Json:
    return telegram.updates.webhook_info()


async def get_file(telegram: FakeTelegram, p: Parameters) -> Json:
    return telegram.files.described_file(p.text("file_id"))


async def log_out(_: FakeTelegram, __: Parameters) -> bool:
    return True
