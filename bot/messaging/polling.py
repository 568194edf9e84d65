"""Asks Telegram for updates, and takes each for itself.

python-telegram-bot reads all updates of an answer at once: one that it cannot read keeps the others from being handled,
and is asked for again for ever.
"""

import json
import re
from collections.abc import Sequence
from urllib.parse import urlencode

from telegram.ext import ExtBot

from bot.messaging.listening import Pulse
from bot.messaging.raw_updates import NO_ID, UNKNOWN_KIND, update_id
from bot.messaging.telegram_request import InvalidAnswer, TelegramRequest
from bot.messaging.update_queue import DurableUpdateQueue

_POLL_S = 10  # s that Telegram waits for an update before it answers that there is none
_ANSWER_S = 20.0  # s for the answer, beyond these; longer notices later that the connection is gone
_MAX_UPDATES = 100  # in one answer; Telegram gives no more
_UPDATE_ID = re.compile(rb'"update_id"\s*:\s*(\d{1,18})\b')


class Poller:
    """The `UpdateSource` that asks. `kinds` are those of the updates that are asked for."""

    def __init__(
        self, bot: ExtBot[int], request: TelegramRequest, queue: DurableUpdateQueue, kinds: Sequence[str]
    ) -> None:
        self._bot = bot
        self._request = request
        self._queue = queue
        self._kinds = json.dumps(kinds)
        self._offset = 0  # the update to begin with; those before it are confirmed
        self._limit = _MAX_UPDATES

    async def prepare(self) -> None:
        await self._bot.delete_webhook()

    async def listen(self, pulse: Pulse) -> None:
        while True:
            pulse.asked()
            updates = await self._updates(await self._ask())
            pulse.heard()
            for update in updates:
                await self._queue.receive(update, self._bot, pulse.held_up)
                self._offset = max(self._offset, update_id(update) + 1)
            if updates and all(update_id(update) == NO_ID for update in updates):
                raise InvalidAnswer(200)  # they would come again at once

    async def _ask(self) -> bytes:
        query = {"timeout": _POLL_S, "limit": self._limit, "allowed_updates": self._kinds}
        if self._offset:
            query["offset"] = self._offset
        url = f"{self._bot.base_url}/getUpdates?{urlencode(query)}"
        return await self._request.retrieve(url, read_timeout=_POLL_S + _ANSWER_S)

    async def _updates(self, payload: bytes) -> list[object]:
        """Return the updates of an answer; one that spoils the whole answer is asked for alone and set aside."""
        try:
            updates = self._request.parse_json_payload(payload).get("result")
        except InvalidAnswer:
            found = _UPDATE_ID.search(payload)
            if found is None:
                raise
            if self._limit > 1:
                self._limit = 1
                return []
            await self._queue.set_aside(int(found[1]), UNKNOWN_KIND, InvalidAnswer.__name__)
            self._offset = int(found[1]) + 1
            updates = []
        if not isinstance(updates, list):
            raise InvalidAnswer(200)
        self._limit = _MAX_UPDATES
        return updates
