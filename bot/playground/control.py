"""Serves the users' side to the chat page and to tests: `/control/…`, JSON in and out.

Browsers let any web page send requests to loopback. So a request must name a loopback host, which stops DNS
rebinding, and its origin, where it has one, must be the playground's own page.
"""

import asyncio
import json
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tornado.web import RequestHandler, StaticFileHandler
from tornado.websocket import WebSocketClosedError, WebSocketHandler

from bot.playground.control_actions import ControlActions
from bot.playground.errors import ApiError, Json, bad_request
from bot.playground.fake_telegram import FakeTelegram
from bot.playground.loopback import is_loopback
from bot.playground.request_parameters import Parameters, Upload

PAGE = Path(__file__).with_name("page")
_CONTENT_POLICY = "; ".join(
    (
        "default-src 'self'",
        "connect-src 'self' ws://127.0.0.1:* ws://localhost:*",
        "img-src 'self' blob: data:",
        "media-src 'self' blob:",
        "frame-ancestors 'none'",
    )
)


def is_local(request_host: str, origin: str | None) -> bool:
    """Return whether a request names a loopback host and comes, where it has an origin, from the page at that host."""
    if not is_loopback(f"//{request_host}"):
        return False
    return origin is None or urlsplit(origin).netloc == request_host


class ControlHandler(RequestHandler):
    """Runs the action for a verb and a path; refuses in the Bot API's form."""

    def initialize(self, actions: ControlActions) -> None:
        self._actions = actions

    async def _run(self, path: str) -> None:
        try:
            if not is_local(self.request.host, self.request.headers.get("Origin")):
                raise ApiError(403, "Forbidden: not from the playground's page")
            uploads = [
                Upload(item.filename, item.content_type, item.body) for item in self.request.files.get("files", [])
            ]
            verb = self.request.method or ""
            self._reply(200, await self._actions.act(verb, path, Parameters.of(self.request), uploads))
        except ApiError as error:
            self._reply(error.code, error.payload())
        except ValueError as error:
            self._reply(400, bad_request(str(error)).payload())

    def _reply(self, status: int, payload: Any) -> None:
        self.set_status(status)
        self.set_header("Content-Type", "application/json")
        self.set_header("Cache-Control", "no-store")
        self.write(json.dumps(payload, ensure_ascii=False))

    get = post = patch = delete = _run


class EventsHandler(WebSocketHandler):
    """Sends every event as it happens, one JSON object a message."""

    def initialize(self, actions: ControlActions) -> None:
        self._actions = actions
        self._sending: asyncio.Task[None] | None = None

    def check_origin(self, origin: str) -> bool:
        return is_local(self.request.host, origin)

    def open(self, *_: str) -> None:
        self._sending = asyncio.create_task(self._send_events())

    def on_close(self) -> None:
        if self._sending is not None:
            self._sending.cancel()

    async def on_message(self, message: str | bytes) -> None:
        """Ignore it: pages only listen."""

    async def _send_events(self) -> None:
        with self._actions.telegram.events.subscription() as events, suppress(WebSocketClosedError):
            await self.write_message({"type": "hello"})
            while True:
                await self.write_message(json.dumps(await events.get(), ensure_ascii=False))


class _LocalFiles(StaticFileHandler):
    def set_extra_headers(self, path: str) -> None:
        self.set_header("Content-Security-Policy", _CONTENT_POLICY)
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Referrer-Policy", "no-referrer")
        self.set_header("Cache-Control", "no-cache")

    async def prepare(self) -> None:
        if not is_local(self.request.host, None):
            self.set_status(403)
            await self.finish()


class PageHandler(_LocalFiles):
    """Serves the chat page's own files."""


class MediaHandler(_LocalFiles):
    """Serves pictures and films by file_id; in ranges, so that a film plays at once."""

    def initialize(self, actions: ControlActions) -> None:  # type: ignore[override]
        super().initialize(str(actions.telegram.files.directory))
        self._actions = actions

    def parse_url_path(self, url_path: str) -> str:
        try:
            return self._actions.telegram.files.find(url_path).path
        except ApiError:
            return "missing"

    def set_extra_headers(self, path: str) -> None:
        super().set_extra_headers(path)
        self.set_header("Cache-Control", "max-age=31536000, immutable")
        stored = self._actions.telegram.files.find_path(path)
        if stored is not None:
            self.set_header("Content-Type", stored.mime_type)
            if stored.kind == "document":  # never shown as a page: anybody may have sent it
                self.set_header("Content-Disposition", "attachment")


def control_routes(telegram: FakeTelegram) -> list[tuple[str, type[RequestHandler], Json]]:
    """Return the routes of the users' side, for a Tornado application."""
    actions = ControlActions(telegram)
    return [
        (r"/control/events", EventsHandler, {"actions": actions}),
        (r"/control(/.*)", ControlHandler, {"actions": actions}),
        (r"/media/(.+)", MediaHandler, {"actions": actions}),
        (r"/(.*)", PageHandler, {"path": str(PAGE), "default_filename": "index.html"}),
    ]
