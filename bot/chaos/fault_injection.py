"""Orders faults of all kinds at random from the playground's Telegram, and sends the bot updates that are spoilt."""

import asyncio
import copy
import random
from collections import Counter
from typing import Any

from bot.playground.errors import Json
from bot.playground.fake_telegram import FakeTelegram
from bot.playground.faults import DOWNLOAD, Fault, FaultKind

_PAUSE_S = 0.7  # s between two orders, on average
_SPOILT = 0.3  # of all orders are spoilt updates
_UNANSWERED = frozenset({FaultKind.TIMEOUT, FaultKind.TIMEOUT_AFTER})  # they take the bot's whole patience, so are rare

_ANYWHERE = tuple(kind for kind in FaultKind if kind not in ("400", "403", "404", "409", "413"))
_METHODS = (
    "sendMessage", "sendPhoto", "sendVideo", "sendDocument", "editMessageText", "editMessageMedia",
    "editMessageCaption", "editMessageReplyMarkup", "deleteMessage", "deleteMessages", "answerCallbackQuery",
    "answerInlineQuery", "getFile", "sendChatAction", "getChatMember", "getUpdates",
)  # fmt: skip
_REPLY_GONE = "message to be replied not found"
_OF_ONE_METHOD = (
    Fault("getUpdates", FaultKind.NOT_FOUND),
    Fault("getUpdates", FaultKind.CONFLICT),
    Fault(DOWNLOAD, FaultKind.NOT_FOUND),
    Fault(DOWNLOAD, FaultKind.BAD_GATEWAY),
    Fault("getFile", FaultKind.BAD_REQUEST, description="file is temporarily unavailable"),
    Fault("sendVideo", FaultKind.TOO_LARGE),
    Fault("sendVideo", FaultKind.BAD_REQUEST, description="MEDIA_EMPTY"),
    Fault("sendPhoto", FaultKind.BAD_REQUEST, description="IMAGE_PROCESS_FAILED"),
    Fault("sendPhoto", FaultKind.BAD_REQUEST, description=_REPLY_GONE, given="reply_parameters"),
    Fault("sendVideo", FaultKind.BAD_REQUEST, description=_REPLY_GONE, given="reply_parameters"),
    Fault("sendMessage", FaultKind.BAD_REQUEST, description=_REPLY_GONE, given="reply_parameters"),
    Fault("sendVideo", FaultKind.BAD_REQUEST, description="wrong file identifier/HTTP URL specified", given="video"),
    Fault("answerCallbackQuery", FaultKind.BAD_REQUEST, description="query is too old"),
    Fault("deleteMessage", FaultKind.BAD_REQUEST, description="message can't be deleted"),
    Fault("editMessageText", FaultKind.BAD_REQUEST, description="message to edit not found"),
)
_ODD_VALUES: tuple[Any, ...] = (None, 0, -1, True, 2**31, 2**63, 2**80, 1.5, "", [], [None], [[]], {}, {"id": None})


class FaultInjector:
    """Injects faults until cancelled. `stranger` is the user in whose name spoilt updates come; `counts` is by kind."""

    def __init__(self, telegram: FakeTelegram, stranger: int, randomness: random.Random) -> None:
        self.counts: Counter[str] = Counter()
        self._telegram = telegram
        self._stranger = stranger
        self._random = randomness

    async def run(self) -> None:
        while True:
            await asyncio.sleep(self._random.expovariate(1 / _PAUSE_S))
            if self._random.random() < _SPOILT:
                self._telegram.updates.add_raw(self._spoilt())
                self.counts["spoilt update"] += 1
            else:
                self._telegram.faults.add(fault := self._fault())
                self.counts[fault.description or str(fault.kind)] += fault.times

    def _fault(self) -> Fault:
        if self._random.random() < 0.3:
            return copy.copy(self._random.choice(_OF_ONE_METHOD))
        kind = self._random.choice(_ANYWHERE)
        if kind in _UNANSWERED and self._random.random() < 0.7:
            kind = FaultKind.BAD_GATEWAY
        times = 1 if kind in _UNANSWERED else self._random.randint(1, 3)
        return Fault(self._random.choice(_METHODS), kind, times)

    def _spoilt(self) -> Json:
        """Return an update that somebody brought about, of the stranger's, with fields missing or replaced."""
        update = copy.deepcopy(self._random.choice(self._updates()))
        for _ in range(self._random.randint(1, 3)):
            part: Any = update
            while isinstance(part, dict | list) and part:
                key = self._random.choice(list(part)) if isinstance(part, dict) else self._random.randrange(len(part))
                if isinstance(part[key], dict | list) and self._random.random() < 0.8:
                    part = part[key]
                    continue
                if self._random.random() < 0.5:
                    del part[key]
                else:
                    part[key] = copy.deepcopy(self._random.choice(_ODD_VALUES))
                break
        return update

    def _updates(self) -> list[Json]:
        """Return whole updates of the stranger's, of several kinds."""
        user = self._telegram.world.user(self._stranger).as_user()
        chat: Json = {"id": self._stranger, "type": "private", "first_name": user["first_name"]}
        number = self._random.randrange(10**6, 10**7)  # far from those of real messages
        message: Json = {"message_id": number, "date": self._telegram.now(), "chat": chat, "from": user}
        file: Json = {"file_id": "f", "file_unique_id": "u", "file_size": 9}
        size = file | {"width": 90, "height": 90}
        hidden: Json = {"message_id": 3, "date": 0, "chat": chat}
        query: Json = {"id": "1", "from": user, "chat_instance": "1", "data": "page:0:0.0", "message": message}
        member: Json = {"status": "member", "user": user}
        change: Json = {"chat": chat, "from": user, "date": 1, "old_chat_member": member, "new_chat_member": member}
        sticker = size | {"type": "regular", "is_animated": False, "is_video": False}
        option: Json = {"text": user["first_name"], "voter_count": 0}
        poll: Json = {"id": "1", "question": "?", "options": [option], "total_voter_count": 0, "is_closed": False}
        return [
            {"message": message | {"text": user["first_name"]}},
            {"message": message | {"photo": [size, size], "caption": user["first_name"]}},
            {"message": message | {"document": file | {"mime_type": "image/jpeg", "file_name": user["first_name"]}}},
            {"message": message | {"sticker": sticker}},
            {"message": message | {"poll": poll}},
            {"message": message | {"pinned_message": hidden}},
            {"message": message | {"text": "hm", "reply_to_message": hidden}},
            {"edited_message": message | {"photo": [size], "edit_date": message["date"]}},
            {"callback_query": query},
            {"callback_query": query | {"message": hidden}},
            {"inline_query": {"id": "1", "from": user, "query": user["first_name"], "offset": ""}},
            {"my_chat_member": change},
            {"channel_post": message},
        ]
