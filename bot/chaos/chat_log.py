"""What people did and what the bot said, as it happened; the fake Telegram itself forgets what is deleted."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from bot.messaging.keyboards import Press, Verb
from bot.playground.errors import Json
from bot.playground.fake_telegram import FakeTelegram

_ASKS_FOR_FILM = (Verb.AGE, Verb.RESEND, Verb.FILM)


@dataclass(frozen=True, slots=True)
class SentPhoto:
    """A photo that somebody sent, and the bot saw."""

    owner: int
    chat: int
    message: int
    album: str | None
    file: str = ""  # Telegram's file_unique_id


@dataclass(frozen=True, slots=True)
class FilmKey:
    """One film: of a portrait, at an age."""

    portrait: int
    age: str


@dataclass(slots=True)
class ChatLog:
    """Filled by `follow` from what happens in the fake Telegram, and by whoever acts."""

    photos: list[SentPhoto] = field(default_factory=list)
    actions: Counter[str] = field(default_factory=Counter)
    films: Counter[tuple[int, FilmKey]] = field(default_factory=Counter)  # sent, by chat; not in another's place
    shown: set[tuple[int, FilmKey]] = field(default_factory=set)  # films seen in each chat, in another's place too
    requested: Counter[FilmKey] = field(default_factory=Counter)  # by a button
    portraits: dict[tuple[int, int], int] = field(default_factory=dict)  # by the message that began it, as replies told
    replied: set[tuple[int, int]] = field(default_factory=set)  # messages that the bot replied to
    withdrawn: set[tuple[int, int]] = field(default_factory=set)  # messages that somebody deleted in the chat
    said: dict[int, set[str]] = field(default_factory=lambda: defaultdict(set))  # the bot's texts, by chat
    deleted: set[int] = field(default_factory=set)  # portraits, by their owner
    forgotten: set[int] = field(default_factory=set)  # people who asked for it, and left
    blocked: set[int] = field(default_factory=set)  # people who have blocked the bot at some time
    left_groups: set[int] = field(default_factory=set)  # groups that have removed the bot at some time

    def pressed(self, data: str) -> None:
        """Note a press of a button that carries this."""
        said = Press.unpack(data)
        if said is None:
            return
        if said.verb in _ASKS_FOR_FILM:
            self.requested[FilmKey(said.portrait, said.value)] += 1
        elif said.verb is Verb.DELETE_YES:
            self.deleted.add(said.portrait)

    async def follow(self, telegram: FakeTelegram) -> None:
        """Note what the bot says until cancelled."""
        with telegram.events.subscription() as events:
            while True:
                event = await events.get()
                if event["type"] in ("message", "edited") and event["message"].get("from", {}).get("is_bot"):
                    self.note(event["message"], new=event["type"] == "message")

    def note(self, message: Json, new: bool) -> None:
        """Note one message of the bot's, new or edited."""
        chat = message["chat"]["id"]
        if text := message.get("text") or message.get("caption"):
            self.said[chat].add(text)
        presses = list(presses_of(message))
        if "video" in message:
            for one in presses:
                if one.verb is Verb.MORE:
                    key = chat, FilmKey(one.portrait, one.value)
                    self.shown.add(key)
                    self.films[key] += new
        replied_to = message.get("reply_to_message", {}).get("message_id")
        if replied_to is not None:
            self.replied.add((chat, replied_to))
            for one in presses:
                if one.portrait:
                    self.portraits.setdefault((chat, replied_to), one.portrait)


def buttons_of(message: Json) -> Iterator[str]:
    """Yield the callback data of a message's buttons."""
    for row in message.get("reply_markup", {}).get("inline_keyboard", []):
        for button in row:
            if "callback_data" in button:
                yield button["callback_data"]


def presses_of(message: Json) -> Iterator[Press]:
    """Yield what the buttons of a message say."""
    for data in buttons_of(message):
        if press := Press.unpack(data):
            yield press
