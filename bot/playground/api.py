"""Serves the Bot API: `/bot<token>/METHOD` and `/file/bot<token>/PATH`; calls fail where a test ordered it."""

import asyncio
import hmac
import json
import logging
from collections.abc import Awaitable
from contextlib import suppress
from typing import Any

from tornado.iostream import StreamClosedError
from tornado.web import RequestHandler

from bot.playground.errors import ApiError, Json
from bot.playground.fake_telegram import Call, FakeTelegram
from bot.playground.faults import DOWNLOAD, PAGES, Fault, FaultKind
from bot.playground.file_store import UPLOAD_MAX_BYTES
from bot.playground.methods import call
from bot.playground.request_parameters import Parameters

logger = logging.getLogger(__name__)


class _BotHandler(RequestHandler):
    def initialize(self, telegram: FakeTelegram) -> None:
        self.telegram = telegram
        self._disconnected = asyncio.Event()

    def on_connection_close(self) -> None:
        self._disconnected.set()

    def _check_token(self, token: str) -> None:
        if not hmac.compare_digest(token.encode(), self.telegram.token.encode()):
            raise ApiError(401, "Unauthorized")

    async def _reply(self, status: int, payload: Json) -> None:
        self.set_status(status)
        self.set_header("Content-Type", "application/json")
        with suppress(StreamClosedError):
            await self.finish(json.dumps(payload, ensure_ascii=False))


class MethodHandler(_BotHandler):
    """Runs a method, by GET or POST, and answers as Telegram does."""

    async def get(self, token: str, method: str) -> None:
        await self.post(token, method)

    async def post(self, token: str, method: str) -> None:
        status, chat_id = 0, None
        try:
            self._check_token(token)
            parameters = Parameters.of(self.request)
            fault = self.telegram.faults.take(method, parameters.values)
            if fault is not None and not await self._fail(fault):
                return
            if len(self.request.body) > UPLOAD_MAX_BYTES:
                raise ApiError(413, "Request Entity Too Large")
            chat_id = _number(parameters.text("chat_id"))
            result = await self._while_connected(call(self.telegram, method, parameters), method)
            if fault is not None:
                await self._disconnected.wait()  # done, but the answer is lost
                return
            status = 200
            await self._reply(status, {"ok": True, "result": result})
        except ApiError as error:
            status = error.code
            await self._reply(status, error.payload())
        except asyncio.CancelledError:
            if not self._disconnected.is_set():
                raise
        except Exception:
            logger.exception("%s failed", method)
            status = 500
            await self._reply(status, {"ok": False, "error_code": 500, "description": "Internal Server Error"})
        finally:
            self.telegram.calls.append(Call(method, chat_id, status))

    async def _fail(self, fault: Fault) -> bool:
        """Fail as ordered; return whether the method is to be run all the same."""
        error = fault.error()
        if error is not None:
            raise error
        if fault.kind in PAGES:
            self.set_status(PAGES[fault.kind])
            await self.finish("<html><body>Please log in</body></html>")
        elif fault.kind is FaultKind.TIMEOUT:
            await self._disconnected.wait()
        elif fault.kind is FaultKind.DISCONNECT:
            self.detach().close()
        return fault.kind is FaultKind.TIMEOUT_AFTER

    async def _while_connected(self, work: Awaitable[Any], method: str) -> Any:
        """Return what `work` returns; end a wait for updates with the connection, so that a dead bot takes none."""
        if method.lower() != "getupdates":
            return await work
        task = asyncio.ensure_future(work)
        disconnected = asyncio.create_task(self._disconnected.wait())
        await asyncio.wait((task, disconnected), return_when=asyncio.FIRST_COMPLETED)
        disconnected.cancel()
        if not task.done():
            task.cancel()
        return await task


class DownloadHandler(_BotHandler):
    """Serves the bytes of a file that getFile named."""

    async def get(self, token: str, path: str) -> None:
        try:
            self._check_token(token)
            fault = self.telegram.faults.take(DOWNLOAD)
            if fault is not None and (ordered := fault.error()) is not None:
                raise ordered
            stored = self.telegram.files.find_path(path)
            if stored is None:
                raise ApiError(404, "Not Found")
        except ApiError as error:
            await self._reply(error.code, error.payload())
            return
        self.set_header("Content-Type", stored.mime_type)
        with suppress(StreamClosedError):
            await self.finish(self.telegram.files.location(stored).read_bytes())


def _number(text: str) -> int | None:
    try:
        return int(text)
    except ValueError:
        return None
