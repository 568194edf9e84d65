"""Serves the users' side to the chat page and to tests: `/control/…`, JSON in and out.

Browsers let any web page send requests to loopback. So a request must name a loopback host, which stops DNS
rebinding, and its origin, where it has one, must be the playground's own page.
"""

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tornado.httputil import HTTPServerRequest
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
        "connect-src 'self' {socket}",
        "img-src 'self' blob: data:",
        "media-src 'self' blob:",
        "frame-ancestors 'none'",
    )
)
_MANIFEST_TYPE = "application/manifest+json"  # of a web app; Python's table of types lacks it

IsOwn = Callable[[str, str | None], bool]  # whether a host, and an origin where there is one, are the page's own
MayStay = Callable[[HTTPServerRequest], bool]  # whether who has made a request may still listen


def is_local(request_host: str, origin: str | None) -> bool:
    """Return whether a request names a loopback host and comes, where it has an origin, from the page at that host."""
    if not is_loopback(f"//{request_host}"):
        return False
    return origin is None or urlsplit(origin).netloc == request_host


def reply_json(handler: RequestHandler, status: int, payload: Any) -> None:
    handler.set_status(status)
    handler.set_header("Content-Type", "application/json")
    handler.set_header("Cache-Control", "no-store")
    handler.write(json.dumps(payload, ensure_ascii=False))


class ControlHandler(RequestHandler):
    """Runs the action for a verb and a path; refuses in the Bot API's form."""

    def initialize(self, actions: ControlActions, is_own: IsOwn) -> None:
        self._actions = actions
        self._is_own = is_own

    async def _run(self, path: str) -> None:
        try:
            if not self._is_own(self.request.host, self.request.headers.get("Origin")):
                raise ApiError(403, "Forbidden: not from the playground's page")
            uploads = [
                Upload(item.filename, item.content_type, item.body) for item in self.request.files.get("files", [])
            ]
            verb = self.request.method or ""
            reply_json(self, 200, await self._actions.act(verb, path, Parameters.of(self.request), uploads))
        except ApiError as error:
            reply_json(self, error.code, error.payload())
        except ValueError as error:
            reply_json(self, 400, bad_request(str(error)).payload())

    get = post = patch = delete = _run


class EventsHandler(WebSocketHandler):
    """Sends every event as it happens, one JSON object a message."""

    def initialize(self, actions: ControlActions, is_own: IsOwn, may_stay: MayStay) -> None:
        self._actions = actions
        self._is_own = is_own
        self._may_stay = may_stay
        self._sending: asyncio.Task[None] | None = None

    def check_origin(self, origin: str) -> bool:
        return self._is_own(self.request.host, origin)

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
                event = await events.get()
                if not self._may_stay(self.request):
                    self.close()
                    return
                await self.write_message(json.dumps(event, ensure_ascii=False))


class PageHandler(StaticFileHandler):
    """Serves the chat page's own files."""

    def initialize(self, path: str, default_filename: str | None = None, *, is_own: IsOwn) -> None:  # type: ignore[override]
        super().initialize(path, default_filename)
        self._is_own = is_own

    def set_extra_headers(self, path: str) -> None:
        host = self.request.host  # one of the page's own
        self.set_header("Content-Security-Policy", _CONTENT_POLICY.format(socket=f"ws://{host} wss://{host}"))
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Referrer-Policy", "no-referrer")
        self.set_header("Cache-Control", "no-cache")

    async def prepare(self) -> None:
        if not self._is_own(self.request.host, None):
            self.set_status(403)
            await self.finish()

    def get_content_type(self) -> str:
        return _MANIFEST_TYPE if str(self.absolute_path).endswith(".webmanifest") else super().get_content_type()


class MediaHandler(PageHandler):
    """Serves pictures and films by file_id; in ranges, so that a film plays at once."""

    def initialize(self, actions: ControlActions, is_own: IsOwn) -> None:  # type: ignore[override]
        super().initialize(str(actions.telegram.files.directory), is_own=is_own)
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


def control_routes(
    telegram: FakeTelegram, is_own: IsOwn = is_local, may_stay: MayStay = lambda _: True
) -> list[tuple[str, type[RequestHandler], Json]]:
    """Return the routes of the users' side, for a Tornado application at the addresses that `is_own` accepts."""
    ours: Json = {"actions": ControlActions(telegram), "is_own": is_own}
    return [
        (r"/control/events", EventsHandler, ours | {"may_stay": may_stay}),
        (r"/control(/.*)", ControlHandler, ours),
        (r"/media/(.+)", MediaHandler, ours),
        (r"/(.*)", PageHandler, {"path": str(PAGE), "default_filename": "index.html", "is_own": is_own}),
    ]
