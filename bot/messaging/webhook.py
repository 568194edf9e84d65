"""Takes the updates that Telegram posts, and sees to it that Telegram goes on posting them here."""

import asyncio
import hmac
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from telegram.error import Conflict
from telegram.ext import ExtBot
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler

from bot.messaging.listening import Pulse
from bot.messaging.raw_updates import NO_ID, UNKNOWN_KIND
from bot.messaging.update_queue import DurableUpdateQueue
from bot.operations.lifetimes import serving
from bot.settings import Webhook

_PATH = "/telegram"
_SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 (its name, not the secret)
_MAX_BODY_BYTES = 4 << 20  # of an update; Telegram's have a few kB


class WebhookSubscription:
    """The `UpdateSource` that is posted to: asks Telegram to do so, and looks whether it still would."""

    def __init__(self, bot: ExtBot[int], webhook: Webhook, kinds: Sequence[str], check_interval_s: float) -> None:
        self._bot = bot
        self._url = f"{webhook.url}{_PATH}"
        self._secret = webhook.secret
        self._kinds = kinds
        self._check_interval_s = check_interval_s

    async def prepare(self) -> None:
        await self._bot.set_webhook(self._url, secret_token=self._secret, allowed_updates=self._kinds)

    async def listen(self, pulse: Pulse) -> None:
        while True:
            pulse.asked()
            if (await self._bot.get_webhook_info()).url != self._url:
                raise Conflict("another program has set or deleted the webhook")
            pulse.heard()
            await asyncio.sleep(self._check_interval_s)


@asynccontextmanager
async def webhook_server(webhook: Webhook, queue: DurableUpdateQueue, bot: ExtBot[int]) -> AsyncIterator[None]:
    """Take what is posted to the webhook's port while the context lasts."""
    route = (_PATH + "/?", _WebhookHandler, {"secret": webhook.secret, "queue": queue, "bot": bot})
    # On all addresses: Telegram comes from outside, and the secret tells who it is.
    sockets = bind_sockets(webhook.port, "0.0.0.0")  # noqa: S104
    async with serving(Application([route], log_function=lambda _: None), sockets, max_body_size=_MAX_BODY_BYTES):
        yield


class _WebhookHandler(RequestHandler):
    SUPPORTED_METHODS = ("POST",)

    def initialize(self, secret: str, queue: DurableUpdateQueue, bot: ExtBot[int]) -> None:
        self._secret = secret.encode()
        self._queue = queue
        self._bot = bot

    async def post(self) -> None:
        """Answer 200 once the update is written down or set aside; Telegram posts it again after anything else."""
        said = self.request.headers.get(_SECRET_HEADER, "").encode()
        if self.request.headers.get("Content-Type") != "application/json" or not hmac.compare_digest(
            said, self._secret
        ):
            self.set_status(403)
            return
        try:
            update = json.loads(self.request.body)
        except (ValueError, RecursionError) as error:
            await self._queue.set_aside(NO_ID, UNKNOWN_KIND, type(error).__name__)
            return
        await self._queue.receive(update, self._bot)
