"""Serves the page in the local network, for devices that have joined with a code; the Bot API stays on this machine.

Other devices, and web pages open on them, can send anything to this port. So every request passes one gate before its
body is read: it must name the page's own address (DNS rebinding uses another name), come from the page itself where it
changes something (cross-site requests do not, and get no cookie), and carry the cookie of a device that has joined.
Without it there are only the page's own files, which are public, and the place where codes are tried.
"""

import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from tornado.httputil import HTTPMessageDelegate, HTTPServerRequest
from tornado.netutil import bind_sockets
from tornado.routing import Router
from tornado.web import Application, RequestHandler, stream_request_body

from bot.operations.lifetimes import serving
from bot.playground.control import control_routes, reply_json
from bot.playground.devices import Devices
from bot.playground.errors import ApiError, forbidden
from bot.playground.fake_telegram import FakeTelegram
from bot.playground.request_parameters import Parameters

ANY_ADDRESS = ""  # a host that stands for this machine's address in its local network
COOKIE = "throwback_device"
_COOKIE_DAYS = 180
_STRANGERS_MAX_BYTES = 1000  # of a request of a device that has not joined: more than a code needs
_UPLOAD_MAX_BYTES = 128 * 1024 * 1024  # of one request; as on this machine
_READING = frozenset({"GET", "HEAD"})
_ONLY_HERE = ("/control/devices", "/control/faults", "/control/limits")  # not for other devices
_ELSEWHERE = "192.0.2.1"  # an address for documentation: asking for the way there sends nothing


class HostError(Exception):
    """The page cannot be served at an address; the text is a sentence for people."""


def network_address(host: str) -> str:
    """Return the address of this machine that `host` names. Raises `HostError` for one outside local networks."""
    try:
        if host == ANY_ADDRESS:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
                probe.connect((_ELSEWHERE, 9))
                address = str(probe.getsockname()[0])
        else:
            address = str(socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)[0][4][0])
    except OSError:
        wanted = f"{host!r} is no address of this machine" if host else "this machine is in no network"
        raise HostError(f"{wanted}; --host takes the one under which other devices reach it") from None
    ip = ip_address(address.partition("%")[0])
    if ip.is_unspecified:
        raise HostError(f"{host} is every address of this machine; --host takes the one of the local network")
    if ip.is_global:
        raise HostError(f"{host or address} is a public address; the page is for local networks")
    return address


@asynccontextmanager
async def serve_network(
    telegram: FakeTelegram, host: str, port: int, tls: ssl.SSLContext | None = None
) -> AsyncIterator[str]:
    """Serve the page of `telegram` at this machine's address `host` while the context lasts, and yield its URL.

    Raises `HostError` or OSError where it cannot be served there.
    """
    address = network_address(host)
    sockets = bind_sockets(port, address)
    port = sockets[0].getsockname()[1]
    scheme = "https" if tls else "http"
    hosts = [_netloc(name, port) for name in dict.fromkeys((host or address, address))]
    gate = _Gate(telegram, [f"{scheme}://{one}" for one in hosts])
    async with serving(gate, sockets, ssl_options=tls, max_buffer_size=_UPLOAD_MAX_BYTES):
        telegram.devices.url = f"{scheme}://{hosts[0]}"
        try:
            yield telegram.devices.url
        finally:
            telegram.devices.url = ""


def _netloc(name: str, port: int) -> str:
    return f"[{name}]:{port}" if ":" in name else f"{name.lower()}:{port}"


def _token(request: HTTPServerRequest) -> str:
    cookie = request.cookies.get(COOKIE)
    return cookie.value if cookie else ""


class _Gate(Router):
    """Leads requests that may pass to their handlers, and all others to a refusal, before their bodies are read."""

    def __init__(self, telegram: FakeTelegram, origins: list[str]) -> None:
        self._devices = telegram.devices
        self._origins = origins
        self._application = Application(
            [
                (r"/control/join", _JoinHandler, {"devices": telegram.devices}),
                *control_routes(telegram, self._is_own, lambda request: telegram.devices.knows(_token(request))),
            ],
            log_function=lambda _: None,
        )

    def find_handler(self, request: HTTPServerRequest, **_: Any) -> HTTPMessageDelegate | None:
        try:
            self._check(request)
        except ApiError as error:
            return self._application.get_handler_delegate(request, _RefusedHandler, {"error": error})
        return self._application.find_handler(request)

    def _check(self, request: HTTPServerRequest) -> None:
        """Raise the refusal of a request that may not pass."""
        origin = request.headers.get("Origin")
        if not self._is_own(request.host, origin):
            raise forbidden("not from the playground's page")
        joined = self._devices.knows(_token(request))
        length = request.headers.get("Content-Length", "0")
        small = length.isdecimal() and int(length) <= _STRANGERS_MAX_BYTES
        if not joined and not (small and "Transfer-Encoding" not in request.headers):
            raise ApiError(413, "Request Entity Too Large")
        private = request.path.startswith(("/control/", "/media/"))
        if request.method not in _READING and origin is None:
            raise forbidden("not from the playground's page")
        if private and request.headers.get("Sec-Fetch-Site", "same-origin") not in {"same-origin", "none"}:
            raise forbidden("not from the playground's page")
        if private and not joined and request.path != "/control/join":
            raise ApiError(401, "Unauthorized: this device has not joined")
        if request.path.startswith(_ONLY_HERE):
            raise forbidden("only on the playground's own machine")

    def _is_own(self, host: str, origin: str | None) -> bool:
        own = [one for one in self._origins if urlsplit(one).netloc == host.lower()]
        return bool(own) and origin in {None, *own}


@stream_request_body
class _RefusedHandler(RequestHandler):
    """Answers a request that may not pass, without waiting for its body."""

    def initialize(self, error: ApiError) -> None:
        self._error = error

    def prepare(self) -> None:
        self.set_header("Connection", "close")
        reply_json(self, self._error.code, self._error.payload())
        self.finish()

    def data_received(self, chunk: bytes) -> None:
        """Drop it."""


class _JoinHandler(RequestHandler):
    """Takes a code, and gives the device that knew it its cookie."""

    def initialize(self, devices: Devices) -> None:
        self._devices = devices

    def post(self) -> None:
        try:
            code = Parameters.of(self.request).text("code")
            token = self._devices.join(code, self.request.headers.get("User-Agent", ""))
        except ApiError as error:
            reply_json(self, error.code, error.payload())
            return
        secure = self.request.protocol == "https"
        self.set_cookie(
            COOKIE, token, expires_days=_COOKIE_DAYS, httponly=True, samesite="Strict", path="/", secure=secure
        )
        reply_json(self, 200, {"joined": True})
