"""The playground as a server: faults, webhook, persistence, and who may use it."""

import asyncio
from pathlib import Path

import httpx
import pytest
from telegram import Bot
from telegram.error import BadRequest, Forbidden, NetworkError, RetryAfter, TimedOut
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler

from bot.playground.fake_telegram import FakeTelegram
from bot.playground.faults import Fault, FaultKind
from bot.playground.request_parameters import Upload
from bot.playground.server import Address, serve
from bot.playground.store import StoreInUse
from bot.playground.users import Users
from tests.bot.harness import eventually
from tests.bot.playground.conftest import MINA
from tests.bot.playground.pictures import jpeg


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        (FaultKind.BAD_REQUEST, BadRequest),
        (FaultKind.FORBIDDEN, Forbidden),
        (FaultKind.TOO_MANY_REQUESTS, RetryAfter),
        (FaultKind.BAD_GATEWAY, NetworkError),
        (FaultKind.DISCONNECT, NetworkError),
    ],
)
@pytest.mark.filterwarnings("ignore:Deprecated since version v22.2")
async def test_ordered_fault_happens_as_often_as_ordered(
    bot: Bot, users: Users, telegram: FakeTelegram, kind: FaultKind, error: type[Exception]
) -> None:
    await users.write(MINA, MINA, "hello")
    telegram.faults.add(Fault("sendMessage", kind, times=2))
    for _ in range(2):
        with pytest.raises(error):
            await bot.send_message(MINA, "x")
    await bot.send_message(MINA, "once")
    assert [message.content["text"] for message in telegram.world.messages[MINA].values()] == ["hello", "once"]


@pytest.mark.parametrize(("kind", "done"), [(FaultKind.TIMEOUT, 0), (FaultKind.TIMEOUT_AFTER, 1)])
async def test_lost_answer_may_follow_a_delivered_message(
    bot: Bot, users: Users, telegram: FakeTelegram, kind: FaultKind, done: int
) -> None:
    await users.write(MINA, MINA, "hello")
    telegram.faults.add(Fault("sendMessage", kind))
    with pytest.raises(TimedOut):
        await bot.send_message(MINA, "x", read_timeout=0.2)

    async def suffered() -> bool:
        return any(call.method == "sendMessage" for call in telegram.calls)

    await eventually(suffered)  # the bot may give up before the playground has looked
    assert len(telegram.world.messages[MINA]) == 1 + done


async def test_conversation_and_unread_updates_outlive_the_server(tmp_path: Path) -> None:
    home = tmp_path / "playground"
    async with serve(FakeTelegram(home)) as first:
        pass
    telegram = FakeTelegram(home)
    async with serve(telegram) as second, Bot(second.token, f"{second.url}/bot") as bot:
        assert second.token == first.token
        await Users(telegram).write(MINA, MINA, "do not forget me")
        sent = await bot.send_message(MINA, "never")
    telegram = FakeTelegram(home)
    async with serve(telegram) as third, Bot(third.token, f"{third.url}/bot") as bot:
        (update,) = await bot.get_updates()
        assert update.message is not None and update.message.text == "do not forget me"
        assert (await bot.send_message(MINA, "next")).message_id == sent.message_id + 1
        texts = [message.content["text"] for message in telegram.world.history(telegram.world.chat(MINA))]
        assert texts == ["do not forget me", "never", "next"]


def test_conversations_of_an_earlier_version_can_be_read(tmp_path: Path) -> None:
    before = FakeTelegram(tmp_path)
    before.store.put(
        "person", 1009, {"id": 1009, "first_name": "Ada", "last_name": "Byron"}
    )  # no user has one any more
    before.store.close()
    after = FakeTelegram(tmp_path)
    assert after.world.user(1009).first_name == "Ada"
    after.store.close()


async def test_one_home_is_for_one_playground(tmp_path: Path) -> None:
    async with FakeTelegram(tmp_path).running():
        with pytest.raises(StoreInUse):
            FakeTelegram(tmp_path)


async def test_webhook_gets_updates_with_its_secret_until_it_accepts(bot: Bot, users: Users) -> None:
    received: asyncio.Queue[tuple[str | None, bytes]] = asyncio.Queue()
    answers = iter([500, 200, 200])

    class Hook(RequestHandler):
        def post(self) -> None:
            received.put_nowait((self.request.headers.get("X-Telegram-Bot-Api-Secret-Token"), self.request.body))
            self.set_status(next(answers))

    sockets = bind_sockets(0, "127.0.0.1")
    server = HTTPServer(Application([("/hook", Hook)], log_function=lambda _: None))
    server.add_sockets(sockets)
    await bot.set_webhook(f"http://127.0.0.1:{sockets[0].getsockname()[1]}/hook", secret_token="hush")
    await users.write(MINA, MINA, "over here")
    first, again = await received.get(), await received.get()
    assert first == again and first[0] == "hush" and b"over here" in first[1]
    with pytest.raises(BadRequest, match="loopback"):
        await bot.set_webhook("https://example.org/hook")
    await bot.delete_webhook()
    assert (await bot.get_webhook_info()).url == ""
    server.stop()
    await server.close_all_connections()


async def test_only_its_own_page_may_act_for_people(address: Address) -> None:
    async with httpx.AsyncClient(base_url=address.url) as client:
        assert (await client.get("/control/state")).status_code == 200
        for headers in ({"Origin": "https://example.org"}, {"Host": "example.org"}):
            refused = await client.post("/control/people", headers=headers, json={"first_name": "Eve"})
            assert refused.status_code == 403
        state = (await client.get("/control/state")).json()
        assert [user["first_name"] for user in state["people"]] == ["Mina", "Joon"]


async def test_page_and_media_are_served_safely(address: Address, users: Users) -> None:
    (photo,) = await users.send(MINA, MINA, [Upload("a.jpg", "image/jpeg", jpeg())])
    (page,) = await users.send(MINA, MINA, [Upload("a.html", "text/html", b"<script>1</script>")], as_files=True)
    async with httpx.AsyncClient(base_url=address.url) as client:
        assert "default-src 'self'" in (await client.get("/")).headers["Content-Security-Policy"]
        part = await client.get(f"/media/{photo['photo'][-1]['file_id']}", headers={"Range": "bytes=0-1"})
        assert (part.status_code, part.headers["Content-Type"], part.content) == (206, "image/jpeg", b"\xff\xd8")
        assert (await client.get(f"/media/{page['document']['file_id']}")).headers[
            "Content-Disposition"
        ] == "attachment"
        for path in ("/media/unknown", "/media/../conversations.sqlite3", "/..%2f..%2fconversations.sqlite3"):
            assert (await client.get(path)).status_code in {403, 404}
