"""Telegram's refusals and failures: translated into the product's errors, and told apart."""

from collections.abc import Iterator
from contextlib import contextmanager

import httpx
from telegram.error import BadRequest, ChatMigrated, Forbidden, NetworkError, RetryAfter, TelegramError, TimedOut

from bot.portraits.errors import ChatGone, ChatMoved, DeliveryUncertain, MediaRefused, MessengerUnavailable

# What Telegram says when a chat is gone; it has no codes finer than 400.
_CHAT_GONE_TEXTS = (
    *("chat not found", "user is deactivated", "peer_id_invalid"),
    *("not enough rights to send text messages", "have no rights to send a message", "chat_send_plain_forbidden"),
)
# Unless one of the above: "… to send photos to the chat", CHAT_SEND_VIDEOS_FORBIDDEN.
_MEDIA_REFUSED_TEXTS = ("not enough rights to send", "chat_send_")
_UNCHANGED_TEXT = "message is not modified"
_NO_TEXT_TEXT = "no text in the message"
_MESSAGE_GONE_TEXTS = ("message to edit not found", "message can't be edited", "message to delete not found")


@contextmanager
def translated() -> Iterator[None]:
    """Turn python-telegram-bot's errors into those of `bot.portraits.errors`; other refusals, our defects, pass."""
    try:
        yield
    except ChatMigrated as error:
        raise ChatMoved(error.new_chat_id) from None
    except Forbidden as error:
        raise ChatGone(str(error)) from None
    except BadRequest as error:
        if any(words in str(error).lower() for words in _CHAT_GONE_TEXTS):
            raise ChatGone(str(error)) from None
        if refuses_media(error):
            raise MediaRefused(str(error)) from None
        raise
    except TimedOut as error:
        if isinstance(error.__cause__, httpx.ReadTimeout):
            raise DeliveryUncertain("no answer") from None
        raise MessengerUnavailable("timed out") from None
    except NetworkError as error:
        if isinstance(error.__cause__, httpx.ReadError | httpx.RemoteProtocolError):
            raise DeliveryUncertain("the connection broke") from None
        raise MessengerUnavailable(type(error).__name__) from None
    except RetryAfter:
        raise MessengerUnavailable("too many requests") from None


def unchanged(error: TelegramError) -> bool:
    """Return whether an edit was refused because it changes nothing, or its message is gone: both are fine."""
    return _UNCHANGED_TEXT in str(error).lower() or message_gone(error)


def message_gone(error: TelegramError) -> bool:
    """Return whether the message to be edited or deleted is gone, or too old for it."""
    said = str(error).lower()
    return any(words in said for words in _MESSAGE_GONE_TEXTS)


def refuses_media(error: TelegramError) -> bool:
    """Return whether the chat refuses this kind of message, such as films, rather than all messages."""
    said = str(error).lower()
    return any(words in said for words in _MEDIA_REFUSED_TEXTS) and not any(words in said for words in _CHAT_GONE_TEXTS)


def too_big_to_fetch(error: TelegramError) -> bool:
    """Return whether Telegram has the file, but does not hand it to bots."""
    return "too big" in str(error).lower()


def has_no_text(error: TelegramError) -> bool:
    """Return whether an edit of a text met a picture with a caption."""
    return _NO_TEXT_TEXT in str(error).lower()
