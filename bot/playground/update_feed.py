"""The bot's updates: kept until it has confirmed them, fetched by it or pushed to its webhook."""

import asyncio
import json
import logging
import time
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from urllib.parse import urlsplit

from tornado.httpclient import AsyncHTTPClient, HTTPRequest

from bot.playground.errors import Json, bad_request, conflict
from bot.playground.events import Events
from bot.playground.store import Store

logger = logging.getLogger(__name__)

_ASKED_FOR_ONLY = frozenset({"chat_member", "message_reaction", "message_reaction_count"})
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_SILENCE_S = 5.0  # a bot that has not asked for longer is not there
_RETRY_FIRST_S, _RETRY_MOST_S = 0.2, 5.0


@dataclass(frozen=True, slots=True)
class WebhookTarget:
    url: str
    secret: str = ""
    max_connections: int = 40


class UpdateFeed:
    """Numbers never repeat, over restarts too. Use as `async with`, so that a webhook is served."""

    def __init__(self, store: Store, events: Events) -> None:
        self._store = store
        self._events = events
        self._pending = {update["update_id"]: update for update in store.all("update")}
        settings = store.get("settings", "updates") or {}
        self._last_id: int = settings.get("last_id", 700_000_000)
        self._allowed: list[str] = settings.get("allowed", [])
        webhook = settings.get("webhook")
        self._webhook = WebhookTarget(**webhook) if webhook else None
        self._last_error: tuple[int, str] | None = None
        self._poll: asyncio.Future[None] | None = None
        self._news = asyncio.Event()
        self._pusher: asyncio.Task[None] | None = None
        self._polled_at = -_SILENCE_S

    async def __aenter__(self) -> "UpdateFeed":
        self._pusher = asyncio.create_task(self._push_on())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._pusher is not None:
            self._pusher.cancel()
            with suppress(asyncio.CancelledError):
                await self._pusher
        if self._poll is not None and not self._poll.done():
            self._poll.set_result(None)

    def add(self, kind: str, payload: Json) -> None:
        """One more, unless the bot has not asked for this kind."""
        if kind not in self._allowed if self._allowed else kind in _ASKED_FOR_ONLY:
            return
        self._last_id += 1
        # Written as text at once: the update tells what was, even when the message changes later.
        update: Json = json.loads(json.dumps({"update_id": self._last_id, kind: payload}))
        self._pending[self._last_id] = update
        self._store.put("update", self._last_id, update)
        self._save()
        self._wake()

    async def fetch(self, offset: int, limit: int, timeout_s: float, allowed: Sequence[str] | None) -> list[Json]:
        """getUpdates: confirms what is before `offset`, waits for news, and ends an earlier poll still waiting."""
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
        if offset < 0:
            offset = sorted(self._pending)[offset:][0] if self._pending else 0
        self._confirm([update_id for update_id in self._pending if update_id < offset])
        self._polled_at = time.monotonic()
        if not self._pending and timeout_s > 0:
            self._poll = asyncio.get_running_loop().create_future()
            self._events.publish("listening")
            with suppress(TimeoutError):
                await asyncio.wait_for(self._poll, timeout_s)
            self._polled_at = time.monotonic()
        return list(self._pending.values())[:limit]

    @property
    def listening(self) -> bool:
        """Whether a bot is there: it has a webhook, waits for news, or did so a moment ago."""
        if self._webhook is not None or (self._poll is not None and not self._poll.done()):
            return True
        return time.monotonic() - self._polled_at < _SILENCE_S

    def set_webhook(self, url: str, secret: str, max_connections: int, allowed: Sequence[str] | None) -> None:
        """Only to loopback: nothing that was said in the playground leaves the machine."""
        if urlsplit(url).hostname not in _LOOPBACK:
            raise bad_request("bad webhook: the playground delivers to loopback addresses only")
        if allowed is not None:
            self._allow(allowed)
        self._webhook = WebhookTarget(url, secret, max_connections)
        self._last_error = None
        self._save()
        self._wake()

    def delete_webhook(self) -> None:
        self._webhook = None
        self._save()

    def drop_pending(self) -> None:
        self._confirm(list(self._pending))

    def webhook_info(self) -> Json:
        info: Json = {
            "url": self._webhook.url if self._webhook else "",
            "has_custom_certificate": False,
            "pending_update_count": len(self._pending),
        }
        if self._webhook:
            info["max_connections"] = self._webhook.max_connections
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
        self._news.set()
        if self._poll is not None and not self._poll.done():
            self._poll.set_result(None)

    def _save(self) -> None:
        webhook = asdict(self._webhook) if self._webhook else None
        self._store.put("settings", "updates", {"last_id": self._last_id, "allowed": self._allowed, "webhook": webhook})

    async def _push_on(self) -> None:
        """Delivers to the webhook one after another, and tries again until each is accepted."""
        retry_s = _RETRY_FIRST_S
        while True:
            self._news.clear()
            if self._webhook is None or not self._pending:
                await self._news.wait()
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
                retry_s = min(2 * retry_s, _RETRY_MOST_S)

    async def _push(self, webhook: WebhookTarget, update: Json) -> tuple[int, str] | None:
        headers = {"Content-Type": "application/json"}
        if webhook.secret:
            headers["X-Telegram-Bot-Api-Secret-Token"] = webhook.secret
        request = HTTPRequest(
            webhook.url, "POST", headers, json.dumps(update), request_timeout=10, follow_redirects=False
        )
        try:
            response = await AsyncHTTPClient().fetch(request, raise_error=False)
        except OSError:
            return int(time.time()), "Connection refused"
        if 200 <= response.code < 300:
            return None
        return int(time.time()), f"Wrong response from the webhook: {response.code} {response.reason}"
