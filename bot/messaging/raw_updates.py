"""Reads updates as Telegram sends them, and refuses those that no handler could work with.

Servers of other versions leave out fields that python-telegram-bot requires, and it checks the type of none. Of a
message or a membership that it cannot read for such a reason, what the handlers work with is read. What passes here has
the ids, the texts and the numbers that they rely on.
"""

import json
from collections.abc import Iterator
from typing import Any

from telegram import Bot, Update

UNKNOWN_KIND = "unknown"
UPDATE_KINDS = (*Update.ALL_TYPES, UNKNOWN_KIND)
NO_ID = 0  # in the place of an update's id that is none; Telegram's are positive
_SQL_LIMIT = 2**63  # whole numbers from here on fit no column

# Fields that handlers read, wherever they stand; null is as good as absent.
_NUMBERS = frozenset({
    "date", "edit_date", "file_size", "message_id", "message_thread_id", "migrate_from_chat_id", "migrate_to_chat_id",
})  # fmt: skip
_TEXTS = frozenset({
    "caption", "file_id", "file_name", "file_unique_id", "first_name", "language_code", "media_group_id", "mime_type",
    "query", "status", "text", "username",
})  # fmt: skip


# What handlers work with of a message; anything else in one they answer without looking at it.
_PLAIN_FIELDS = frozenset({
    "message_id", "date", "edit_date", "chat", "from", "sender_chat", "via_bot", "media_group_id", "message_thread_id",
    "is_topic_message", "text", "entities", "caption", "caption_entities", "photo", "document", "reply_to_message",
    "migrate_to_chat_id", "migrate_from_chat_id",
})  # fmt: skip
_MEMBERS = ("old_chat_member", "new_chat_member")
_IN_CHAT = ("creator", "administrator", "member")
_MESSAGES = ("message", "edited_message", "reply_to_message")


def update_id(raw: object) -> int:
    """Return the update's id, `NO_ID` where it has none."""
    id_ = raw.get("update_id") if isinstance(raw, dict) else None
    return id_ if isinstance(id_, int) and _is_number(id_) and id_ > 0 else NO_ID


def update_kind(raw: object) -> str:
    """Return which of Telegram's kinds of updates it is."""
    keys = raw if isinstance(raw, dict) else ()
    return next((kind for kind in Update.ALL_TYPES if kind in keys), UNKNOWN_KIND)


def read_update(raw: object, bot: Bot) -> tuple[Update, str]:
    """Return the update, and its JSON for the storage. Raises whatever is wrong with it."""
    if not isinstance(raw, dict) or update_id(raw) == NO_ID:
        raise TypeError("no update")
    _check_fields(raw)
    try:
        update = Update.de_json(raw, bot)
    except (TypeError, KeyError, ValueError, AttributeError):
        raw = _plain(raw)
        update = Update.de_json(raw, bot)
    _check_ids(update)
    body = json.dumps(raw, ensure_ascii=False)
    body.encode()  # half of an emoji could be neither stored nor sent
    return update, body


def _plain(part: dict[str, Any]) -> dict[str, Any]:
    """Return an update, query or message whose messages and members have only what the handlers work with."""
    plain = dict(part)
    for name in _MESSAGES:
        if isinstance(message := part.get(name), dict):
            plain[name] = {name: value for name, value in _plain(message).items() if name in _PLAIN_FIELDS}
    if isinstance(query := part.get("callback_query"), dict):
        plain["callback_query"] = _plain(query)
    if isinstance(change := part.get("my_chat_member"), dict):
        plain["my_chat_member"] = change | {name: _plain_member(change[name]) for name in _MEMBERS}
    return plain


def _plain_member(member: dict[str, Any]) -> dict[str, Any]:
    """Return somebody of whom nothing is known but whether they are in the chat."""
    is_in = member["status"] in _IN_CHAT or (member["status"] == "restricted" and member["is_member"])
    return {"user": member["user"], "status": "member" if is_in else "left"}


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < _SQL_LIMIT


def _check_fields(raw: object) -> None:
    for name, value in _fields(raw):
        if value is None:
            continue
        if (name in _NUMBERS and not _is_number(value)) or (name in _TEXTS and not isinstance(value, str)):
            raise TypeError(name)


def _fields(raw: object) -> Iterator[tuple[str, object]]:
    """Yield every field of the update's objects."""
    waiting = [raw]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            yield from part.items()
            waiting += part.values()
        elif isinstance(part, list):
            waiting += part


def _check_ids(update: Update) -> None:
    """Raise TypeError unless everybody and everything the update is about has an id."""
    message, query = update.effective_message, update.callback_query
    for asked in (query, update.inline_query, update.my_chat_member):
        if asked and asked.from_user is None:
            raise TypeError("from")
    change = update.my_chat_member
    if change and None in (change.chat, change.old_chat_member, change.new_chat_member):
        raise TypeError("my_chat_member")
    parties = [update.effective_user, update.effective_chat, message and message.chat]
    if any(party is not None and not _is_number(party.id) for party in parties):
        raise TypeError("id")
    if update.effective_chat and not isinstance(update.effective_chat.type, str):
        raise TypeError("type")
    if message and (None in (message.message_id, message.date, message.chat)):
        raise TypeError("message")
    if query and not isinstance(query.data, str | None):
        raise TypeError("data")
