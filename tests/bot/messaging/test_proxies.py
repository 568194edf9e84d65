"""The way to Telegram through a SOCKS proxy."""

import asyncio
from contextlib import suppress
from pathlib import Path

import pytest
from telegram import Bot

from bot.messaging.telegram_request import TelegramRequest
from bot.playground.fake_telegram import FakeTelegram
from bot.playground.server import serve


class SocksProxy:
    """Speaks enough of SOCKS 5 to lead every name to one port of this machine; remembers the names."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.asked: list[str] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly((await reader.readexactly(2))[1])  # version, methods
        writer.write(b"\x05\x00")
        *_, kind = await reader.readexactly(4)
        assert kind == 3  # a name: the proxy looks it up, where ours may not be able to
        self.asked.append((await reader.readexactly((await reader.readexactly(1))[0])).decode())
        await reader.readexactly(2)
        there, back = await asyncio.open_connection("127.0.0.1", self._port)
        writer.write(b"\x05\x00\x00\x01" + bytes(6))
        await asyncio.gather(_pass_on(reader, back), _pass_on(there, writer))


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
    writer.close()


async def test_the_bot_api_is_reached_through_a_socks_proxy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with serve(FakeTelegram(tmp_path)) as address:
        proxy = SocksProxy(int(address.url.rpartition(":")[2]))
        async with await asyncio.start_server(proxy.serve, "127.0.0.1", 0) as server:
            monkeypatch.setenv("ALL_PROXY", f"socks5://127.0.0.1:{server.sockets[0].getsockname()[1]}")
            monkeypatch.delenv("NO_PROXY", raising=False)
            monkeypatch.delenv("no_proxy", raising=False)
            requests = TelegramRequest(), TelegramRequest()
            bot = Bot(address.token, "http://telegram.test/bot", request=requests[0], get_updates_request=requests[1])
            async with bot:
                assert bot.username == "throwback_bot"
    assert proxy.asked == ["telegram.test"]
