"""What Telegram's refusals and failures mean: one table, and what the product is told of each meaning.

Telegram has no codes finer than HTTP's, so the words of its descriptions tell; servers of other versions word some of
them differently.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum

import httpx
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Conflict,
    Forbidden,
    InvalidToken,
    RetryAfter,
    TelegramError,
    TimedOut,
)

from bot.messaging.telegram_request import InvalidAnswer
from bot.portraits.errors import (
    ChatClosed,
    ChatGone,
    ChatMoved,
    DeliveryUncertain,
    FileGone,
    MediaRefused,
    MediaUnusable,
    MessengerUnavailable,
    TooLarge,
)


class Meaning(StrEnum):
    CHAT_GONE = "chat_gone"  # nobody is there: stopped, removed, deleted, deactivated
    CHAT_CLOSED = "chat_closed"  # the chat is there, but we may not write to it, or its topic is closed or deleted
    CHAT_MOVED = "chat_moved"
    MEDIA_REFUSED = "media_refused"  # the chat takes words, but no pictures or films
    MEDIA_UNUSABLE = "media_unusable"  # Telegram can do nothing with this file
    TOO_LARGE = "too_large"
    FILE_GONE = "file_gone"
    QUERY_TOO_OLD = "query_too_old"
    UNCHANGED = "unchanged"
    MESSAGE_GONE = "message_gone"  # the message to be edited or deleted is not there, or too old to be edited
    UNDELETABLE = "undeletable"  # the message is there, and too old to be deleted
    NO_TEXT = "no_text"  # an edit of a text met a picture with a caption
    REPLY_GONE = "reply_gone"  # the message to be answered is not there
    TOKEN_REFUSED = "token_refused"  # noqa: S105 (no secret)
    BUSY = "busy"  # too many requests
    UNAVAILABLE = "unavailable"  # nothing was done: no connection, an ill server, a proxy's page
    UNCERTAIN = "uncertain"  # it may have been done: the answer was lost
    DEFECT = "defect"  # ours


# Where it is none of these, the error itself goes on.
_PRODUCT_ERRORS: dict[Meaning, type[Exception]] = {
    Meaning.CHAT_GONE: ChatGone,
    Meaning.CHAT_CLOSED: ChatClosed,
    Meaning.CHAT_MOVED: ChatMoved,
    Meaning.MEDIA_REFUSED: MediaRefused,
    Meaning.MEDIA_UNUSABLE: MediaUnusable,
    Meaning.TOO_LARGE: TooLarge,
    Meaning.FILE_GONE: FileGone,
    Meaning.TOKEN_REFUSED: MessengerUnavailable,
    Meaning.BUSY: MessengerUnavailable,
    Meaning.UNAVAILABLE: MessengerUnavailable,
    Meaning.UNCERTAIN: DeliveryUncertain,
}

# Code, words of the description in lower case, meaning; the first row that fits counts.
ERRORS: tuple[tuple[int, str, Meaning], ...] = (
    (400, "chat not found", Meaning.CHAT_GONE),
    (400, "user is deactivated", Meaning.CHAT_GONE),
    (400, "user not found", Meaning.CHAT_GONE),
    (400, "peer_id_invalid", Meaning.CHAT_GONE),
    (400, "group chat was deactivated", Meaning.CHAT_GONE),
    (400, "message thread not found", Meaning.CHAT_CLOSED),
    (400, "topic_closed", Meaning.CHAT_CLOSED),
    (400, "topic_deleted", Meaning.CHAT_CLOSED),
    (400, "topic_id_invalid", Meaning.CHAT_CLOSED),
    (400, "chat_write_forbidden", Meaning.CHAT_CLOSED),
    (400, "chat_restricted", Meaning.CHAT_CLOSED),
    (400, "chat_guest_send_forbidden", Meaning.CHAT_CLOSED),
    (400, "chat_admin_required", Meaning.CHAT_CLOSED),
    (400, "need administrator rights", Meaning.CHAT_CLOSED),
    (400, "have no rights to send a message", Meaning.CHAT_CLOSED),
    (400, "not enough rights to send text messages", Meaning.CHAT_CLOSED),
    (400, "chat_send_plain_forbidden", Meaning.CHAT_CLOSED),
    (400, "user_banned_in_channel", Meaning.CHAT_CLOSED),
    (400, "not enough rights to send", Meaning.MEDIA_REFUSED),  # "… photos to the chat"
    (400, "chat_send_", Meaning.MEDIA_REFUSED),  # CHAT_SEND_VIDEOS_FORBIDDEN
    (400, "file is too big", Meaning.TOO_LARGE),
    (400, "file_parts_invalid", Meaning.TOO_LARGE),
    (400, "media_empty", Meaning.MEDIA_UNUSABLE),
    (400, "media_invalid", Meaning.MEDIA_UNUSABLE),
    (400, "image_process_failed", Meaning.MEDIA_UNUSABLE),
    (400, "photo_invalid_dimensions", Meaning.MEDIA_UNUSABLE),
    (400, "photo_save_file_invalid", Meaning.MEDIA_UNUSABLE),
    (400, "photo_ext_invalid", Meaning.MEDIA_UNUSABLE),
    (400, "video_content_type_invalid", Meaning.MEDIA_UNUSABLE),
    (400, "video_file_invalid", Meaning.MEDIA_UNUSABLE),
    (400, "file must be non-empty", Meaning.MEDIA_UNUSABLE),
    (400, "voice_messages_forbidden", Meaning.MEDIA_UNUSABLE),  # whoever takes no voice messages takes no round videos
    (400, "restricted receiving of video note", Meaning.MEDIA_UNUSABLE),
    (400, "wrong file_id", Meaning.FILE_GONE),
    (400, "wrong file identifier", Meaning.FILE_GONE),
    (400, "wrong remote file identifier", Meaning.FILE_GONE),
    (400, "invalid file_id", Meaning.FILE_GONE),
    (400, "invalid file id", Meaning.FILE_GONE),
    (400, "file is temporarily unavailable", Meaning.FILE_GONE),
    (400, "file reference", Meaning.FILE_GONE),  # FILE_REFERENCE_EXPIRED
    (400, "file_reference", Meaning.FILE_GONE),
    (400, "document_invalid", Meaning.FILE_GONE),
    (400, "query is too old", Meaning.QUERY_TOO_OLD),
    (400, "query id is invalid", Meaning.QUERY_TOO_OLD),
    (400, "query_id_invalid", Meaning.QUERY_TOO_OLD),
    (400, "message is not modified", Meaning.UNCHANGED),
    (400, "message_not_modified", Meaning.UNCHANGED),
    (400, "message to edit not found", Meaning.MESSAGE_GONE),
    (400, "message can't be edited", Meaning.MESSAGE_GONE),
    (400, "message to delete not found", Meaning.MESSAGE_GONE),
    (400, "message can't be deleted", Meaning.UNDELETABLE),
    (400, "reply_message_id_invalid", Meaning.REPLY_GONE),
    (400, "message_id_invalid", Meaning.MESSAGE_GONE),
    (400, "no text in the message", Meaning.NO_TEXT),
    (400, "message to be replied not found", Meaning.REPLY_GONE),
    (400, "message to reply not found", Meaning.REPLY_GONE),
    (400, "replied message not found", Meaning.REPLY_GONE),
    (400, "", Meaning.DEFECT),
    (401, "", Meaning.TOKEN_REFUSED),
    (403, "chat_write_forbidden", Meaning.CHAT_CLOSED),
    (403, "not enough rights", Meaning.CHAT_CLOSED),
    (403, "", Meaning.CHAT_GONE),  # blocked, kicked, deactivated, never started
    (404, "", Meaning.TOKEN_REFUSED),
    (409, "", Meaning.UNAVAILABLE),
    (413, "", Meaning.TOO_LARGE),
    (429, "", Meaning.BUSY),
    (504, "", Meaning.UNCERTAIN),  # a gateway gave up waiting; what is behind it may not have
    (500, "", Meaning.UNAVAILABLE),
)

# python-telegram-bot tells the code by the type of the error, or by nothing but these words.
_CODES = ((Forbidden, 403), (InvalidToken, 401), (Conflict, 409), (RetryAfter, 429), (BadRequest, 400))
_CODE_WORDS = ((413, "request entity too large"), (413, "payload too large"), (429, "too many requests"))
_GATEWAY_TIMEOUT = (504, "gateway time")
_SERVER_ERROR = 500


def meaning_of(error: TelegramError) -> Meaning:
    """Return what an error means, by the table and by where in a request it happened."""
    if isinstance(error, ChatMigrated):
        return Meaning.CHAT_MOVED
    if isinstance(error, InvalidAnswer) and 200 <= error.status < 300:
        return Meaning.UNCERTAIN
    if isinstance(error, TimedOut) or isinstance(error.__cause__, httpx.HTTPError):
        lost = isinstance(error.__cause__, httpx.ReadTimeout | httpx.ReadError | httpx.RemoteProtocolError)
        return Meaning.UNCERTAIN if lost else Meaning.UNAVAILABLE
    code, said = _code(error), str(error).lower()
    return next((meaning for at, words, meaning in ERRORS if at == code and words in said), Meaning.UNAVAILABLE)


def _code(error: TelegramError) -> int:
    """Return the HTTP status of an error; 500 for every one that tells no other."""
    if isinstance(error, InvalidAnswer):  # no refusal of Telegram's, whatever a proxy may say
        return error.status if error.status in (413, 504) else _SERVER_ERROR
    for kind, code in _CODES:
        if isinstance(error, kind):
            return code
    said = str(error).lower()
    return next((code for code, words in (*_CODE_WORDS, _GATEWAY_TIMEOUT) if words in said), _SERVER_ERROR)


@contextmanager
def translated() -> Iterator[None]:
    """Turn python-telegram-bot's errors into those of `bot.portraits.errors`; other refusals, our defects, pass."""
    try:
        yield
    except ChatMigrated as error:
        raise ChatMoved(error.new_chat_id) from None
    except TelegramError as error:
        meaning = meaning_of(error)
        if meaning not in _PRODUCT_ERRORS:
            raise
        raise _PRODUCT_ERRORS[meaning](meaning.value) from None


def translated_meaning(error: Exception) -> Meaning:
    """Return what an error means that `translated` raised; anything else is a defect."""
    return next((meaning for meaning, kind in _PRODUCT_ERRORS.items() if type(error) is kind), Meaning.DEFECT)


def unchanged(error: TelegramError) -> bool:
    """Return whether an edit was refused because it changes nothing, or its message is gone: both are fine."""
    return meaning_of(error) in (Meaning.UNCHANGED, Meaning.MESSAGE_GONE)
