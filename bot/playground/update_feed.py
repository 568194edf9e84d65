"""Keeps the bot's updates until it has confirmed them; the bot fetches them, or they go to its webhook."""

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from tornado.httpclient import AsyncHTTPClient, HTTPRequest

from bot.operations.lifetimes import in_background
from bot.playground.errors import Json, bad_request, conflict
from bot.playground.events import Events
from bot.playground.loopback import is_loopback
from bot.playground.store import Store

logger = logging.getLogger(__name__)

UPDATES_MAX = 100  # in one answer to getUpdates; the Bot API's limit
_FIRST_UPDATE_ID = 700_000_000  # any number; a playground's updates count up from it
_ABSENT_AFTER_S = 5.0  # s since the last getUpdates; longer shows a bot as online that is gone
_RETRY_FIRST_S, _RETRY_LONGEST_S = 0.2, 5.0  # s between attempts to reach a webhook; the pause doubles in between
_PUSH_TIMEOUT_S = 10  # s; how long a webhook may take to answer


@dataclass(frozen=True, slots=True)
class WebhookTarget:
    """Where updates are sent to, and the secret that goes with them."""

    url: str
    secret: str = ""


class UpdateFeed:
    """The updates by their ids, which never repeat, over restarts too; within `running` a webhook is served."""

    def __init__(self, store: Store, events: Events) -> None:
        self._store = store
        self._events = events
        self._pending = {int(update["update_id"]): update for update in store.all("update", Json)}
        settings = store.get("settings", "updates") or {}
        self._last_id: int = settings.get("last_id", _FIRST_UPDATE_ID)
        self._allowed: list[str] = settings.get("allowed", [])
        webhook = settings.get("webhook")
        self._webhook = WebhookTarget(**webhook) if webhook else None
        self._last_error: tuple[int, str] | None = None
        self._poll: asyncio.Future[None] | None = None
        self._changed = asyncio.Event()
        self._polled_at = -_ABSENT_AFTER_S

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        try:
            async with in_background(self._push_all()):
                yield
        finally:
            self._wake()

    def add(self, kind: str, payload: Json) -> None:
        """Add an update, unless the bot has asked for other kinds only."""
        if self._allowed and kind not in self._allowed:
            return
        self.add_raw({kind: payload})

    def add_raw(self, content: Json) -> int:
        """Add an update of any shape, as servers of other versions send them; return its id."""
        self._last_id += 1
        # Copied at once: the update tells what was, even when the message changes later.
        update: Json = json.loads(json.dumps({"update_id": self._last_id} | content))
        self._pending[self._last_id] = update
        self._store.put("update", self._last_id, update)
        self._save()
        self._wake()
        return self._last_id

    async def fetch(self, offset: int, timeout_s: float, allowed: Sequence[str] | None) -> list[Json]:
        """Confirm what is before `offset`, wait for updates, and return them; an earlier call still waiting fails."""
        if self._webhook is not None:
            raise conflict(
                "can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"
            )
        if allowed is not None:
            self._allow(allowed)
        if self._poll is not None and not self._poll.done():
            self._poll.set_exception(
                conflict("terminated by other getUpdates request; make sure that only one bot instance is running")
            )
        self._confirm([update_id for update_id in self._pending if update_id < offset])
        self._polled_at = time.monotonic()
        if not self._pending and timeout_s > 0:
            self._poll = asyncio.get_running_loop().create_future()
            self._events.publish("listening")
            with suppress(TimeoutError):
                await asyncio.wait_for(self._poll, timeout_s)
            self._polled_at = time.monotonic()
        return list(self._pending.values())[:UPDATES_MAX]

    @property
    def listening(self) -> bool:
        """Whether a bot is there: it has a webhook, waits for updates, or did so a moment ago."""
        if self._webhook is not None or (self._poll is not None and not self._poll.done()):
            return True
        return time.monotonic() - self._polled_at < _ABSENT_AFTER_S

    def set_webhook(self, url: str, secret: str, allowed: Sequence[str] | None) -> None:
        """Send updates to `url` from now on; raises 400 where it is not on this machine, which nothing may leave."""
        if not is_loopback(url):
            raise bad_request("bad webhook: the playground delivers to loopback addresses only")
        if allowed is not None:
            self._allow(allowed)
        self._webhook = WebhookTarget(url, secret)
        self._last_error = None
        self._save()
        self._wake()

    def delete_webhook(self) -> None:
        self._webhook = None
        self._save()

    def webhook_info(self) -> Json:
        info: Json = {
            "url": self._webhook.url if self._webhook else "",
            "has_custom_certificate": False,
            "pending_update_count": len(self._pending),
        }
        if self._last_error:
            info["last_error_date"], info["last_error_message"] = self._last_error
        if self._allowed:
            info["allowed_updates"] = self._allowed
        return info

    def _allow(self, kinds: Sequence[str]) -> None:
        self._allowed = list(kinds)
        self._save()

    def _confirm(self, update_ids: Collection[int]) -> None:
        for update_id in update_ids:
            del self._pending[update_id]
            self._store.remove("update", update_id)

    def _wake(self) -> None:
        self._changed.set()
        if self._poll is not None and not self._poll.done():
            self._poll.set_result(None)

    def _save(self) -> None:
        settings = {"last_id": self._last_id, "allowed": self._allowed, "webhook": self._webhook}
        self._store.put("settings", "updates", settings)

    async def _push_all(self) -> None:
        """Send the updates to the webhook one after another, each until it is accepted."""
        retry_s = _RETRY_FIRST_S
        while True:
            self._changed.clear()
            if self._webhook is None or not self._pending:
                await self._changed.wait()
                continue
            update_id, update = next(iter(self._pending.items()))
            problem = await self._push(self._webhook, update)
            if problem is None:
                retry_s = _RETRY_FIRST_S
                if update_id in self._pending:
                    self._confirm([update_id])
            else:
                self._last_error = problem
                logger.info("webhook: %s", problem[1])
                await asyncio.sleep(retry_s)
                retry_s = min(2 * retry_s, _RETRY_LONGEST_S)

    async def _push(self, webhook: WebhookTarget, update: Json) -> tuple[int, str] | None:
        headers = {"Content-Type": "application/json"}
        if webhook.secret:
            headers["X-Telegram-Bot-Api-Secret-Token"] = webhook.secret
        request = HTTPRequest(
            webhook.url, "POST", headers, json.dumps(update), request_timeout=_PUSH_TIMEOUT_S, follow_redirects=False
        )
        try:
            response = await AsyncHTTPClient().fetch(request, raise_error=False)
        except OSError:
            return int(time.time()), "Connection refused"
        if 200 <= response.code < 300:
            return None
        return int(time.time()), f"Wrong response from the webhook: {response.code} {response.reason}"
