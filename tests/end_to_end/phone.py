"""A user with a phone, who reaches the playground over HTTP as the chat page does."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx
from tornado.websocket import websocket_connect

from tests.bot.answering import Answering, Json
from tests.bot.harness import callback, words_of
from tests.scripted_engine import Script, scripted_photo

MINA, JOON, FAMILY = 1001, 1002, -2001
WAIT_S = 60.0  # s until a test gives up; for the slowest machine


class Phone(Answering):
    """A user's phone in one chat, the private one unless told otherwise."""

    def __init__(
        self, http: httpx.AsyncClient, user_id: int = MINA, chat: int | None = None, wait_s: float = WAIT_S
    ) -> None:
        self._http = http
        self._wait_s = wait_s
        self.user_id = user_id
        self.chat = chat or user_id

    async def write(self, text: str, **options: Any) -> Json:
        sent = await self._post(f"/chats/{self.chat}/messages", json={"person": self.user_id, "text": text, **options})
        return dict(sent[0])

    async def send(self, photo: bytes, name: str = "photo.jpg", *, as_file: bool = True, **options: Any) -> Json:
        values = {"person": self.user_id, "as_files": str(as_file).lower(), **options}
        files = [("files", (name, photo, "image/jpeg" if name.endswith("jpg") else "application/octet-stream"))]
        return dict((await self._post(f"/chats/{self.chat}/messages", data=values, files=files))[0])

    async def send_scripted(self, script: Script = Script.PLAIN, shade: int = 200, **options: Any) -> Json:
        return await self.send(scripted_photo(script, shade), **options)

    async def send_album(self, photos: Sequence[bytes]) -> None:
        files = [("files", (f"{number}.jpg", photo, "image/jpeg")) for number, photo in enumerate(photos)]
        values = {"person": self.user_id, "as_files": "true"}
        await self._post(f"/chats/{self.chat}/messages", data=values, files=files)

    async def press(self, message: Json, label: str) -> Json:
        path = f"/chats/{message['chat']['id']}/messages/{message['message_id']}/press"
        return dict(await self._post(path, json={"person": self.user_id, "data": callback(message, label)}))

    async def question(self, label: str, chat: int | None, after: Json | None) -> Json:
        assert chat in (None, self.chat), "another chat is another phone's"
        return await self.sees(label, after=after)

    async def send_photo(self, shade: int, chat: int | None) -> None:
        await self.send_scripted(shade=shade)

    async def said(self) -> list[Json]:
        """Return the bot's messages in the chat, as they stand there now."""
        history = (await self._http.get(f"/control/chats/{self.chat}/messages")).raise_for_status().json()
        return [message for message in history if message["from"]["is_bot"]]

    async def sees(self, *parts: str, after: Json | None = None, without: str = "\0", **has: bool) -> Json:
        """Return the bot's first message with all these parts in text, caption or buttons; wait for it.

        `video=True` and the like say which fields it must have, `after` which message it must be newer than, `without`
        what it must not say.
        """

        def fits(message: Json) -> bool:
            return (
                bool(message["from"]["is_bot"])
                and (after is None or message["message_id"] > after["message_id"])
                and all(part in words_of(message) for part in parts)
                and without not in words_of(message)
                and all((name in message) == there for name, there in has.items())
            )

        async with self._events() as events:
            for message in await self.said():
                if fits(message):
                    return message
            async with asyncio.timeout(self._wait_s):
                async for event in events:
                    if event.get("chat_id") == self.chat and "message" in event and fits(event["message"]):
                        return dict(event["message"])
        raise ConnectionError("the playground has gone")

    async def gone(self, *parts: str) -> None:
        """Wait until no message of the bot has all these parts."""
        async with self._events() as events:
            async with asyncio.timeout(self._wait_s):
                while any(all(part in words_of(message) for part in parts) for message in await self.said()):
                    await anext(events)

    async def bot_listens(self) -> None:
        """Wait until the bot waits for updates."""
        async with self._events() as events:
            if (await self._http.get("/control/state")).json()["bot"]["listening"]:
                return
            async with asyncio.timeout(self._wait_s):
                async for event in events:
                    if event["type"] == "listening":
                        return

    async def _post(self, path: str, **content: Any) -> Any:
        response = await self._http.post(f"/control{path}", **content)
        assert response.status_code == 200, response.text
        return response.json()

    @asynccontextmanager
    async def _events(self) -> AsyncIterator[AsyncIterator[Json]]:
        """Yield what happens from now on."""
        url = str(self._http.base_url).replace("http", "ws", 1).rstrip("/") + "/control/events"
        socket = await websocket_connect(url)

        async def read() -> AsyncIterator[Json]:
            while (text := await socket.read_message()) is not None:
                yield json.loads(text)

        try:
            await socket.read_message()  # the greeting: from here on nothing is missed
            yield read()
        finally:
            socket.close()
            while await socket.read_message() is not None:
                pass  # until the other side has closed it too


async def ask_for_portrait(phone: Phone, script: Script = Script.PLAIN, shade: int = 200) -> Json:
    """Send a photo, answer all questions, and return the film's message once its portrait is done."""
    sent = await phone.send_scripted(script, shade)
    await phone.answers(breed="Samoyed", baby=None, after=sent)
    film = await phone.sees(after=sent, video=True)
    await phone.gone("Cancel")  # the progress message goes last
    return film
