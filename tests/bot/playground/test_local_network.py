"""The page in the local network: whoever has not joined, or comes from elsewhere, gets nothing."""

import asyncio
import json
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import httpx
import pytest
from tornado.httpclient import HTTPRequest
from tornado.websocket import WebSocketClientConnection, websocket_connect

from bot.playground.devices import Devices
from bot.playground.errors import ApiError
from bot.playground.fake_telegram import FakeTelegram
from bot.playground.local_network import COOKIE, HostError, network_address, serve_network
from bot.playground.request_parameters import Upload
from bot.playground.server import Address
from bot.playground.users import Users
from tests.bot.playground.conftest import MINA
from tests.bot.playground.pictures import jpeg

HOST = "127.0.0.2"  # also this machine's, but not where the playground itself is


@pytest.fixture
async def url(address: Address, telegram: FakeTelegram) -> AsyncIterator[str]:
    async with serve_network(telegram, HOST, 0) as url:
        yield url


@pytest.fixture
async def stranger(url: str) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=url, headers={"Origin": url}) as client:
        yield client


@pytest.fixture
async def device(url: str, telegram: FakeTelegram) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=url, headers={"Origin": url, "User-Agent": "Mozilla (iPhone)"}) as client:
        joined = await client.post("/control/join", json={"code": telegram.devices.code})
        assert joined.status_code == 200
        yield client


async def test_strangers_see_nothing_but_the_empty_page(
    stranger: httpx.AsyncClient, telegram: FakeTelegram, users: Users
) -> None:
    (sent,) = await users.send(MINA, MINA, [Upload("a.jpg", "image/jpeg", jpeg())])
    paths = ("/control/state", "/control/devices", f"/control/chats/{MINA}/messages", "/control/events")
    for path in (*paths, f"/media/{sent['photo'][0]['file_id']}", "/media/x"):
        assert (await stranger.get(path)).status_code == 401
    said = await stranger.post(f"/control/chats/{MINA}/messages", json={"person": MINA, "text": "hello"})
    assert said.status_code == 401
    for path in (f"/bot{telegram.token}/getMe", f"/file/bot{telegram.token}/photos/file_1.jpg", "/%63ontrol/state"):
        assert (await stranger.get(path)).status_code == 404
    assert (await stranger.get("/")).status_code == 200
    assert len(telegram.world.messages[MINA]) == 1


async def test_a_code_lets_one_device_in(
    device: httpx.AsyncClient, stranger: httpx.AsyncClient, telegram: FakeTelegram, url: str
) -> None:
    assert (await device.get("/control/state")).status_code == 200
    said = await device.post(f"/control/chats/{MINA}/messages", json={"person": MINA, "text": "hello"})
    assert said.status_code == 200
    assert [one.name for one in telegram.devices.joined] == ["iPhone"]
    next_code = telegram.devices.code.lower().replace("-", " ")
    second = await stranger.post("/control/join", json={"code": next_code})
    (cookie,) = second.headers.get_list("set-cookie")
    assert "HttpOnly" in cookie and "SameSite=Strict" in cookie and "Path=/" in cookie
    assert len(telegram.devices.joined) == 2
    assert (await stranger.post("/control/join", json={"code": next_code})).status_code == 403
    token = device.cookies[COOKIE]
    assert token not in json.dumps(telegram.store.all("device", dict))
    for refused in ("/control/devices", "/control/limits"):
        assert (await device.get(refused)).status_code == 403
    assert (await device.delete("/control/devices/1")).status_code == 403


async def test_other_names_and_other_pages_are_refused(device: httpx.AsyncClient, url: str) -> None:
    port = urlsplit(url).port
    rebinding = {"Host": f"evil.example:{port}", "Origin": f"http://evil.example:{port}"}
    body = {"person": MINA, "text": "hello"}
    path = f"/control/chats/{MINA}/messages"
    for headers in (rebinding, {"Origin": "http://evil.example"}, {"Origin": f"http://{HOST}:1"}, {"Origin": "null"}):
        assert (await device.post(path, json=body, headers=headers)).status_code == 403
        assert (await device.get("/control/state", headers=headers)).status_code == 403
    assert (await device.get("/", headers={"Host": rebinding["Host"]})).status_code == 403
    del device.headers["Origin"]
    assert (await device.post(path, json=body)).status_code == 403
    assert (await device.get("/control/state", headers={"Sec-Fetch-Site": "cross-site"})).status_code == 403
    assert (await device.get("/control/state", headers={"Sec-Fetch-Site": "same-origin"})).status_code == 200


@pytest.mark.parametrize("path", ["/control/join", "/", f"/control/chats/{MINA}/messages"])
async def test_what_strangers_send_is_refused_before_it_is_read(url: str, path: str) -> None:
    host = urlsplit(url).netloc
    reader, writer = await asyncio.open_connection(HOST, urlsplit(url).port)
    head = f"POST {path} HTTP/1.1\r\nHost: {host}\r\nOrigin: {url}\r\nContent-Length: 104857600\r\n\r\n"
    writer.write(head.encode())
    assert (await asyncio.wait_for(reader.readline(), 10)).startswith(b"HTTP/1.1 413")
    writer.close()


async def test_removed_device_is_out_at_once(
    device: httpx.AsyncClient, telegram: FakeTelegram, address: Address, url: str, users: Users
) -> None:
    cookie = {"Cookie": f"{COOKIE}={device.cookies[COOKIE]}"}
    listening = await listen(url, cookie)
    assert json.loads(str(await listening.read_message())) == {"type": "hello"}
    async with httpx.AsyncClient(base_url=address.url) as here:
        shown = (await here.get("/control/devices")).json()
        assert shown["url"] == url and shown["code"] == telegram.devices.code
        assert [one["name"] for one in shown["joined"]] == ["iPhone"]
        assert (await here.delete(f"/control/devices/{shown['joined'][0]['id']}")).status_code == 200
    assert await listening.read_message() is None  # closed
    assert (await device.get("/control/state")).status_code == 401
    listening.close()


async def test_devices_are_known_after_a_restart(device: httpx.AsyncClient, telegram: FakeTelegram) -> None:
    again = Devices(telegram.store, telegram.events)
    assert again.knows(device.cookies[COOKIE]) and not again.knows("") and not again.knows("x")
    assert again.code != telegram.devices.code


def test_guessing_is_slow(telegram: FakeTelegram) -> None:
    now = 0.0
    devices = Devices(telegram.store, telegram.events, lambda: now)
    for _ in range(20):
        with pytest.raises(ApiError, match="wrong code"):
            devices.join("AAAA-AAAA", "")
    with pytest.raises(ApiError, match="Too Many"):
        devices.join(devices.code, "")
    now = 61.0
    assert devices.join(devices.code, "")
    telegram.store.close()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "8.8.8.8", "no-such-host.invalid", "not a host"])
def test_only_addresses_in_local_networks_are_served(host: str) -> None:
    with pytest.raises(HostError):
        network_address(host)
    assert network_address("192.168.1.5") == "192.168.1.5"


async def listen(url: str, headers: dict[str, str]) -> WebSocketClientConnection:
    socket = url.replace("http", "ws") + "/control/events"
    return await websocket_connect(HTTPRequest(socket, headers={"Origin": url, **headers}))
