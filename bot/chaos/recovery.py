"""What people do once all is calm: everybody is back, and answers what is open, until nothing is."""

import asyncio
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from functools import partial
from typing import Any

from bot.chaos.chat_log import ChatLog
from bot.chaos.random_users import RandomUser, RandomUsers
from bot.chaos.supervised_bot import SupervisedBot
from bot.messaging.keyboards import Press, Verb
from bot.playground.errors import Json
from bot.playground.fake_telegram import FakeTelegram
from bot.playground.users import Users
from bot.playground.world import IN_CHAT
from storage import State

_PATIENCE_S = 90.0  # s without any change until what is still open counts as lost
_QUIET_LOOKS = 4  # in a row, after which nothing is open
_LOOK_EVERY_S = 0.25  # s between two looks at the rows, which announce no change
_ANSWERS = {
    State.AWAITING_HEAD: (Verb.HEAD, "0"),
    State.AWAITING_GO_ON: (Verb.GO_ON, ""),
    State.AWAITING_BREED: (Verb.BREED, "samoyed"),
    State.AWAITING_BABY_PHOTO: (Verb.SKIP, ""),
}
_WORKING = "('received', 'baby_received', 'queued', 'running', 'delivering')"


class Recovery:
    """Brings the experiment to rest."""

    def __init__(self, telegram: FakeTelegram, people: RandomUsers, log: ChatLog, bot: SupervisedBot) -> None:
        self._telegram = telegram
        self._people = people
        self._log = log
        self._bot = bot
        self._users = Users(telegram)

    async def wait_until_nothing_is_open(self) -> list[str]:
        """Answer questions until there are none, and return what is still open when our patience is at an end."""
        await self._everybody_comes_back()
        last_change, before, quiet = time.monotonic(), [""], 0
        while time.monotonic() < last_change + _PATIENCE_S and quiet < _QUIET_LOOKS:
            await asyncio.sleep(_LOOK_EVERY_S)
            open_, pressed = self._open(), self._answer()
            quiet = quiet + 1 if not open_ and not pressed else 0
            if (now := [*open_, str(pressed)]) != before:
                last_change, before = time.monotonic(), now
        return self._open()

    async def answered_s(self) -> float:
        """Return the longest time that /help takes, when everybody asks for it one after the other."""
        waits_s = []
        for person in self._present():
            began = time.monotonic()
            asked = await self._users.write(person.id, person.id, "/help")
            number = asked["message_id"]
            with suppress(TimeoutError):
                await self._telegram.wait_for(partial(_later, number), person.id)
            waits_s.append(time.monotonic() - began)
        return round(max(waits_s), 2)

    def _present(self) -> list[RandomUser]:
        return [person for person in self._people.people if not person.gone]

    async def _everybody_comes_back(self) -> None:
        for chat in list(self._telegram.world.chats.values()):
            chat.media_allowed, chat.closed_topics = True, []
            if chat.migrated_to is None and chat.bot_status not in IN_CHAT and chat.id not in self._log.forgotten:
                if chat.group:
                    await self._users.add_bot(next(iter(chat.members)), chat.id)
                else:
                    await self._users.unblock(chat.id)
        for person in self._present():
            await self._users.write(person.id, person.id, "/start")

    def _rows(self, query: str) -> list[dict[str, Any]]:
        address = f"file:{self._bot.home / 'throwback.sqlite3'}?mode=ro"
        with closing(sqlite3.connect(address, uri=True, timeout=10)) as rows:
            rows.row_factory = sqlite3.Row
            return [dict(row) for row in rows.execute(query)]

    def _open(self) -> list[str]:
        """Return what the bot has still to do."""
        portraits = self._rows(f"SELECT id, state FROM portraits WHERE state IN {_WORKING} OR told <> state")  # noqa: S608
        results = self._rows(
            "SELECT p.id FROM results r JOIN portraits p ON p.id = r.portrait"
            " WHERE p.state = 'done' AND r.wanted AND r.message IS NULL"
        )
        notices = self._rows("SELECT portrait AS id FROM notices")
        updates = self._rows("SELECT id FROM updates WHERE handled_at IS NULL")
        waiting = self._telegram.updates.webhook_info()["pending_update_count"]
        return [
            *(f"portrait {row['id']} is {row['state']}" for row in portraits),
            *(f"a result of portrait {row['id']} is to be sent" for row in results),
            *(f"a notice about portrait {row['id']} is to be said" for row in notices),
            *(f"update {row['id']} is to be handled" for row in updates),
            *([f"{waiting} updates are to be fetched"] if waiting else []),
        ]

    def _answer(self) -> int:
        """Answer every open question, and ask again for what did not arrive; return how many buttons were pressed."""
        return len([press for press in self._presses() if self._press(*press)])

    def _presses(self) -> Iterator[tuple[int, int, Press]]:
        """Yield owner, chat and button of what is open."""
        for row in self._rows("SELECT id, owner, chat, state, told FROM portraits WHERE state LIKE 'awaiting%'"):
            if row["told"] == row["state"]:
                verb, value = _ANSWERS[State(row["state"])]
                yield row["owner"], row["chat"], Press(verb, row["id"], value)
        for row in self._rows(
            "SELECT DISTINCT p.id, p.owner, p.chat, r.age FROM results r JOIN portraits p ON p.id = r.portrait"
            " WHERE p.state = 'done' AND r.wanted AND r.message = 0"
        ):
            yield row["owner"], row["chat"], Press(Verb.RESEND, row["id"], f"{row['age']:.2f}")

    def _press(self, owner: int, chat: int, press: Press) -> bool:
        person = next((one for one in self._present() if one.id == owner), None)
        if person is None or person.pressing:
            return bool(person)
        messages = self._telegram.world.messages.get(chat)
        if messages:
            self._people.press(person, chat, next(reversed(messages)), press.pack())
        return bool(messages)


def _later(number: int, message: Json) -> bool:
    return int(message["message_id"]) > number
